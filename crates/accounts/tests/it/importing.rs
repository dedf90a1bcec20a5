//! Accounts of another system: all that can be taken, or nothing.

use accounts::{Accounts, ImportError, ImportedAccounts, IncomingAccount, limits};
use auth_sasl::Secret;

use crate::support::{databases, new, owner, password, verdict};

fn incoming(line: u64, login: &str, addresses: &[&str]) -> IncomingAccount {
    IncomingAccount {
        line,
        login: login.to_owned(),
        addresses: addresses.iter().map(|&address| address.to_owned()).collect(),
        ..IncomingAccount::default()
    }
}

async fn import(
    accounts: &Accounts,
    incoming: &[IncomingAccount],
) -> Result<ImportedAccounts, Vec<(u64, String)>> {
    match accounts.account_import(incoming, &mut |_, _| {}).await {
        Ok(imported) => Ok(imported),
        Err(ImportError::Lines(lines)) => Err(lines),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn c_15_accounts_come_with_their_hashes_and_a_second_run_takes_what_is_missing() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        let hash = "{SSHA}".to_owned() + &ssha("sakura", b"salt");
        let mut rows = vec![
            IncomingAccount {
                hash: Some(Secret::new(hash.into_bytes())),
                ..incoming(2, "u1234ab567c", &["hanako@mx.edit.ne.jp"])
            },
            IncomingAccount { password: Some(Secret::new("natsu")), ..incoming(3, "M1234ab567c", &[]) },
        ];
        assert_eq!(import(accounts, &rows).await, Ok(ImportedAccounts { taken: 2, before: 0 }));
        assert_eq!(owner(accounts, "hanako", "mx.edit.ne.jp").await, "u1234ab567c");
        for (login, secret) in [("u1234ab567c", "sakura"), ("m1234ab567c", "natsu")] {
            assert_eq!(verdict(accounts, &password(login, secret)).await, Ok(login.to_owned()));
        }
        rows.push(incoming(4, "x1234ab567c", &[]));
        assert_eq!(import(accounts, &rows).await, Ok(ImportedAccounts { taken: 1, before: 2 }));
        let entries = accounts.account_list().await.unwrap();
        assert_eq!(entries.len(), 4, "{entries:?}");
    }
}

