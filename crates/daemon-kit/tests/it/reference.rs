//! The reference of all settings, which stands at the head of `config/mod.rs`, is a configuration, and misses none.

use std::fs;
use std::path::Path;

use daemon_kit::config::Config;
use daemon_kit::limits;

use crate::world::World;

/// The first block of TOML in the module's documentation.
fn reference() -> String {
    let module = fs::read_to_string(sources().join("mod.rs")).unwrap();
    let block = module.lines().skip_while(|line| *line != "//! ```toml").skip(1);
    let lines = block.take_while(|line| *line != "//! ```");
    lines.map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start())).collect()
}

fn sources() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/config"))
}

/// The keys that a source file asks a section for.
fn keys(source: &str) -> Vec<&str> {
    let mut keys = Vec::new();
    for method in [".optional", ".required", ".list", ".table", ".tables"] {
        for behind in source.split(method).skip(1) {
            let Some((kind, argument)) = behind.split_once("(\"") else { continue };
            if kind.is_empty() || (kind.starts_with("::<") && kind.ends_with('>') && !kind.contains(' ')) {
                keys.extend(argument.split('"').next());
            }
        }
    }
    keys
}

#[test]
fn the_reference_is_a_configuration_without_faults_that_shows_the_usual_limits() {
    let world = World::new();
    world.certificate("clients.pem", "clients.key", &["clients.example.jp"]);
    world.write("yubin.toml", &reference());
    let config = Config::load(world.path("yubin.toml")).unwrap_or_else(|faults| panic!("{faults}"));
    let usual = config.listeners.last().unwrap().limits.clone();
    assert_eq!(usual.connections_per_address, Some(limits::CONNECTIONS_PER_ADDRESS));
    assert_eq!(usual.connections_per_network, Some(limits::CONNECTIONS_PER_NETWORK));
    assert_eq!(usual.message_size.map(u64::from), Some(limits::MESSAGE_SIZE));
    assert_eq!(config.limits.connections, Some(limits::CONNECTIONS));
}

#[test]
fn every_key_stands_in_the_reference() {
    let reference = reference();
    let words: Vec<&str> = reference.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let (mut found, mut missing) = (0, Vec::new());
    let files = fs::read_dir(sources()).unwrap().map(|file| file.unwrap().path());
    for file in files.filter(|file| file.is_file()) {
        let source = fs::read_to_string(file).unwrap();
        for key in keys(&source) {
            found += 1;
            if !words.contains(&key) {
                missing.push(key.to_owned());
            }
        }
    }
    assert!(found > 80, "the sources are read otherwise now: {found}");
    assert_eq!(missing, Vec::<String>::new());
}
