use super::*;

fn key(name: &str) -> Key {
    Key::from(name)
}

fn ids(count: usize) -> Vec<QueueId> {
    (0..count).map(|_| QueueId::new()).collect()
}

#[test]
fn its_depth_counts_what_waits_and_what_is_being_tried() {
    let mut book = Book::new(Concurrency::default());
    assert_eq!(book.depth(2), Depth { waiting: 0, oldest: None, destinations: vec![] });
    let ids = ids(5);
    for (id, name) in ids.iter().zip(["b", "c", "a", "c", "c"]) {
        book.put(&key(name), *id, 0, false);
    }
    assert_eq!(book.take(&key("b"), 0), Some(ids[0]));
    let destinations = vec![(key("c"), 3), (key("a"), 1)];
    assert_eq!(book.depth(2), Depth { waiting: 5, oldest: Some(ids[0]), destinations });
    book.land(&key("b"), ids[0]);
    assert_eq!((book.depth(9).waiting, book.depth(9).oldest), (4, Some(ids[1])));
}

#[test]
fn nobody_is_tried_before_the_time_and_the_time_is_told() {
    let mut book = Book::new(Concurrency::default());
    assert_eq!(book.open(0), Err(None));
    let id = QueueId::new();
    book.put(&key("a"), id, 10, false);
    assert_eq!(book.open(9), Err(Some(10)));
    assert_eq!(book.open(10), Ok((key("a"), id)));
    assert_eq!(book.open(10), Err(None), "one session for one message");
    assert_eq!(book.take(&key("a"), 10), None);
    book.land(&key("a"), id);
    book.close(&key("a"));
    assert_eq!((book.open(10), book.len()), (Err(None), 0));
}

#[test]
fn a_slow_destination_leaves_room_for_the_others() {
    let limits = Concurrency { sessions: 10, per_destination: 3, per_host: 3 };
    let mut book = Book::new(limits);
    for id in ids(100_000) {
        book.put(&key("slow"), id, 0, false);
    }
    book.put(&key("quick"), QueueId::new(), 5, false);
    let mut opened: Vec<String> =
        std::iter::from_fn(|| book.open(5).ok().map(|(key, _)| key.to_string())).collect();
    opened.sort();
    assert_eq!(opened, ["quick", "slow", "slow", "slow"]);
    assert_eq!(book.limiter(&key("slow"), 0, 5), Limiter::DestinationFull);
}

#[test]
fn destinations_take_turns() {
    let mut book = Book::new(Concurrency { sessions: 6, per_destination: 20, per_host: 20 });
    for name in ["a", "b", "c"] {
        for id in ids(10) {
            book.put(&key(name), id, 0, false);
        }
    }
    let mut opened: Vec<String> =
        std::iter::from_fn(|| book.open(0).ok().map(|(key, _)| key.to_string())).collect();
    opened.sort();
    assert_eq!(opened, ["a", "a", "b", "b", "c", "c"]);
    assert_eq!(book.limiter(&key("a"), 0, 0), Limiter::Sessions);
}

#[test]
fn one_message_knocks_at_a_dead_destination_for_all() {
    let mut book = Book::new(Concurrency::default());
    for id in ids(1000) {
        book.put(&key("dead"), id, 0, false);
    }
    for (session, id) in [book.open(0).unwrap(), book.open(0).unwrap()] {
        book.dead(&session, 0, |failures| u64::from(failures) * 300);
        book.land(&session, id);
        book.put(&session, id, 300, false);
        book.close(&session);
    }
    assert_eq!(book.open(299), Err(Some(300)), "two failures at once are one");
    assert_eq!(book.limiter(&key("dead"), 0, 299), Limiter::DestinationDead(300));
    let (session, _) = book.open(300).unwrap();
    assert_eq!(book.open(300), Err(None), "one alone");
    book.alive(&session);
    assert!(book.open(300).is_ok(), "and then all");
}

