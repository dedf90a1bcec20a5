use std::io::Write as _;

use super::*;

/// Each image as a text: names with their contents.
fn seen(recorder: &Recorder, renames: Renames) -> BTreeSet<String> {
    let text = |image: &Image| {
        let names = image.names.iter().map(|(path, node)| match node {
            Node::Directory => format!("{}/", path.display()),
            Node::File(inode) => {
                format!("{}={}", path.display(), image.contents[inode].escape_ascii())
            }
        });
        names.collect::<Vec<_>>().join(" ")
    };
    recorder.images(recorder.len(), renames).iter().map(text).collect()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn what_has_no_sync_behind_it_may_be_lost_in_every_mixture() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("a")).unwrap();
    let recorder = Recorder::new(dir.path()).unwrap();
    let mut file = recorder.create_new(&at("a/x")).unwrap();
    recorder.write(&mut file, b"1234").unwrap();
    assert_eq!(
        seen(&recorder, Renames::Whole),
        set(&["a/", "a/ a/x=", "a/ a/x=12", "a/ a/x=1234", r"a/ a/x=\x00\x00\x00\x00"])
    );
    recorder.sync(&file).unwrap();
    assert_eq!(seen(&recorder, Renames::Whole), set(&["a/", "a/ a/x=1234"]));
    recorder.sync_dir(&at("a")).unwrap();
    assert_eq!(seen(&recorder, Renames::Whole), set(&["a/ a/x=1234"]));
    recorder.link(&at("a/x"), &at("a/y")).unwrap();
    recorder.remove(&at("a/x")).unwrap();
    assert_eq!(
        seen(&recorder, Renames::Whole),
        set(&["a/", "a/ a/x=1234", "a/ a/x=1234 a/y=1234", "a/ a/y=1234"])
    );
}

#[test]
fn a_rename_is_one_step_or_leaves_the_old_name_but_never_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for part in ["a", "b"] {
        fs::create_dir(at(part)).unwrap();
    }
    fs::File::create(at("a/x")).unwrap().write_all(b"1").unwrap();
    let recorder = Recorder::new(dir.path()).unwrap();
    recorder.rename_new(&at("a/x"), &at("b/y")).unwrap();
    assert_eq!(seen(&recorder, Renames::Whole), set(&["a/ a/x=1 b/", "a/ b/ b/y=1"]));
    assert_eq!(
        seen(&recorder, Renames::OldNameMayStay),
        set(&["a/ a/x=1 b/", "a/ a/x=1 b/ b/y=1", "a/ b/ b/y=1"])
    );
    recorder.sync_dir(&at("b")).unwrap();
    assert_eq!(seen(&recorder, Renames::Whole), set(&["a/ b/ b/y=1"]));
    assert_eq!(seen(&recorder, Renames::OldNameMayStay), set(&["a/ a/x=1 b/ b/y=1", "a/ b/ b/y=1"]));
}

#[test]
fn what_is_in_a_lost_directory_is_lost_though_it_was_synced() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(dir.path()).unwrap();
    recorder.make_dir(&dir.path().join("a")).unwrap();
    drop(recorder.create_new(&dir.path().join("a/x")).unwrap());
    recorder.sync_dir(&dir.path().join("a")).unwrap();
    assert_eq!(seen(&recorder, Renames::Whole), set(&["", "a/ a/x="]));
    let image = recorder.images(recorder.len(), Renames::Whole).pop_last().unwrap();
    let copy = tempfile::tempdir().unwrap();
    image.write_to(copy.path()).unwrap();
    assert!(copy.path().join("a/x").is_file());
}

#[test]
fn of_many_open_changes_few_and_nearly_all_are_lost() {
    let open: Vec<usize> = (0..ALL_SUBSETS + 5).collect();
    let subsets = subsets(&open);
    assert!(subsets.contains(&BTreeSet::new()) && subsets.contains(&open.iter().copied().collect()));
    assert!(subsets.contains(&BTreeSet::from([3])) && subsets.contains(&BTreeSet::from([3, 9])));
    assert!(subsets.len() < 300);
}

#[test]
fn what_is_written_over_is_the_old_or_the_new_or_some_of_either_until_it_is_synced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    fs::write(&path, b"123456").unwrap();
    let recorder = Recorder::new(dir.path()).unwrap();
    let mut file = recorder.reopen(&path).unwrap();
    recorder.write(&mut file, b"ab").unwrap();
    recorder.write(&mut file, b"cd").unwrap();
    recorder.cut(&file, 4).unwrap();
    assert_eq!(
        seen(&recorder, Renames::Whole),
        set(&["x=123456", "x=ab3456", "x=abcd", r"x=\x00\x00\x00\x00"])
    );
    recorder.sync(&file).unwrap();
    assert_eq!(seen(&recorder, Renames::Whole), set(&["x=abcd"]));
    assert_eq!(fs::read(&path).unwrap(), b"abcd");
}
