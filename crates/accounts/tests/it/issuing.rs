//! Accounts by a plan: made for a contract, once for each order.

use accounts::{Accounts, AdminError, Apop, NewPlan, Order};
use auth_sasl::Secret;

use crate::opening::execute;
use crate::support::{apop, databases, owner, password, refusal, verdict};

fn plan(name: &str, pattern: &str) -> NewPlan {
    NewPlan { name: name.into(), pattern: pattern.into(), ..NewPlan::default() }
}

fn order(plan: &str, contract: &str, request: Option<&str>) -> Order {
    Order { plan: plan.into(), contract: contract.into(), request: request.map(str::to_owned) }
}

#[tokio::test]
async fn c_01_s_19_an_issued_account_has_login_password_and_address_at_once() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.domain_add("asahi-net.or.jp").await.unwrap();
        for (name, pattern, first) in
            [("ash", "@@#@-@@@", ""), ("m", "m####@@###@", "m"), ("u", "u####@@###@", "u")]
        {
            let domain = (name == "ash").then(|| "asahi-net.or.jp".to_owned());
            a.plan_add(&NewPlan { domain, ..plan(name, pattern) }).await.unwrap();
            let issued = a.issue(&order(name, "4711", None)).await.unwrap();
            let account = &issued.details.account;
            assert!(
                account.login.starts_with(first) && account.login.len() == pattern.len(),
                "{}",
                account.login
            );
            assert_eq!((account.plan.as_deref(), account.contract.as_str()), (Some(name), "4711"));
            let home = if name == "ash" { "asahi-net.or.jp" } else { "mx.edit.ne.jp" };
            assert_eq!(owner(a, &account.login, home).await, account.login);
            let secret = issued.password.unwrap();
            let claim = auth_sasl::Claim::password(account.login.as_str(), secret);
            assert_eq!(verdict(a, &claim).await.as_deref(), Ok(account.login.as_str()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c_01_the_same_order_issues_nothing_twice_even_at_the_same_instant() {
    for db in databases().await {
        let db = db.furnished().await;
        db.accounts.plan_add(&plan("standard", "m####@@###@")).await.unwrap();
        let elsewhere = Accounts::open(&db.config).await.unwrap();
        let wanted = order("standard", "4711", Some("order-1"));
        let (one, two) = tokio::join!(db.accounts.issue(&wanted), elsewhere.issue(&wanted));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!(one.details.account.login, two.details.account.login);
        assert_eq!(
            usize::from(one.password.is_some()) + usize::from(two.password.is_some()),
            1,
            "shown once"
        );
        let other = db.accounts.issue(&order("standard", "4711", Some("order-2"))).await.unwrap();
        assert_ne!(other.details.account.login, one.details.account.login);
        assert_eq!(db.accounts.account_list().await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn c_02_a_contract_has_the_accounts_that_its_plan_allows() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.brand_add("Asahi").await.unwrap();
        assert_eq!(a.brand_list().await.unwrap(), ["asahi"]);
        let family = NewPlan { accounts: 2, ..plan("family", "@@#@-@@@") };
        let asahi = a.at_brand(Some("Asahi"));
        asahi.domain_add("asahi-net.or.jp").await.unwrap();
        let made = asahi.plan_add(&family).await.unwrap();
        assert_eq!((made.brand.as_deref(), made.accounts, made.issued), (Some("asahi"), 2, 0));
        for _ in 0..2 {
            a.issue(&order("family", "4711", None)).await.unwrap();
        }
        assert!(refusal(a.issue(&order("family", "4711", None)).await).contains("all 2 accounts"));
        a.issue(&order("family", "4712", None)).await.unwrap();
        assert_eq!(a.plan_show("family").await.unwrap().issued, 3);

        for (bad, step) in [
            (plan("family", "@@#@-@@@"), "yubin plan show family"),
            (plan("few", "a#"), "no shape of logins"),
            (NewPlan { domain: Some("example.com".into()), ..plan("c", "@@#@-@@@") }, "yubin domain add"),
        ] {
            let text = refusal(a.plan_add(&bad).await);
            assert!(text.contains(step), "{text}");
        }
        let nobodys = a.at_brand(Some("none"));
        assert!(refusal(nobodys.plan_add(&plan("b", "@@#@-@@@")).await).contains("yubin brand list"));
        assert!(refusal(a.brand_add("asahi").await).contains("yubin brand list"));
        assert!(refusal(a.issue(&order("none", "", None)).await).contains("yubin plan list"));
        assert_eq!(verdict(a, &password("ab4t-ash", "sakura")).await.as_deref(), Ok("ab4t-ash"));
    }
}

/// Every login of the shape `@@@#`.
const ALL_IN_QUARANTINE: &str = "\
    WITH letter (c) AS (VALUES ('a'), ('b'), ('c'), ('d'), ('e'), ('f'), ('g'), ('h'), ('i'), ('j'), ('k'), ('m'), \
    ('n'), ('p'), ('q'), ('r'), ('s'), ('t'), ('u'), ('v'), ('w'), ('x'), ('y'), ('z')), \
    digit (c) AS (VALUES ('2'), ('3'), ('4'), ('5'), ('6'), ('7'), ('8'), ('9')) \
    INSERT INTO released (domain_id, local_part, account_id, login, free_at) \
    SELECT 1, one.c || two.c || three.c || digit.c, 1000, 'm1234', 99999999999 \
    FROM letter one CROSS JOIN letter two CROSS JOIN letter three CROSS JOIN digit";

#[tokio::test]
async fn c_01_d_14_a_login_in_quarantine_is_not_issued_and_a_database_that_is_away_is_no_refusal() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.plan_add(&plan("short", "@@@#")).await.unwrap();
        execute(&db.config, ALL_IN_QUARANTINE).await;
        let text = refusal(a.issue(&order("short", "", None)).await);
        assert!(text.contains("hardly a login of the shape"), "{text}");
        execute(&db.config, "UPDATE released SET free_at = 1").await;
        a.issue(&order("short", "", None)).await.unwrap();
        execute(&db.config, "ALTER TABLE reserved RENAME TO elsewhere").await;
        let outcome = a.issue(&order("short", "", None)).await;
        assert!(matches!(outcome, Err(AdminError::Unavailable(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn c_04_nothing_of_a_contract_logs_in_but_each_account_by_its_own_password() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.plan_add(&plan("family", "@@#@-@@@")).await.unwrap();
        let mut members = Vec::new();
        for request in ["online-1", "online-2"] {
            let issued = a.issue(&order("family", "c4711-k2", Some(request))).await.unwrap();
            members.push((issued.details.account.login, issued.password.unwrap()));
        }
        // What the customer centre knows of somebody is in no other place of ours, and here of no use.
        execute(&db.config, "INSERT INTO credential SELECT account_id, 'contract', 'c4711-k2', 0 FROM credential WHERE kind = 'password'").await;
        let own = |secret: &Secret| String::from_utf8(secret.expose().to_vec()).unwrap();
        let (first, second) = (own(&members[0].1), own(&members[1].1));
        assert_ne!(first, second);
        for (login, with) in [
            ("c4711-k2", first.as_str()),
            ("online-1", first.as_str()),
            (members[0].0.as_str(), "c4711-k2"),
            (members[0].0.as_str(), "online-1"),
            (members[0].0.as_str(), second.as_str()),
            (members[1].0.as_str(), first.as_str()),
        ] {
            assert!(verdict(a, &password(login, with)).await.is_err(), "{login} {with}");
            assert!(verdict(a, &apop(login, with)).await.is_err(), "{login} {with}");
        }
        assert_eq!(verdict(a, &password(&members[0].0, &first)).await.unwrap(), members[0].0);
        assert_eq!(verdict(a, &password(&members[1].0, &second)).await.unwrap(), members[1].0);
        // A new password for the one is none for the other of the same contract.
        a.account_passwd(&members[0].0, &Secret::new("umi no oto 3"), Apop::Keep).await.unwrap();
        assert!(verdict(a, &password(&members[0].0, &first)).await.is_err());
        assert!(verdict(a, &password(&members[1].0, "umi no oto 3")).await.is_err());
        assert_eq!(verdict(a, &password(&members[1].0, &second)).await.unwrap(), members[1].0);
    }
}
