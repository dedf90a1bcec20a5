use proptest::prelude::*;

use super::*;
use crate::Namer;
use crate::publish::Sizes;

/// What a listing says of every message, and whether each is found alone too.
fn shown(names: &[(Place, Vec<u8>)]) -> Vec<(Place, Vec<u8>, u64, String)> {
    let table = Table::of(names.iter().map(|(place, name)| (*place, name.as_slice())));
    let listing = Listing::pack(&table);
    assert_eq!(listing.len(), names.len());
    let mut ids = Vec::new();
    listing.visit(0, &mut |octets, id| {
        ids.push((octets, id.to_owned()));
        true
    });
    assert_eq!(ids.len(), names.len());
    let mut octets = Vec::new();
    listing.visit_octets(0, &mut |size| {
        octets.push(size);
        true
    });
    assert!(octets.iter().eq(ids.iter().map(|(octets, _)| octets)));
    // RFC 1939 §7: the POP3 server takes our word for it.
    let fits = |id: &str| (1..=70).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_graphic());
    assert!(ids.iter().all(|(_, id)| fits(id)), "{ids:?}");
    let row = |index: usize| listing.row(index, |row| (row.place, row.name(), row.octets, row.id())).unwrap();
    let rows: Vec<_> = (0..names.len()).map(row).collect();
    for (index, (octets, id)) in ids.iter().enumerate() {
        assert_eq!((rows[index].2, &rows[index].3), (*octets, id));
    }
    assert!(listing.row(names.len(), |_| ()).is_none());
    rows
}

fn check(names: &[(Place, Vec<u8>)]) {
    for ((place, name), row) in names.iter().zip(shown(names)) {
        let parsed = FileName::parse(name);
        assert_eq!((row.0, &row.1), (*place, name));
        assert_eq!(row.2, parsed.octets.unwrap_or(u64::MAX), "{}", name.escape_ascii());
        assert_eq!(row.3, parsed.unique_id());
    }
}

fn our_names(count: usize) -> Vec<(Place, Vec<u8>)> {
    let namer = Namer::new("mx.example.jp");
    let name = |nth: usize| {
        let unique = match nth % 7 {
            3 => namer.for_queued(1_700_000_000_000_000 + nth as u64 * 61_000_000, "0123456789ABCDEF"),
            _ => namer.next(),
        };
        let sizes = Sizes { stored: 3_000 + nth as u64, wire: 3_000 + nth as u64 + u64::from(nth % 11 == 5) };
        let flags = if nth % 5 == 1 { ":2,S" } else { "" };
        let place = if nth % 5 == 1 { Place::Cur } else { Place::New };
        (place, format!("{}{flags}", unique.with_sizes(sizes)).into_bytes())
    };
    (0..count).map(name).collect()
}

#[test]
fn names_come_out_as_they_went_in() {
    check(&our_names(3 * BLOCK + 5));
    check(&our_names(2 * CHUNK));
    check(&our_names(CHUNK + BLOCK + 1));
    check(&[]);
    let foreign = [
        "1700000001.M12P3.other,S=120,W=123:2,RS",
        "1700000001.M12P3.other,S=121,W=124:2,S",
        "1700000002.M000012P03Q1R01234567.mx,S=7",
        "1700000002.M000012P3Q1R01234567.mx,S=07",
        "1700000002.M000012P3Q1R0123456U.mx,S=7",
        "1700000002.M000012P3Q1R01234567.mx,S=7,U=abc",
        "1700000002.M000012P3Q1R01234567.m\u{E9},S=7",
        "1700000002.M000012P3Q1R01234567.mx,U=abc,S=7",
        "1700000002.M000012P3Q1R01234567.mx,X=1,S=7",
        "1700000002.M000012P3Q1R01234567.mx:2,S,S=7",
        "1700000002.M000012P3Q1R01234567.mx,S=7:2,S",
        "x",
        "",
        "courier name with blanks",
    ];
    check(&foreign.map(|name| (Place::Cur, name.as_bytes().to_vec())));
}

/// What makes thousands of sessions fit into memory.
#[test]
fn a_message_costs_few_octets() {
    let names: Vec<_> = our_names(1_000).into_iter().filter(|(place, _)| *place == Place::New).collect();
    let table = Table::of(names.iter().map(|(place, name)| (*place, name.as_slice())));
    let listing = Listing::pack(&table);
    let octets = listing.size() / names.len();
    assert!(octets <= 20, "{octets} octets a message");
}

proptest! {
    #[test]
    fn any_names_come_out_as_they_went_in(
        names in prop::collection::vec(
            (any::<bool>(), prop_oneof![
                prop::collection::vec(1u8..=255, 0..250),
                "[0-9]{1,11}\\.M[0-9]{1,7}(P[0-9]{1,20}Q[0-9]{1,20})?R[0-9A-Z]{7,17}\\.[a-z.]{0,30}(,[UX]=[a-z]{0,4})?,S=[0-9]{1,20}(,W=[0-9]{1,5})?(:2,[A-Z]{0,3})?"
                    .prop_map(String::into_bytes),
            ]),
            0..100,
        )
    ) {
        let place = |cur| if cur { Place::Cur } else { Place::New };
        let names: Vec<_> = names.into_iter().map(|(cur, name)| (place(cur), name)).collect();
        check(&names);
    }
}
