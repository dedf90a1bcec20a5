//! What an account may do: states, services, and the sessions that a change ends.

use std::net::IpAddr;
use std::time::Duration;

use accounts::{
    Account, Accounts, Apop, Attendance, Bar, NewPlan, Resolution, Service, State, Stops, Verdict, Which, Why,
};
use auth_sasl::{Claim, Secret};

use crate::support::{databases, new, owner, password, refusal, with_apop};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

async fn judged(a: &Accounts, claim: &Claim, service: Service) -> Result<Account, Bar> {
    match a.authenticate_from(claim, HERE, service).await.unwrap() {
        Verdict::Accepted(account) => Ok(account),
        Verdict::Barred(_, bar) => Err(bar),
        other => panic!("{other:?}"),
    }
}

/// Sending, reading, receiving.
async fn does(a: &Accounts) -> [bool; 3] {
    let claim = password("ab4t-ash", "sakura");
    [
        judged(a, &claim, Service::SmtpAuth).await.is_ok(),
        judged(a, &claim, Service::Pop).await.is_ok(),
        owner(a, "taro", "mx.edit.ne.jp").await == "ab4t-ash",
    ]
}

#[tokio::test]
async fn c_09_a_suspension_stops_its_parts_and_resume_restores_everything() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        // Made elsewhere: each answer here is of what is in the database now.
        let elsewhere = Accounts::open(&db.config).await.unwrap().acting_as("hanako");
        let before = a.account_show("ab4t-ash").await.unwrap();
        elsewhere.account_suspend("AB4T-ash", Stops::default(), "See https://example.jp/help").await.unwrap();
        assert_eq!(does(a).await, [false, true, true], "the default is for a hijack");
        let claim = password("ab4t-ash", "sakura");
        let bar = judged(a, &claim, Service::SmtpAuth).await.unwrap_err();
        assert_eq!(bar, Bar::Suspended("See https://example.jp/help".into()));
        // With a wrong password there is nothing to learn.
        let wrong = password("ab4t-ash", "sakur");
        let verdict = a.authenticate_from(&wrong, HERE, Service::SmtpAuth).await.unwrap();
        assert_eq!(verdict, Verdict::Rejected(Why::WrongSecret));

        let stops = Stops { sending: false, reading: true, receiving: true };
        elsewhere.account_suspend("ab4t-ash", stops, "").await.unwrap();
        assert_eq!(does(a).await, [true, false, false]);
        assert_eq!(a.resolve("taro", "mx.edit.ne.jp").await.unwrap(), Resolution::Disabled);
        elsewhere.account_resume("ab4t-ash").await.unwrap();
        assert_eq!(does(a).await, [true, true, true]);
        assert_eq!(a.account_show("ab4t-ash").await.unwrap(), before);

        let entries = a.audit(Some("ab4t-ash"), 3).await.unwrap();
        let said: Vec<_> =
            entries.iter().map(|e| (e.who.as_str(), e.action.as_str(), e.subject.as_str())).collect();
        assert_eq!(
            said,
            [
                ("hanako", "account resume", "ab4t-ash"),
                ("hanako", "account suspend", "ab4t-ash reading receiving"),
                ("hanako", "account suspend", "ab4t-ash sending"),
            ]
        );
        for bad in ["two\nlines", "日本"] {
            assert!(refusal(a.account_suspend("ab4t-ash", Stops::ALL, bad).await).contains("one line"));
        }
        let nothing = Stops { sending: false, reading: false, receiving: false };
        assert!(refusal(a.account_suspend("ab4t-ash", nothing, "").await).contains("stops something"));
        assert!(refusal(a.account_suspend("nobody", Stops::ALL, "").await).contains("yubin account list"));
    }
}

#[tokio::test]
async fn c_13_a_closing_account_is_read_for_its_time_and_a_staged_one_waits() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.account_stage("ab4t-ash").await.unwrap();
        assert_eq!(does(a).await, [false, false, false]);
        assert_eq!(a.resolve("taro", "mx.edit.ne.jp").await.unwrap(), Resolution::Unready);
        a.account_resume("ab4t-ash").await.unwrap();

        let state = a.account_close("ab4t-ash", 3_600).await.unwrap();
        assert!(matches!(state, State::Closing { since, until } if until == since + 3_600));
        assert_eq!(does(a).await, [false, true, false]);
        assert_eq!(a.resolve("taro", "mx.edit.ne.jp").await.unwrap(), Resolution::Disabled);
        a.account_close("ab4t-ash", 0).await.unwrap();
        assert_eq!(does(a).await, [false, false, false]);
        a.account_resume("ab4t-ash").await.unwrap();
        assert_eq!(does(a).await, [true, true, true]);
    }
}

