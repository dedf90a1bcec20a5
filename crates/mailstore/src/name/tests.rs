use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

#[test]
fn l_04_names_do_not_repeat_and_sort_by_time() {
    let namer = Namer::new("mx.example.jp");
    let names: Vec<UniqueName> = (0..10_000).map(|_| namer.next()).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    let arrivals: Vec<u64> =
        names.iter().map(|name| FileName::parse(name.as_str().as_bytes()).arrival).collect();
    assert!(arrivals.is_sorted_by(|a, b| a < b), "strictly rising");
}

#[test]
fn l_04_names_from_many_threads_do_not_repeat() {
    let namer = Namer::new("mx.example.jp");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let namer = namer.clone();
            std::thread::spawn(move || (0..2_000).map(|_| namer.next()).collect::<Vec<_>>())
        })
        .collect();
    let names: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), 16_000);
}

#[test]
fn r_05_unique_ids_are_within_rfc_1939() {
    for host in ["", "mx.example.jp", "a:b,c/d e", "日本", &"long-host-name.".repeat(20)] {
        let namer = Namer::new(host);
        for name in [namer.next(), namer.for_queued(u64::MAX / 4096, "0123456789ABCDEF")] {
            let id = unique_id(name.as_str().as_bytes());
            assert_eq!(id, name.as_str(), "our names are their own ids");
            assert!(id.len() <= MAX_UNIQUE_ID, "{id}");
            assert!(!name.as_str().contains([':', ',', '/']), "{id}");
        }
    }
}

#[test]
fn foreign_names_are_read() {
    // name, unique part, arrival in microseconds, octets on the wire
    type Row = (&'static str, &'static str, u64, Option<u64>);
    let table: &[Row] = &[
        ("1204680122.27c448.mx,S=10:2,S", "1204680122.27c448.mx", 1_204_680_122_000_000, None),
        ("1355543030.M92914P1206.mx,S=3,W=4:2,FS", "1355543030.M92914P1206.mx", 1_355_543_030_092_914, None),
        ("1355543030.M92914P1206.mx,W=4,S=3", "1355543030.M92914P1206.mx", 1_355_543_030_092_914, None),
        ("1355543030.M5P6V08I09_0.mx,S=77:2,", "1355543030.M5P6V08I09_0.mx", 1_355_543_030_000_005, None),
        ("1355543030.1234.mx", "1355543030.1234.mx", 1_355_543_030_000_000, None),
        ("1355543030.M999999999P1.mx", "1355543030.M999999999P1.mx", 1_355_543_030_000_000, None),
        ("hello", "hello", 0, None),
        ("hello:2,S", "hello", 0, None),
        (",S=12", "", 0, None),
        ("", "", 0, None),
        ("a,W=:2,", "a", 0, None),
        ("a,W=-1", "a", 0, None),
        ("a,W=99999999999999999999999", "a", 0, None),
        // Ours, with the flags of others behind.
        ("1.M000002P3Q4R01234567.mx,S=77:2,S", "1.M000002P3Q4R01234567.mx", 1_000_002, Some(77)),
        ("1.M000002P3Q4R01234567.mx,S=77,W=79", "1.M000002P3Q4R01234567.mx", 1_000_002, Some(79)),
        ("1.M000002R0123456789ABCDEF.mx,S=7", "1.M000002R0123456789ABCDEF.mx", 1_000_002, Some(7)),
        // Nearly ours.
        ("1.M000002R01234567.mx,S=7", "1.M000002R01234567.mx", 1_000_002, None),
        ("1.M000002P3R01234567.mx,S=7", "1.M000002P3R01234567.mx", 1_000_002, None),
        ("x.M000002P3Q4R01234567.mx,S=7", "x.M000002P3Q4R01234567.mx", 0, None),
    ];
    for (name, unique, arrival, octets) in table {
        let parsed = FileName::parse(name.as_bytes());
        assert_eq!(str::from_utf8(parsed.unique).unwrap(), *unique, "{name}");
        assert_eq!((parsed.arrival, parsed.octets), (*arrival, *octets), "{name}");
        assert_eq!([parsed.unique, parsed.rest].concat(), name.as_bytes());
    }
}

#[test]
fn r_05_a_foreign_id_that_breaks_the_rules_is_hashed_for_ever_alike() {
    assert_eq!(unique_id(b""), "~6c62272e07bb014262b821756295c58d");
    assert_eq!(unique_id("日本".as_bytes()), unique_id("日本".as_bytes()));
    assert_eq!(unique_id(&[b'a'; 70]), "a".repeat(70));
    assert_eq!(unique_id(&[b'a'; 71]).len(), 33);
    assert_ne!(unique_id(b"a b"), unique_id(b"a c"));
}

proptest! {
    #[test]
    fn any_file_name_is_read_without_loss(name in proptest::collection::vec(any::<u8>(), 0..100)) {
        let parsed = FileName::parse(&name);
        prop_assert_eq!([parsed.unique, parsed.rest].concat(), name.clone());
        let id = unique_id(parsed.unique);
        prop_assert!((1..=MAX_UNIQUE_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()));
    }

    #[test]
    fn sizes_in_our_names_are_read_back(stored: u64, wire: u64, flags in "(:2,[A-Z]{0,4})?") {
        let name = Namer::new("mx").next();
        let file = format!("{}{flags}", name.with_sizes(Sizes { stored, wire }));
        let parsed = FileName::parse(file.as_bytes());
        prop_assert_eq!((parsed.unique, parsed.octets), (name.as_str().as_bytes(), Some(wire)));
    }
}
