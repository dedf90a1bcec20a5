//! Clients that come again and again, and those who guess.

use std::net::IpAddr;

use accounts::{Apop, Budget, Service, Verdict, Why, limits};
use auth_sasl::{Claim, Secret};

use crate::support::{Database, databases, new, password, verdict};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// A claim's verdict, and how many hashes it cost.
async fn cost(db: &Database, claim: &Claim) -> (Result<String, Why>, u64) {
    let before = db.accounts.hashes_computed();
    (verdict(&db.accounts, claim).await, db.accounts.hashes_computed() - before)
}

#[tokio::test]
async fn a_poll_costs_no_hash() {
    for db in databases().await {
        let db = db.furnished().await;
        let claim = password("ab4t-ash", "sakura");
        let good = || Ok("ab4t-ash".to_owned());
        assert_eq!(cost(&db, &claim).await, (good(), 1));
        for _ in 0..3 {
            assert_eq!(cost(&db, &claim).await, (good(), 0));
            assert_eq!(cost(&db, &password("AB4T-ASH", "sakura")).await, (good(), 0));
        }
        // Every wrong one costs what it always did: here is nothing to measure.
        assert_eq!(cost(&db, &password("ab4t-ash", "sakur")).await, (Err(Why::WrongSecret), 1));
        let other = Claim::Password {
            authorization: "nobody12".into(),
            login: "ab4t-ash".into(),
            password: Secret::new("sakura"),
        };
        assert_eq!(cost(&db, &other).await, (Err(Why::ActingAsAnother), 1));
        assert_eq!(cost(&db, &claim).await, (good(), 0));
    }
}

#[tokio::test]
async fn a_changed_password_and_a_removed_account_end_the_memory_at_once() {
    for db in databases().await {
        let db = db.furnished().await;
        let claim = password("ab4t-ash", "sakura");
        assert_eq!(cost(&db, &claim).await.1, 1);
        // By another process: this one is told nothing.
        let elsewhere = accounts::Accounts::open(&db.config).await.unwrap();
        elsewhere.account_passwd("ab4t-ash", &Secret::new("ume"), Apop::Keep).await.unwrap();
        assert_eq!(cost(&db, &claim).await, (Err(Why::WrongSecret), 1));
        // The same password set again is another credential: it is verified again.
        elsewhere.account_passwd("ab4t-ash", &Secret::new("sakura"), Apop::Keep).await.unwrap();
        assert_eq!(cost(&db, &claim).await.1, 1);
        assert_eq!(cost(&db, &claim).await.1, 0);

        elsewhere.account_remove("ab4t-ash").await.unwrap();
        assert_eq!(cost(&db, &claim).await, (Err(Why::UnknownLogin), 1));
        elsewhere.insisting().account_add(new("ab4t-ash", &[], "momo")).await.unwrap();
        assert_eq!(cost(&db, &claim).await, (Err(Why::WrongSecret), 1));
    }
}

#[tokio::test]
async fn s_15_who_guesses_is_not_looked_at_and_the_owner_is() {
    let db = databases().await.remove(0).furnished().await;
    let good = password("ab4t-ash", "sakura");
    let owner = db.accounts.authenticate_from(&good, HERE, Service::Pop).await.unwrap();
    assert!(matches!(owner, Verdict::Accepted(_)));

    // Wrong claims for a name that is not there, from everywhere, then for the account itself.
    for login in ["nobody12", "ab4t-ash"] {
        for number in 0..limits::GUESSES_OF_ACCOUNT.0 {
            let from = IpAddr::from([198, 51, u8::try_from(number).unwrap(), 7]);
            let looked_at =
                db.accounts.authenticate_from(&password(login, "x"), from, Service::Pop).await.unwrap();
            assert!(matches!(looked_at, Verdict::Rejected(_)), "{login} {number}");
        }
        let before = db.accounts.hashes_computed();
        let from = IpAddr::from([203, 0, 113, 7]);
        for guess in [password(login, "x"), password(login, "sakura")] {
            let deferred = db.accounts.authenticate_from(&guess, from, Service::Pop).await.unwrap();
            assert_eq!(deferred, Verdict::Deferred(Budget::Account), "right or wrong, here or not");
        }
        assert_eq!(db.accounts.hashes_computed(), before, "it costs nothing");
    }
    assert_eq!(db.accounts.authenticate_from(&good, HERE, Service::Pop).await.unwrap(), owner);
}

/// Many at once cannot do what one after the other may not.
#[tokio::test]
async fn s_15_guesses_in_parallel_are_counted_before_they_are_judged() {
    let db = databases().await.remove(0).furnished().await;
    let all: Vec<_> = (0..limits::GUESSES_OF_ACCOUNT.0 * 2)
        .map(|number| {
            let accounts = db.accounts.clone();
            let from = IpAddr::from([198, 51, u8::try_from(number).unwrap(), 7]);
            tokio::spawn(async move {
                accounts.authenticate_from(&password("ab4t-ash", "x"), from, Service::Pop).await
            })
        })
        .collect();
    let mut looked_at = 0;
    for one in all {
        looked_at += u32::from(matches!(one.await.unwrap().unwrap(), Verdict::Rejected(_)));
    }
    assert_eq!(looked_at, limits::GUESSES_OF_ACCOUNT.0);
}

/// A household's or an office's programs that all start at once.
#[tokio::test]
async fn s_15_right_passwords_in_parallel_wait_for_each_other() {
    let db = databases().await.remove(0).furnished().await;
    let all: Vec<_> = (0..60)
        .map(|_| {
            let accounts = db.accounts.clone();
            tokio::spawn(async move {
                accounts.authenticate_from(&password("ab4t-ash", "sakura"), HERE, Service::Pop).await
            })
        })
        .collect();
    for one in all {
        let verdict = one.await.unwrap().unwrap();
        assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
    }
}

/// A neighbour behind the same address translation guesses at him.
#[tokio::test]
async fn s_15_wrong_passwords_from_his_own_address_do_not_shut_the_owner_out() {
    let db = databases().await.remove(0).furnished().await;
    let claim =
        async |with| db.accounts.authenticate_from(&password("ab4t-ash", with), HERE, Service::Pop).await;
    let owner = claim("sakura").await.unwrap();
    assert!(matches!(owner, Verdict::Accepted(_)));
    for _ in 0..limits::GUESSES_OF_KNOWN.0 {
        assert!(matches!(claim("wrong").await, Ok(Verdict::Rejected(_))));
    }
    let before = db.accounts.hashes_computed();
    for _ in 0..2 {
        assert_eq!(claim("wrong").await.unwrap(), Verdict::Deferred(Budget::Known));
        assert_eq!(claim("sakura").await.unwrap(), owner);
    }
    assert_eq!(db.accounts.hashes_computed(), before, "it costs nothing");
}

#[tokio::test]
async fn r_13_a_database_that_is_away_uses_up_no_budget() {
    let db = databases().await.remove(0).furnished().await;
    db.accounts.close().await;
    for _ in 0..limits::GUESSES_OF_ACCOUNT.0 * 2 {
        assert!(
            db.accounts.authenticate_from(&password("ab4t-ash", "sakura"), HERE, Service::Pop).await.is_err()
        );
    }
}