/// Whether the change ends the session; none is waited for that is not to end.
async fn ends(attendance: &Attendance) -> bool {
    tokio::time::timeout(std::time::Duration::from_secs(30), attendance.ended()).await.is_ok()
}

#[tokio::test]
async fn c_06_c_14_a_change_anywhere_ends_the_live_sessions_that_it_concerns() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.account_add(new("m1234ab567c", &[], "ume")).await.unwrap();
        let elsewhere = Accounts::open(&db.config).await.unwrap();
        let claim = password("ab4t-ash", "sakura");
        let account = judged(a, &claim, Service::SmtpAuth).await.unwrap();
        let (sending, reading) = (a.attend(&account, Service::SmtpAuth), a.attend(&account, Service::Pop));
        let other = judged(a, &password("m1234ab567c", "ume"), Service::Pop).await.unwrap();
        let others = a.attend(&other, Service::Pop);

        elsewhere.account_suspend("ab4t-ash", Stops::default(), "").await.unwrap();
        assert!(ends(&sending).await);
        // A login that was judged before the change and is announced after it was seen.
        assert!(ends(&a.attend(&account, Service::SmtpAuth)).await);
        elsewhere.account_resume("ab4t-ash").await.unwrap();
        elsewhere.account_passwd("ab4t-ash", &Secret::new("momo"), Apop::Keep).await.unwrap();
        assert!(ends(&reading).await);
        let verdict = a.authenticate_from(&claim, HERE, Service::Pop).await.unwrap();
        assert_eq!(verdict, Verdict::Rejected(Why::WrongSecret), "what was remembered is worth nothing");

        let account = judged(a, &password("ab4t-ash", "momo"), Service::Pop).await.unwrap();
        let reading = a.attend(&account, Service::Pop);
        elsewhere.services_set(Which::Login("ab4t-ash"), &[(Service::Pop, false)]).await.unwrap();
        assert!(ends(&reading).await);
        elsewhere.account_remove("m1234ab567c").await.unwrap();
        assert!(ends(&others).await);
    }
}

#[tokio::test]
async fn s_11_a_service_that_is_off_is_told_to_who_has_the_right_password_only() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = db.accounts.acting_as("hanako");
        let claim = password("ab4t-ash", "sakura");
        a.services_set(Which::Login("ab4t-ash"), &[(Service::SmtpAuth, false)]).await.unwrap();
        let bar = judged(&a, &claim, Service::SmtpAuth).await.unwrap_err();
        assert_eq!(bar, Bar::ServiceOff(Service::SmtpAuth));
        assert!(judged(&a, &claim, Service::Pop).await.is_ok());
        let wrong = a.authenticate_from(&password("ab4t-ash", "x"), HERE, Service::SmtpAuth).await.unwrap();
        assert_eq!(wrong, Verdict::Rejected(Why::WrongSecret));
        a.services_set(Which::Login("ab4t-ash"), &[(Service::SmtpAuth, true)]).await.unwrap();
        assert!(judged(&a, &claim, Service::SmtpAuth).await.is_ok());

        // APOP needs both: the reading, and the way.
        a.account_add(with_apop(new("m1234ab567c", &[], "ume"))).await.unwrap();
        let apop = crate::support::apop("m1234ab567c", "ume");
        assert!(judged(&a, &apop, Service::Pop).await.is_ok());
        a.services_set(Which::Login("m1234ab567c"), &[(Service::Apop, false)]).await.unwrap();
        assert_eq!(judged(&a, &apop, Service::Pop).await.unwrap_err(), Bar::ServiceOff(Service::Apop));
        assert!(judged(&a, &password("m1234ab567c", "ume"), Service::Pop).await.is_ok());
    }
}

