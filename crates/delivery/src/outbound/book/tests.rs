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
