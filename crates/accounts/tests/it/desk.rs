//! What the desk sees of the last logins.

use std::net::IpAddr;

use accounts::{Accounts, Attempt, LoginAttempt, Service, Verdict, Which, Why};
use auth_sasl::Claim;

use crate::support::{apop, databases, password};

/// Judges and notes as a daemon does.
async fn log_in(accounts: &Accounts, claim: &Claim, from: &str, service: Service, tls: Option<&'static str>) {
    let from: IpAddr = from.parse().unwrap();
    let attempt = Attempt::new(claim, service, "mx.edit.ne.jp:995", from, tls);
    let verdict = accounts.authenticate_from(claim, from, service).await.unwrap();
    accounts.note_login(attempt, &verdict).await;
}

async fn attempts(accounts: &Accounts) -> Vec<LoginAttempt> {
    accounts.write_logins().await;
    accounts.login_attempts("ab4t-ash").await.unwrap()
}

#[tokio::test]
async fn k_04_the_last_logins_and_failures_with_hints_are_the_accounts_own() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        let pop =
            async |claim: &Claim| log_in(accounts, claim, "192.0.2.7", Service::Pop, Some("TLSv1.3")).await;
        let right = password("ab4t-ash", "sakura");
        pop(&right).await;
        pop(&right).await;
        pop(&password("AB4T-ash", "wrong")).await;
        pop(&password("taro", "sakura")).await;
        pop(&password("Taro@mx.edit.ne.jp", "sakura")).await;
        pop(&password("pop.edit.ne.jp:ab4t-ash", "sakura")).await;
        pop(&apop("ab4t-ash", "sakura")).await;
        pop(&password("nobody-here", "sakura")).await;
        accounts.services_set(Which::Login("ab4t-ash"), &[(Service::SmtpAuth, false)]).await.unwrap();
        log_in(accounts, &right, "2001:db8::7", Service::SmtpAuth, None).await;

        let found = attempts(accounts).await;
        let mut shown: Vec<_> = found
            .iter()
            .map(|it| {
                let LoginAttempt { service, from, tls, mechanism, outcome, hint, claimed, times, .. } = it;
                let [tls, hint, claimed] = [tls, hint, claimed].map(|text| text.as_deref().unwrap_or("-"));
                format!("{} {from} {tls} {mechanism} {outcome} {hint} {claimed} {times}", service.word())
            })
            .collect();
        shown.sort();
        assert_eq!(
            shown,
            [
                "pop 192.0.2.7 TLSv1.3 apop no-credential no-apop-secret - 1",
                "pop 192.0.2.7 TLSv1.3 password ok - - 2",
                "pop 192.0.2.7 TLSv1.3 password unknown-login address Taro@mx.edit.ne.jp 1",
                "pop 192.0.2.7 TLSv1.3 password unknown-login alias taro 1",
                "pop 192.0.2.7 TLSv1.3 password unknown-login pseudo-user-name pop.edit.ne.jp:ab4t-ash 1",
                "pop 192.0.2.7 TLSv1.3 password wrong-secret - - 1",
                "smtp_auth 2001:db8::7 - password service-off service-off - 1",
            ]
        );

        // They add up, in the database too, and on every machine.
        pop(&password("ab4t-ash", "wrong")).await;
        let elsewhere = Accounts::open(&database.config).await.unwrap();
        log_in(&elsewhere, &password("ab4t-ash", "wrong"), "192.0.2.7", Service::Pop, Some("TLSv1.3")).await;
        elsewhere.write_logins().await;
        elsewhere.close().await;
        let found = attempts(accounts).await;
        let wrong = found.iter().find(|it| it.outcome == "wrong-secret").unwrap();
        assert_eq!(wrong.times, 3);
        assert!(wrong.first <= wrong.last);

        // Nothing of it is left of an account that is gone.
        accounts.account_remove("ab4t-ash").await.unwrap();
        pop(&right).await;
        assert_eq!(attempts(accounts).await, []);
    }
}

#[tokio::test]
async fn guesses_from_everywhere_do_not_push_out_where_the_owner_was() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        let right = password("ab4t-ash", "sakura");
        log_in(accounts, &right, "192.0.2.7", Service::Pop, None).await;
        accounts.write_logins().await;
        for place in 0..60 {
            let claim = password("ab4t-ash", "wrong");
            let from = [198, 51, 100, place].into();
            let attempt = Attempt::new(&claim, Service::Pop, "pop:110", from, None);
            // One after the other in time: of those of one second, all stay until a later one comes.
            accounts.note_login(attempt, &Verdict::Rejected(Why::WrongSecret)).await;
            accounts.write_logins().await;
        }
        let found = attempts(accounts).await;
        assert_eq!(found.iter().filter(|it| it.succeeded()).count(), 1);
        let kept = i64::try_from(found.iter().filter(|it| !it.succeeded()).count()).unwrap();
        assert!(kept >= accounts::limits::LOGINS_KEPT.min(60), "{kept}");
    }
}