#[test]
fn those_whose_time_is_over_are_found_behind_a_dead_host_too() {
    let mut book = Book::new(Concurrency::default());
    let ids = ids(10);
    for id in &ids {
        book.put(&key("dead"), *id, 0, false);
    }
    let mut overdue = book.overdue(&key("dead"), |id, _| id <= ids[3]);
    overdue.sort();
    assert_eq!((overdue, book.len()), (ids[..4].to_vec(), 6));
}

#[test]
fn a_host_is_shared_by_all_who_go_there() {
    let until = |failures: u32| u64::from(failures) * 100;
    let mut book = Book::new(Concurrency { sessions: 10, per_destination: 5, per_host: 1 });
    for name in ["a", "b"] {
        book.put(&key(name), QueueId::new(), 0, false);
    }
    let ((a, _), (b, second)) = (book.open(0).unwrap(), book.open(0).unwrap());
    assert_eq!(book.enter_host("mx", 0), Turn::Yes);
    assert_eq!(book.enter_host("mx", 0), Turn::Full);
    book.land(&b, second);
    book.put(&b, second, 0, false);
    book.park(&b, "mx");
    book.close(&b);
    assert_eq!(book.open(0), Err(None), "parked, not polled");
    assert_eq!(book.limiter(&b, 0, 0), Limiter::HostFull);
    book.leave_host("mx", 0, Err(until));
    assert_eq!(book.open(0), Ok((b, second)), "it may look for itself");
    assert_eq!(book.enter_host("mx", 99), Turn::Dead(100), "what one learnt all know");
    assert_eq!(book.enter_host("mx", 100), Turn::Yes);
    book.leave_host("mx", 100, Ok::<(), fn(u32) -> u64>(()));
    assert_eq!(book.enter_host("mx", 100), Turn::Yes);
    book.close(&a);
}

#[test]
fn an_operator_makes_a_destination_forget_and_its_hosts() {
    let mut book = Book::new(Concurrency::default());
    assert_eq!(book.enter_host("mx", 0), Turn::Yes);
    book.leave_host("mx", 0, Err(|_| 300));
    assert_eq!(book.enter_host("mx", 1), Turn::Dead(300));
    let id = QueueId::new();
    book.hurry(&key("a"));
    book.put(&key("a"), id, 0, false);
    let (session, _) = book.open(1).unwrap();
    assert!(book.take_hurry(&session) && !book.take_hurry(&session), "one of them alone");
    book.forget_host("mx");
    assert_eq!(book.enter_host("mx", 1), Turn::Yes);
    book.land(&session, id);
    book.close(&session);
    assert_eq!((book.len(), book.destinations.len()), (0, 0));
}

#[test]
fn what_is_being_tried_is_tried_by_nobody_else() {
    let mut book = Book::new(Concurrency::default());
    let id = QueueId::new();
    book.put(&key("a"), id, 0, false);
    let (session, _) = book.open(0).unwrap();
    book.put(&session, id, 0, false);
    assert_eq!((book.take(&session, 0), book.open(0)), (None, Err(None)));
    book.land(&session, id);
    book.put(&session, id, 0, false);
    assert_eq!(book.take(&session, 0), Some(id));
}

#[test]
fn what_an_operator_takes_out_is_out() {
    let mut book = Book::new(Concurrency::default());
    let id = QueueId::new();
    for name in ["a", "b"] {
        book.put(&key(name), id, 0, false);
    }
    book.remove(id);
    assert_eq!((book.open(0), book.len()), (Err(None), 0));
}

/// A session of `key` that has a connection to a host, and nothing more to do.
fn resting(book: &mut Book, name: &str, host: &str) -> oneshot::Receiver<QueueId> {
    let id = QueueId::new();
    book.put(&key(name), id, 0, false);
    assert_eq!(book.open(0), Ok((key(name), id)));
    assert_eq!(book.enter_host(host, 0), Turn::Yes);
    book.land(&key(name), id);
    match book.next(&key(name), 0, Some(host)) {
        Next::Rest(coming) => coming,
        next => panic!("{next:?}"),
    }
}