#[tokio::test]
async fn every_bad_line_is_told_and_nothing_is_done() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        let before = accounts.status().await.unwrap();
        let both = IncomingAccount {
            password: Some(Secret::new("sakura")),
            hash: Some(Secret::new("{SSHA}x")),
            ..incoming(9, "hanako07", &[])
        };
        let unknown =
            IncomingAccount { hash: Some(Secret::new("{ROT13}x")), ..incoming(10, "hanako08", &[]) };
        let plan = IncomingAccount { plan: Some("gold".into()), ..incoming(11, "hanako09", &[]) };
        let sha = "$6$rounds=999999999$saltstring$ekYy80OSOX.TrycbMdtUnDybMwQ1ZCWsZK4M//nwz5Uzu74TGfmrdHq.vD1VqXynWq5r8t5Liii71WLptRVJx0";
        let dear = IncomingAccount { hash: Some(Secret::new(sha)), ..incoming(12, "hanako10", &[]) };
        let rows = [
            incoming(2, "hanako01", &["hanako@mx.edit.ne.jp"]),
            incoming(3, "x'; DROP TABLE account; --", &[]),
            incoming(4, "HANAKO01", &[]),
            incoming(5, "hanako03", &["taro@mx.edit.ne.jp"]),
            incoming(6, "hanako04", &["hanako@example.org"]),
            incoming(7, "hanako05", &["Hanako@mx.edit.ne.jp"]),
            incoming(8, "ab4t-ash", &["jiro@mx.edit.ne.jp"]),
            both,
            unknown,
            plan,
            dear,
        ];
        let faults = import(accounts, &rows).await.unwrap_err();
        let lines: Vec<u64> = faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "{faults:?}");
        let says = |line: u64, words: &str| {
            let (_, fault) = faults.iter().find(|(at, _)| *at == line).unwrap();
            assert!(fault.contains(words), "{fault}");
        };
        says(4, "line 2");
        says(5, "ab4t-ash");
        says(7, "line 2");
        says(12, "rounds=999999999");
        says(8, "yubin address add jiro@mx.edit.ne.jp ab4t-ash");
        assert_eq!(accounts.status().await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_name_that_is_a_login_on_another_line_is_told_wherever_that_stands() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        // Further apart than the accounts of one change.
        let last = limits::IMPORT_BATCH + 3;
        let mut rows: Vec<_> =
            (0..last).map(|n| incoming(n as u64 + 2, &format!("user{n:04}"), &[])).collect();
        let (first, other) = (format!("user{:04}@edit.ne.jp", last - 1), "user0001@edit.ne.jp".to_owned());
        rows[0].addresses.push(first);
        rows[last - 1].addresses.push(other);
        let faults = import(accounts, &rows).await.unwrap_err();
        let lines: Vec<u64> = faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, last as u64 + 1], "{faults:?}");
        assert!(faults[0].1.contains(&format!("line {}", last + 1)), "{faults:?}");
        assert!(faults[1].1.contains("line 3"), "{faults:?}");

        // Who insists has them; what one address would be to two is refused all the same.
        let insisting = accounts.insisting();
        rows[1].addresses.push("user0002@mx.edit.ne.jp".into());
        let faults = import(&insisting, &rows).await.unwrap_err();
        assert_eq!(faults.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4], "{faults:?}");
        rows[1].addresses.clear();
        assert_eq!(import(&insisting, &rows).await, Ok(ImportedAccounts { taken: last, before: 0 }));
        assert_eq!(owner(accounts, "user0001", "edit.ne.jp").await, format!("user{:04}", last - 1));
        assert_eq!(owner(accounts, "user0001", "mx.edit.ne.jp").await, "user0001");
        // Each account has its entry, and each change one more.
        let entries = accounts.audit(None, u32::MAX).await.unwrap();
        assert_eq!(entries.iter().filter(|entry| entry.action == "account import").count(), last + 2);
    }
}

fn ssha(password: &str, salt: &[u8]) -> String {
    use base64::Engine as _;
    let mut input = password.as_bytes().to_vec();
    input.extend_from_slice(salt);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &input);
    base64::prelude::BASE64_STANDARD.encode([digest.as_ref(), salt].concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_taken_meanwhile_ends_the_import_and_what_was_done_is_told() {
    for db in databases().await {
        let db = db.furnished().await;
        let elsewhere = Accounts::open(&db.config).await.unwrap();
        let last = limits::IMPORT_BATCH + 3;
        let rows: Vec<_> = (0..last).map(|n| incoming(n as u64 + 2, &format!("hanako{n:04}"), &[])).collect();
        let alias = format!("hanako{:04}@edit.ne.jp", last - 1);
        let mut show = |_, done: usize| {
            if done == limits::IMPORT_BATCH {
                let adding = elsewhere.insisting();
                let other = new("hana-other", &[], "x");
                let runtime = tokio::runtime::Handle::current();
                let taken = async {
                    adding.account_add(accounts::NewAccount { addresses: vec![alias.clone()], ..other }).await
                };
                tokio::task::block_in_place(|| runtime.block_on(taken)).unwrap();
            }
        };
        let overtaken = db.accounts.account_import(&rows, &mut show).await.unwrap_err();
        let ImportError::Overtaken(faults, done) = overtaken else { panic!("{overtaken}") };
        assert_eq!((done.taken, done.before), (limits::IMPORT_BATCH, 0));
        assert_eq!(faults[0].0, last as u64 + 1, "{faults:?}");
        assert!(faults[0].1.contains("hana-other"), "{faults:?}");
        assert_eq!(db.accounts.account_list().await.unwrap().len(), limits::IMPORT_BATCH + 2);
    }
}
