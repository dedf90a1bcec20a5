use std::time::Duration;

use super::*;

const OWNER: &str = "192.0.2.1";
const GUESSER: &str = "198.51.100.7";

struct World {
    guesses: Guesses,
    start: Instant,
}

impl World {
    fn new() -> Self {
        let start = Instant::now();
        Self { guesses: Guesses::new(), start }
    }

    fn admit(&self, login: &str, from: &str, after: u64) -> Result<Admitted, Budget> {
        let now = self.start + Duration::from_secs(after);
        let admitted = self.guesses.admit(&claimed("", login), from.parse().unwrap(), now);
        admitted.map_err(|full| full.key.budget())
    }

    /// How many wrong claims are looked at in one go, and what stops the next.
    fn guesses(&self, mut next: impl FnMut(u32) -> (String, String)) -> (u32, Budget) {
        for number in 0.. {
            let (login, from) = next(number);
            if let Err(budget) = self.admit(&login, &from, 0) {
                return (number, budget);
            }
        }
        unreachable!()
    }

    fn logs_in(&self, login: &str, from: &str) {
        let mut admitted = self.admit(login, from, 0).ok().unwrap();
        self.guesses.was_true(&mut admitted, self.start);
    }
}

#[test]
fn s_15_one_address_guesses_at_many_accounts() {
    let world = World::new();
    let (looked_at, budget) = world.guesses(|number| (format!("user{number:04}"), GUESSER.into()));
    assert_eq!((looked_at, budget), (limits::GUESSES_OF_ADDRESS.0, Budget::Address));
    assert!(world.admit("somebody", OWNER, 0).is_ok(), "others are let in");

    // From then on, one for each time that has passed.
    let every = limits::GUESSES_OF_ADDRESS.1.as_secs();
    assert!(world.admit("somebody", GUESSER, every - 1).is_err());
    assert!(world.admit("somebody", GUESSER, every).is_ok());
    assert!(world.admit("somebody", GUESSER, every).is_err());
}

#[test]
fn s_15_one_network_guesses_from_all_of_its_addresses() {
    for network in ["198.51.100.", "2001:db8:1:2::"] {
        let world = World::new();
        let (looked_at, budget) =
            world.guesses(|number| (format!("user{number:04}"), format!("{network}{}", number % 250 + 1)));
        assert_eq!((looked_at, budget), (limits::GUESSES_OF_PREFIX.0, Budget::Prefix));
    }
}

#[test]
fn s_15_the_world_guesses_at_one_account_and_its_owner_comes_in() {
    let world = World::new();
    world.logs_in("ab4t-ash", OWNER);
    let (looked_at, budget) =
        world.guesses(|number| ("ab4t-ash".into(), format!("198.{}.{}.7", number / 256, number % 256)));
    assert_eq!((looked_at, budget), (limits::GUESSES_OF_ACCOUNT.0, Budget::Account));
    for _ in 0..1_000 {
        // In any case and width, for it is one account.
        world.logs_in("ＡＢ4T-ASH", OWNER);
    }
    // From a new place, he waits for his turn.
    assert_eq!(world.admit("ab4t-ash", "203.0.113.9", 0).err(), Some(Budget::Account));
    assert!(world.admit("ab4t-ash", "203.0.113.9", limits::GUESSES_OF_ACCOUNT.1.as_secs()).is_ok());
}

#[test]
fn s_15_an_account_that_is_not_there_is_guessed_at_alike() {
    let world = World::new();
    let guessed =
        world.guesses(|number| ("no such/..".into(), format!("198.{}.{}.7", number / 256, number % 256)));
    assert_eq!(guessed, (limits::GUESSES_OF_ACCOUNT.0, Budget::Account));
}

#[test]
fn s_15_a_guessing_neighbour_does_not_shut_out_who_logged_in_before() {
    let world = World::new();
    world.logs_in("hanako01", GUESSER);
    let (_, budget) = world.guesses(|number| (format!("user{number:04}"), GUESSER.into()));
    assert_eq!(budget, Budget::Address);
    world.logs_in("hanako01", GUESSER);
    // But who guesses at her from her own address has a budget too.
    let guessed = world.guesses(|_| ("hanako01".into(), GUESSER.into()));
    assert_eq!(guessed, (limits::GUESSES_OF_KNOWN.0, Budget::Known));
}

#[test]
fn true_claims_cost_nothing() {
    let world = World::new();
    for number in 0..10_000 {
        world.logs_in(&format!("user{number:04}"), GUESSER);
        world.guesses.was_not_judged(&mut world.admit("somebody", OWNER, 0).ok().unwrap());
    }
}

#[test]
fn an_ipv6_host_keeps_what_it_is_known_by_when_it_changes_its_address() {
    let world = World::new();
    world.logs_in("hanako01", "2001:db8::1");
    world.guesses(|_| ("hanako01".into(), GUESSER.into()));
    assert!(world.admit("hanako01", "2001:db8::face:2", 0).is_ok());
    // An IPv4 address that came through an IPv6 socket is an IPv4 address.
    world.logs_in("taro0001", &format!("::ffff:{OWNER}"));
    assert_eq!(world.admit("taro0001", OWNER, 0).ok().unwrap().took.len(), 1);
}

#[test]
fn this_machine_has_no_budget_of_its_own() {
    let world = World::new();
    for number in 0..1_000 {
        assert!(world.admit(&format!("user{number:04}"), "127.0.0.1", 0).is_ok());
    }
    assert_eq!(world.guesses(|_| ("hanako01".into(), "::1".into())).1, Budget::Account);
}