#[test]
fn a_session_that_rests_gets_the_next_message() {
    let mut book = Book::new(Concurrency { per_destination: 1, ..Concurrency::default() });
    let mut coming = resting(&mut book, "a", "mx:25");
    let [first, second] = [QueueId::new(), QueueId::new()];
    book.put(&key("a"), first, 5, true);
    assert_eq!(book.open(4), Err(Some(5)));
    assert!(coming.try_recv().is_err(), "its time has not come");
    book.put(&key("a"), second, 6, false);
    assert_eq!(book.open(6), Err(None), "no session more");
    assert_eq!(coming.try_recv(), Ok(first));
    assert_eq!((book.depth(1).waiting, book.sessions()), (2, 1));
    assert_eq!(book.limiter(&key("a"), 6, 6), Limiter::DestinationFull);
    book.land(&key("a"), first);
    assert!(matches!(book.next(&key("a"), 6, Some("mx:25")), Next::Message(id) if id == second));
    // Without a connection there is nothing to keep.
    assert!(matches!(book.next(&key("a"), 6, None), Next::End));
}

#[test]
fn nothing_is_lost_to_a_session_that_has_just_grown_tired() {
    let mut book = Book::new(Concurrency { per_destination: 1, ..Concurrency::default() });
    drop(resting(&mut book, "a", "mx:25"));
    let id = QueueId::new();
    book.put(&key("a"), id, 0, false);
    assert_eq!(book.open(0), Err(None), "its place is not free yet");
    book.close(&key("a"));
    assert_eq!(book.open(0), Ok((key("a"), id)));
}

#[test]
fn who_rests_holds_nobody_up() {
    let mut book = Book::new(Concurrency { sessions: 2, per_destination: 2, per_host: 1 });
    let mut coming = [resting(&mut book, "a", "mx1:25"), resting(&mut book, "b", "mx2:25")];
    let id = QueueId::new();
    book.put(&key("c"), id, 0, false);
    assert_eq!(book.open(0), Err(None), "not before one of them has gone");
    let gone = coming.iter_mut().position(|one| one.try_recv() == Err(oneshot::error::TryRecvError::Closed));
    let (gone, stays) = if gone == Some(0) { ("a", "mx2:25") } else { ("b", "mx1:25") };
    book.close(&key(gone));
    assert_eq!(book.open(0), Ok((key("c"), id)));
    // The host has as many sessions as it may, of which one rests.
    assert_eq!(book.enter_host(stays, 0), Turn::Full);
    book.dismiss(Some(stays));
    assert!(coming.iter_mut().all(|one| one.try_recv() == Err(oneshot::error::TryRecvError::Closed)));
}

#[test]
fn nobody_rests_at_the_end() {
    let mut book = Book::new(Concurrency::default());
    let mut coming = resting(&mut book, "a", "mx:25");
    book.end();
    assert_eq!(coming.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    assert!(matches!(book.next(&key("a"), 0, Some("mx:25")), Next::End));
}

#[test]
fn who_rested_once_does_not_stand_before_those_who_rest() {
    let mut book = Book::new(Concurrency { sessions: 1, ..Concurrency::default() });
    for nth in 0..100 {
        let name = format!("gone{nth}");
        drop(resting(&mut book, &name, "mx:25"));
        book.leave_host("mx:25", 0, Ok::<(), fn(u32) -> u64>(()));
        book.close(&key(&name));
    }
    assert!(book.resting.is_empty() && book.destinations.is_empty(), "{book:?}");
    let mut coming = resting(&mut book, "stays", "mx:25");
    book.put(&key("waits"), QueueId::new(), 0, false);
    assert_eq!(book.open(0), Err(None), "not before the other has gone");
    assert_eq!(coming.try_recv(), Err(oneshot::error::TryRecvError::Closed));
}
