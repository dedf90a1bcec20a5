//! Failure budgets of several processes on one database: each `Accounts` here has counts of its own, as a process has.

use std::net::IpAddr;

use accounts::{Accounts, Budget, Service, Verdict, limits};

use crate::opening::execute;
use crate::support::{databases, new, password};

const OWNER: &str = "192.0.2.1";
const GUESSER: &str = "198.51.100.7";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

async fn claims(accounts: &Accounts, login: &str, with: &str, from: &str) -> Verdict {
    accounts.authenticate_from(&password(login, with), ip(from), Service::Pop).await.unwrap()
}

/// How many wrong claims are looked at, the machines taking turns, and what stops the next.
async fn guesses(machines: &[Accounts], mut next: impl FnMut(usize) -> (String, String)) -> (usize, Budget) {
    for number in 0.. {
        let (login, from) = next(number);
        let machine = &machines[number % machines.len()];
        if let Verdict::Deferred(budget) = claims(machine, &login, "wrong", &from).await {
            return (number, budget);
        }
    }
    unreachable!()
}

async fn machines(config: &accounts::DatabaseConfig) -> Vec<Accounts> {
    let mut machines = Vec::new();
    for _ in 0..4 {
        machines.push(Accounts::open(config).await.unwrap());
    }
    machines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_15_two_daemons_of_each_kind_on_two_machines_count_together() {
    for database in databases().await {
        let database = database.furnished().await;
        let four = machines(&database.config).await;
        assert_eq!(claims(&four[0], "ab4t-ash", "sakura", OWNER).await.login(), Some("ab4t-ash"));

        let looked_at = guesses(&four, |number| (format!("user{number:04}"), GUESSER.into())).await;
        assert_eq!(looked_at, (limits::GUESSES_OF_ADDRESS.0 as usize, Budget::Address));
        for machine in &four {
            // Also with the right password: from there, nobody ever had it.
            let verdict = claims(machine, "ab4t-ash", "sakura", GUESSER).await;
            assert_eq!(verdict, Verdict::Deferred(Budget::Address));
        }
        let everywhere = |number| ("ab4t-ash".to_owned(), format!("203.0.{number}.7"));
        let looked_at = guesses(&four, everywhere).await;
        // The one from the address that had no more took nothing.
        assert_eq!(looked_at, (limits::GUESSES_OF_ACCOUNT.0 as usize, Budget::Account));
        // One that was started just now knows it, too.
        let fifth = Accounts::open(&database.config).await.unwrap();
        let elsewhere = claims(&fifth, "ab4t-ash", "sakura", "203.0.113.7").await;
        assert_eq!(elsewhere, Verdict::Deferred(Budget::Account));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_15_the_owner_comes_in_at_every_machine_from_where_he_was_at_one() {
    for database in databases().await {
        let database = database.furnished().await;
        let four = machines(&database.config).await;
        assert_eq!(claims(&four[0], "ab4t-ash", "sakura", OWNER).await.login(), Some("ab4t-ash"));
        let machine = &four[1..2];
        let everywhere = |number| ("ab4t-ash".to_owned(), format!("203.0.{number}.7"));
        assert_eq!(guesses(machine, everywhere).await.1, Budget::Account);
        // A neighbour of his guesses at others.
        let neighbour = guesses(&four, |number| (format!("user{number:04}"), OWNER.into())).await;
        assert_eq!(neighbour.1, Budget::Address);
        for machine in four.iter().chain(&[Accounts::open(&database.config).await.unwrap()]) {
            for _ in 0..3 {
                assert_eq!(claims(machine, "AB4T-ASH", "sakura", OWNER).await.login(), Some("ab4t-ash"));
            }
        }
        // From his own address, too, there is an end to guessing: at all machines together.
        let guessed = guesses(&four, |_| ("ab4t-ash".into(), OWNER.into())).await;
        assert_eq!(guessed, (limits::GUESSES_OF_KNOWN.0 as usize, Budget::Known));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_with_the_right_password_writes_nothing_and_a_database_that_fails_makes_nothing_wrong() {
    for database in databases().await {
        let database = database.furnished().await;
        let four = machines(&database.config).await;
        let here = &four[..1];
        assert_eq!(claims(&four[0], "ab4t-ash", "sakura", OWNER).await.login(), Some("ab4t-ash"));
        // What is counted together is gone; each counts for itself.
        execute(&database.config, "DROP TABLE guess").await;
        execute(&database.config, "DROP TABLE known").await;
        for machine in &four {
            assert_eq!(claims(machine, "ab4t-ash", "sakura", OWNER).await.login(), Some("ab4t-ash"));
        }
        let looked_at = guesses(here, |number| (format!("user{number:04}"), GUESSER.into())).await;
        assert_eq!(looked_at, (limits::GUESSES_OF_ADDRESS.0 as usize, Budget::Address));
        assert_eq!(claims(&four[0], "ab4t-ash", "sakura", OWNER).await.login(), Some("ab4t-ash"));
    }
}

#[tokio::test]
async fn rows_that_are_over_go_and_what_a_wrong_clock_wrote_counts_nothing() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        accounts.account_add(new("m1234ab567c", &[], "yuki")).await.unwrap();
        execute(
            &database.config,
            "INSERT INTO guess VALUES ('address 192.0.2.99', 1), ('address 198.51.100.7', 9999999999)",
        )
        .await;
        assert_eq!(claims(accounts, "m1234ab567c", "yuki", GUESSER).await.login(), Some("m1234ab567c"));
        claims(accounts, "m1234ab567c", "wrong", "198.51.100.8").await;
        let fresh = Accounts::open(&database.config).await.unwrap();
        // It is cleaned behind the answer; the next that writes sees it done.
        while rows(&database.config, "SELECT COUNT(*) FROM guess WHERE empty_at = 1").await > 0 {
            claims(&fresh, "nobody00", "wrong", "198.51.100.8").await;
        }
        claims(&fresh, "ab4t-ash", "wrong", GUESSER).await;
        let wrong =
            "SELECT COUNT(*) FROM guess WHERE subject = 'address 198.51.100.7' AND empty_at = 9999999999";
        assert_eq!(rows(&database.config, wrong).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_15_who_is_held_back_is_listed_and_can_be_let_in_on_all_machines() {
    for database in databases().await {
        let database = database.furnished().await;
        let desk = &database.accounts;
        let four = machines(&database.config).await;
        assert_eq!(desk.bans().await.unwrap(), []);
        claims(&four[0], "sakura", "wrong", GUESSER).await;
        claims(&four[1], "ab4t-ash", "wrong", "203.0.113.7").await;
        // As many more as nobody forgets while this runs, however slow the machine is.
        execute(
            &database.config,
            "UPDATE guess SET empty_at = empty_at + 3400 WHERE subject LIKE 'address 198%'",
        )
        .await;
        execute(
            &database.config,
            "UPDATE guess SET empty_at = empty_at + 2200 WHERE subject LIKE 'account %'",
        )
        .await;

        let bans = desk.bans().await.unwrap();
        let shown: Vec<_> = bans.iter().map(|ban| (ban.whom.as_str(), ban.at, ban.budget)).collect();
        let [(nobody, None, Budget::Account), address, account] = shown[..] else { panic!("{shown:?}") };
        assert!(nobody.starts_with('#') && !nobody.contains("sakura"), "what was said may be a password");
        assert_eq!(address, (GUESSER, None, Budget::Address));
        assert_eq!(account, ("ab4t-ash", None, Budget::Account));
        assert!(bans[2].wrong > i64::from(limits::GUESSES_OF_ACCOUNT.0), "{bans:?}");
        assert!(bans[2].until < bans[2].over, "{bans:?}");

        let elsewhere = "203.0.113.99";
        for machine in &four {
            let held = claims(machine, "ab4t-ash", "sakura", elsewhere).await;
            assert_eq!(held, Verdict::Deferred(Budget::Account));
        }
        // One of them has counted enough by itself, too.
        for number in 0..limits::GUESSES_OF_ACCOUNT.0 {
            claims(&four[3], "ab4t-ash", "sakura", &format!("203.1.{number}.7")).await;
        }
        assert_eq!(desk.ban_lift("AB4T-ASH").await.unwrap(), 1);
        for machine in &four {
            until_let_in(machine, "ab4t-ash", elsewhere).await;
        }
        let held = claims(&four[0], "ab4t-ash", "sakura", GUESSER).await;
        assert_eq!(held, Verdict::Deferred(Budget::Address), "others are held as before");
        desk.ban_lift(GUESSER).await.unwrap();
        for machine in &four {
            until_let_in(machine, "ab4t-ash", GUESSER).await;
        }
        desk.ban_lift(nobody).await.unwrap();
        assert_eq!(desk.bans().await.unwrap(), []);
        for whom in ["ab4t-ash", GUESSER, "192.0.2.0/24", "#00", ""] {
            assert!(crate::support::refusal(desk.ban_lift(whom).await).contains("yubin bans"));
        }
        let said: Vec<_> =
            desk.audit(None, 3).await.unwrap().into_iter().map(|entry| entry.subject).collect();
        assert_eq!(said, [nobody, GUESSER, "ab4t-ash"]);
    }
}

/// Machines hear of it within a second.
async fn until_let_in(machine: &Accounts, login: &str, from: &str) {
    while claims(machine, login, "sakura", from).await.login() != Some(login) {
        tokio::time::sleep(limits::FOLLOW_EVERY / 10).await;
    }
}

async fn rows(config: &accounts::DatabaseConfig, statement: &'static str) -> i64 {
    use sqlx::Connection as _;
    sqlx::any::install_default_drivers();
    let url = config.url.replace('%', "%25").replace(' ', "%20").replace('#', "%23");
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    let count = sqlx::query_scalar(statement).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    count
}

trait LoggedIn {
    fn login(&self) -> Option<&str>;
}

impl LoggedIn for Verdict {
    fn login(&self) -> Option<&str> {
        match self {
            Self::Accepted(account) => Some(&account.login),
            _ => None,
        }
    }
}
