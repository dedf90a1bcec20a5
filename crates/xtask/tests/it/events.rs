//! Every event that is logged stands in the catalogue, which README shows to operators.

use std::fs;
use std::path::Path;

#[test]
fn every_event_is_in_the_catalogue() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let catalogue = fs::read_to_string(root.join("crates/daemon-kit/src/log/event.rs")).unwrap();
    let mut missing = Vec::new();
    for folder in ["crates", "bins"] {
        for package in fs::read_dir(root.join(folder)).unwrap() {
            look(&package.unwrap().path().join("src"), &catalogue, &mut missing);
        }
    }
    assert!(missing.is_empty(), "not in the catalogue: {missing:?}");
}

/// Crates that may not depend on the catalogue name their events by a word.
fn look(folder: &Path, catalogue: &str, missing: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            look(&path, catalogue, missing);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for rest in text.split("event = \"").skip(1) {
            let word = rest.split('"').next().unwrap();
            if !catalogue.contains(&format!("\"{word}\"")) {
                missing.push(word.to_owned());
            }
        }
    }
}