#[tokio::test]
async fn s_12_c_08_services_are_listed_with_date_and_who_and_have_defaults_by_plan() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = db.accounts.acting_as("hanako");
        let asahi = NewPlan {
            name: "asahi".into(),
            pattern: "@@#@-@@@".into(),
            services: vec![(Service::SmtpAuth, false), (Service::Forward, true)],
            ..NewPlan::default()
        };
        a.plan_add(&asahi).await.unwrap();
        let order = accounts::Order { plan: "asahi".into(), ..accounts::Order::default() };
        let issued = a.issue(&order).await.unwrap();
        let login = issued.details.account.login.clone();
        let has = async |service: Service| {
            let services = a.services(&login).await.unwrap();
            let info = services.into_iter().find(|info| info.service == service).unwrap();
            (info.enabled, info.set.map(|(_, who)| who))
        };
        assert_eq!(has(Service::Pop).await, (true, None));
        assert_eq!(has(Service::SmtpAuth).await, (false, None));
        assert_eq!(has(Service::Forward).await, (true, None));
        assert_eq!(has(Service::VirusCheck).await, (false, None));
        // What is registered for the account goes before the plan.
        a.services_set(Which::Login(&login), &[(Service::SmtpAuth, true)]).await.unwrap();
        assert_eq!(has(Service::SmtpAuth).await, (true, Some("hanako".to_owned())));
        let account = issued.details.account.id;
        assert!(a.has_service(account, Service::SmtpAuth).await.unwrap());
        // The plan changes for all of its accounts, a bulk change only for those that are there.
        a.plan_set("asahi", &[(Service::VirusCheck, true)]).await.unwrap();
        assert_eq!(has(Service::VirusCheck).await, (true, None));
        assert_eq!(a.services_set(Which::Plan("asahi"), &[(Service::Forward, false)]).await.unwrap(), 1);
        assert_eq!(a.services_set(Which::All, &[(Service::PopBeforeSmtp, true)]).await.unwrap(), 2);
        assert_eq!(has(Service::PopBeforeSmtp).await, (true, Some("hanako".to_owned())));
        let history = a.audit(Some(&login), 10).await.unwrap();
        let said: Vec<_> = history.iter().map(|entry| entry.subject.as_str()).collect();
        assert!(said[0].ends_with("pop_before_smtp=on") && said[1].ends_with("forward=off"), "{said:?}");
        assert!(refusal(a.services_set(Which::Plan("none"), &[]).await).contains("yubin plan list"));
    }
}

#[tokio::test]
async fn s_16_an_account_owns_what_mail_to_it_would_come_by() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.domain_equivalent("edit.jp", "mx.edit.ne.jp").await.unwrap();
        a.domain_bar("atson.net", "").await.unwrap();
        a.account_add(new("m1234ab567c", &["hana@mx.edit.ne.jp"], "ume")).await.unwrap();
        let account = judged(a, &password("ab4t-ash", "sakura"), Service::SmtpAuth).await.unwrap();
        let stops = Stops { sending: false, reading: false, receiving: true };
        a.account_suspend("ab4t-ash", stops, "").await.unwrap();
        for (local_part, domain, owns) in [
            ("taro", "mx.edit.ne.jp", true),
            ("Taro", "EDIT.jp", true),
            ("ab4t-ash", "edit.jp", true),
            ("hana", "mx.edit.ne.jp", false),
            ("taro", "edit.ne.jp", false),
            ("ab4t-ash", "atson.net", false),
            ("taro", "example.com", false),
            ("postmaster", "mx.edit.ne.jp", false),
        ] {
            assert_eq!(a.owns(&account, local_part, domain).await.unwrap(), owns, "{local_part}@{domain}");
        }
        a.address_set_enabled("taro@mx.edit.ne.jp", false).await.unwrap();
        assert!(!a.owns(&account, "taro", "mx.edit.ne.jp").await.unwrap());
        let primary = a.primary_address(&account).await.unwrap();
        assert_eq!(primary.as_deref(), Some("ab4t-ash@mx.edit.ne.jp"));
    }
}

#[tokio::test]
async fn c_06_what_a_plan_turns_off_ends_for_its_accounts_at_once() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.plan_add(&NewPlan { name: "p".into(), pattern: "@@#@-@@@".into(), ..NewPlan::default() })
            .await
            .unwrap();
        let mut sessions = Vec::new();
        // The first has the service by a row of its own; its sessions would be ended before the second's.
        for own in [true, false] {
            let order = accounts::Order { plan: "p".into(), ..accounts::Order::default() };
            let issued = a.issue(&order).await.unwrap();
            let login = issued.details.account.login;
            if own {
                a.services_set(Which::Login(&login), &[(Service::SmtpAuth, true)]).await.unwrap();
            }
            let claim = Claim::password(login.as_str(), issued.password.unwrap());
            let account = judged(a, &claim, Service::SmtpAuth).await.unwrap();
            a.ticket_open(&account, HERE, std::time::Duration::from_secs(600)).await.unwrap();
            sessions.push((a.attend(&account, Service::SmtpAuth), a.attend(&account, Service::Pop), login));
        }
        let [(own, _, first), (default, reading, second)] = &sessions[..] else { panic!("there are two") };
        let elsewhere = Accounts::open(&db.config).await.unwrap();
        elsewhere.plan_set("p", &[(Service::SmtpAuth, false), (Service::Forward, true)]).await.unwrap();
        assert!(ends(default).await);
        for other in [own, reading] {
            assert!(tokio::time::timeout(std::time::Duration::ZERO, other.ended()).await.is_err());
        }
        assert_eq!(a.ticket_holders(HERE, Duration::from_secs(600)).await.unwrap(), [first.as_str()]);
        let said = a.audit(Some(second), 1).await.unwrap();
        assert_eq!(said[0].subject, format!("{second} plan=p smtp_auth=off forward=on"));
        elsewhere.close().await;
    }
}
