//! Two providers in one database.

use std::time::Duration;

use accounts::DomainSetting::Postmaster;
use accounts::{Accounts, NewPlan, Order, Resolution, Service, Verdict, Why};
use auth_sasl::{Claim, Secret};

use crate::support::{databases, new, owner, password, refusal};

#[tokio::test]
async fn k_09_the_same_login_of_two_brands_is_two_accounts() {
    for database in databases().await {
        let database = database.furnished().await;
        let editnet = &database.accounts;
        let asahi = &editnet.at_brand(Some("asahi"));
        let wanted = [None, Some("Asahi")];
        let missing = Accounts::open_for(&database.config, &wanted).await.unwrap_err();
        assert!(missing.needs_repair() && missing.to_string().contains("no brand asahi"), "{missing}");
        assert!(refusal(asahi.brand_must_exist().await).contains("no brand asahi"));
        assert!(refusal(asahi.domain_add("asahi-net.or.jp").await).contains("no brand asahi"));
        editnet.brand_add("asahi").await.unwrap();
        asahi.brand_must_exist().await.unwrap();
        Accounts::open_for(&database.config, &wanted).await.unwrap().close().await;
        let early = refusal(asahi.account_add(new("ab4t-ash", &[], "yuki")).await);
        assert!(early.contains("yubin domain add DOMAIN --brand asahi"), "{early}");
        asahi.domain_add("asahi-net.or.jp").await.unwrap();
        let theirs = asahi.account_add(new("ab4t-ash", &["taro@asahi-net.or.jp"], "yuki")).await.unwrap();
        assert_eq!(theirs.account.login, "asahi:ab4t-ash");
        assert_eq!(theirs.addresses[0].address, "ab4t-ash@asahi-net.or.jp");
        let ours = editnet.account_show("ab4t-ash").await.unwrap();
        assert_ne!(ours.account.mailbox, theirs.account.mailbox);
        assert!(!theirs.account.mailbox.contains(':'), "{}", theirs.account.mailbox);
        assert_eq!(
            refusal(asahi.account_add(new("AB4T-ash", &[], "x")).await),
            "the login asahi:ab4t-ash is taken; see it with: yubin account show asahi:ab4t-ash"
        );
        assert_eq!(owner(editnet, "taro", "asahi-net.or.jp").await, "asahi:ab4t-ash");
        assert_eq!(owner(editnet, "taro", "mx.edit.ne.jp").await, "ab4t-ash");

        // Each with its own password at its own brand, by no other and by no name.
        let here = "192.0.2.1".parse().unwrap();
        for (brand, login, with, expected) in [
            (editnet, "ab4t-ash", "sakura", Ok("ab4t-ash")),
            (editnet, "ab4t-ash", "yuki", Err(Why::WrongSecret)),
            (asahi, "AB4T-ASH", "yuki", Ok("asahi:ab4t-ash")),
            (asahi, "ab4t-ash", "sakura", Err(Why::WrongSecret)),
            (editnet, "asahi:ab4t-ash", "yuki", Err(Why::UnknownLogin)),
            (asahi, "asahi:ab4t-ash", "yuki", Err(Why::UnknownLogin)),
            (asahi, ":ab4t-ash", "sakura", Err(Why::UnknownLogin)),
        ] {
            let verdict = brand.authenticate_from(&password(login, with), here, Service::Pop).await.unwrap();
            match (verdict, expected) {
                (Verdict::Accepted(account), Ok(expected)) => assert_eq!(account.login, expected),
                (Verdict::Rejected(why), Err(expected)) => assert_eq!(why, expected, "{login} {with}"),
                other => panic!("{login} {with}: {other:?}"),
            }
        }
        let acting = Claim::Password {
            authorization: "ab4t-ash".into(),
            login: "ab4t-ash".into(),
            password: Secret::new("yuki"),
        };
        assert!(matches!(asahi.authenticate(&acting).await.unwrap(), Verdict::Accepted(_)));

        // Commands name the other brand's before the login, or are told the brand.
        assert_eq!(
            editnet.account_show("asahi:ab4t-ash").await.unwrap(),
            asahi.account_show("ab4t-ash").await.unwrap()
        );
        asahi.account_suspend("ab4t-ash", accounts::Stops::ALL, "").await.unwrap();
        assert_eq!(editnet.account_show("ab4t-ash").await.unwrap().account.state, accounts::State::Active);
        editnet.account_resume("asahi:ab4t-ash").await.unwrap();
        let said = editnet.audit(Some("asahi:ab4t-ash"), 1).await.unwrap();
        assert_eq!((said[0].action.as_str(), said[0].subject.as_str()), ("account resume", "asahi:ab4t-ash"));

        // A POP before SMTP ticket of the one lets nobody send at the other.
        let Verdict::Accepted(account) = asahi.authenticate(&password("ab4t-ash", "yuki")).await.unwrap()
        else {
            panic!()
        };
        asahi.ticket_open(&account, here, std::time::Duration::from_secs(600)).await.unwrap();
        assert_eq!(asahi.ticket_holders(here, Duration::from_secs(600)).await.unwrap(), ["asahi:ab4t-ash"]);
        assert!(editnet.ticket_holders(here, Duration::from_secs(600)).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn k_09_each_brand_has_a_postmaster_without_a_domain() {
    for database in databases().await {
        let database = database.furnished().await;
        let editnet = &database.accounts;
        editnet.brand_add("asahi").await.unwrap();
        let asahi = &editnet.at_brand(Some("asahi"));
        editnet.domain_set("mx.edit.ne.jp", &Postmaster(Some("ab4t-ash".into()))).await.unwrap();
        asahi.domain_add("asahi-net.or.jp").await.unwrap();
        // Where nobody is appointed it is not somebody of another brand.
        assert_eq!(asahi.postmaster("pop.example").await.unwrap(), Resolution::NoPostmaster);
        asahi.account_add(new("m1234ab567c", &[], "yuki")).await.unwrap();
        asahi.domain_set("asahi-net.or.jp", &Postmaster(Some("m1234ab567c".into()))).await.unwrap();
        for (brand, expected) in [(editnet, "ab4t-ash"), (asahi, "asahi:m1234ab567c")] {
            let Resolution::Mailbox(mailbox) = brand.postmaster("pop.example").await.unwrap() else {
                panic!()
            };
            assert_eq!(mailbox.login, expected);
        }
    }
}

#[tokio::test]
async fn k_09_addresses_domains_and_plans_stay_in_their_brand() {
    for database in databases().await {
        let database = database.furnished().await;
        let editnet = &database.accounts;
        editnet.brand_add("asahi").await.unwrap();
        let asahi = &editnet.at_brand(Some("asahi"));
        asahi.domain_add("asahi-net.or.jp").await.unwrap();
        asahi.account_add(new("m1234ab567c", &[], "yuki")).await.unwrap();
        // What is one brand's login can be the other's alias.
        editnet.address_add("m1234ab567c@edit.ne.jp", "ab4t-ash").await.unwrap();
        asahi.address_add("ab4t-ash@asahi-net.or.jp", "m1234ab567c").await.unwrap();
        for refused in [
            refusal(editnet.address_add("hana@asahi-net.or.jp", "ab4t-ash").await),
            refusal(asahi.address_add("hana@edit.ne.jp", "m1234ab567c").await),
            refusal(editnet.domain_equivalent("edit.ne.jp", "asahi-net.or.jp").await),
            refusal(
                asahi
                    .plan_add(&NewPlan {
                        name: "a".into(),
                        pattern: "m####@@###@".into(),
                        domain: Some("edit.ne.jp".into()),
                        ..NewPlan::default()
                    })
                    .await,
            ),
            refusal(asahi.domain_set("asahi-net.or.jp", &Postmaster(Some(":ab4t-ash".into()))).await),
        ] {
            assert!(refused.contains("is of the"), "{refused}");
        }
        // A bare login in a brand's domain is that brand's.
        let set = Postmaster(Some("m1234ab567c".into()));
        let domain = editnet.domain_set("asahi-net.or.jp", &set).await.unwrap();
        assert_eq!(domain.postmaster.as_deref(), Some("asahi:m1234ab567c"));
        assert_eq!((domain.brand.as_deref(), domain.default), (Some("asahi"), true));
        assert_eq!(owner(editnet, "postmaster", "asahi-net.or.jp").await, "asahi:m1234ab567c");
        assert_eq!(owner(editnet, "postmaster", "mx.edit.ne.jp").await, "NoPostmaster");

        let plan = NewPlan { name: "standard".into(), pattern: "m####@@###@".into(), ..NewPlan::default() };
        assert_eq!(asahi.plan_add(&plan).await.unwrap().brand.as_deref(), Some("asahi"));
        let order = Order { plan: "standard".into(), ..Order::default() };
        let issued = editnet.issue(&order).await.unwrap().details;
        assert!(issued.account.login.starts_with("asahi:m"), "{issued:?}");
        assert!(issued.addresses[0].address.ends_with("@asahi-net.or.jp"), "{issued:?}");
    }
}
