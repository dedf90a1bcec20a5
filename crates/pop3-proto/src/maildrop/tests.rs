use alloc::string::String;
use alloc::vec::Vec;
use std::format;

use proptest::prelude::*;

use super::*;

fn listed(maildrop: &Maildrop) -> Vec<(u32, u64, String)> {
    let mut listed = Vec::new();
    maildrop.visit(0, |message| {
        listed.push((message.number.get(), message.octets, message.unique_id.into()));
        true
    });
    listed
}

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

#[test]
fn counts_and_marks() {
    let mut maildrop = Maildrop::with_capacity(3, 30);
    for (octets, id) in [(120, "whqtswO00WBw418f9t5JxYwZ"), (200, "QhdPYR:00WBw1Ph7x7"), (7, "~")] {
        maildrop.push(octets, id).unwrap();
    }
    assert_eq!(maildrop.totals(), Totals { messages: 3, octets: 327 });

    assert_eq!(maildrop.delete(number(2)), Ok(()));
    assert_eq!(maildrop.delete(number(2)), Err(NoMessage::Deleted));
    assert_eq!(maildrop.delete(number(4)), Err(NoMessage::TooLarge));
    assert_eq!(maildrop.totals(), Totals { messages: 2, octets: 127 });
    assert_eq!(maildrop.messages(), 3, "numbers do not move up");
    assert_eq!(listed(&maildrop), [(1, 120, "whqtswO00WBw418f9t5JxYwZ".into()), (3, 7, "~".into())]);
    assert_eq!(maildrop.deleted().collect::<Vec<_>>(), [number(2)]);

    maildrop.reset();
    assert_eq!(maildrop.totals(), Totals { messages: 3, octets: 327 });
    assert_eq!(maildrop.deleted().count(), 0);
}

#[test]
fn unique_ids_are_those_of_rfc_1939() {
    let longest = "x".repeat(70);
    for good in ["!", "~", "1700000000.M1P2Q3R4.mx", &longest] {
        assert_eq!(Maildrop::default().push(1, good), Ok(()), "{good}");
    }
    let too_long = "x".repeat(71);
    for bad in ["", "a b", "a\r\n", "é", "\u{7F}", &too_long] {
        assert_eq!(Maildrop::default().push(1, bad), Err(BadMessage::UniqueId), "{bad:?}");
    }
}

#[test]
fn a_sum_past_u64_is_refused() {
    let mut maildrop = Maildrop::default();
    maildrop.push(u64::MAX, "a").unwrap();
    assert_eq!(maildrop.push(1, "b"), Err(BadMessage::TooMany));
    assert_eq!(maildrop.totals(), Totals { messages: 1, octets: u64::MAX });
}

proptest! {
    /// Against the plainest maildrop there is.
    #[test]
    fn is_what_a_list_of_messages_would_be(
        sizes in proptest::collection::vec(0u64..1_000_000, 0..200),
        deletions in proptest::collection::vec(1u32..220, 0..100),
        reset_at in 0usize..150,
        is_shared: bool,
    ) {
        let mut maildrop = Maildrop::default();
        let mut model: Vec<(u64, String, bool)> = Vec::new();
        for (at, octets) in sizes.into_iter().enumerate() {
            let id = format!("id-{at}");
            maildrop.push(octets, &id).unwrap();
            model.push((octets, id, false));
        }
        if is_shared {
            let Rows::Copied(rows) = maildrop.rows else { panic!("copied") };
            maildrop = Maildrop::shared(Arc::new(rows)).unwrap();
            prop_assert_eq!(maildrop.push(1, "more"), Err(BadMessage::Shared));
        }
        for (at, message) in deletions.into_iter().enumerate() {
            if at == reset_at {
                maildrop.reset();
                model.iter_mut().for_each(|row| row.2 = false);
            }
            let wanted = match model.get_mut(message as usize - 1) {
                None => Err(NoMessage::TooLarge),
                Some((_, _, deleted)) if *deleted => Err(NoMessage::Deleted),
                Some((_, _, deleted)) => { *deleted = true; Ok(()) }
            };
            prop_assert_eq!(maildrop.delete(number(message)), wanted);
        }
        let left: Vec<_> = model.iter().enumerate().filter(|(_, row)| !row.2)
            .map(|(at, row)| (at as u32 + 1, row.0, row.1.clone())).collect();
        prop_assert_eq!(maildrop.totals().messages as usize, left.len());
        prop_assert_eq!(maildrop.totals().octets, left.iter().map(|row| row.1).sum::<u64>());
        prop_assert_eq!(listed(&maildrop), left);
        prop_assert_eq!(maildrop.deleted().count(), model.iter().filter(|row| row.2).count());
    }
}
