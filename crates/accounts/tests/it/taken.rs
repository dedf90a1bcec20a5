//! Which names can be had, and what becomes of them.

use accounts::{AddressKind, DomainSetting};

use crate::support::{account, databases, new, owner, refusal};

#[tokio::test]
async fn d_01_reserved_names_and_other_peoples_logins_are_not_to_be_had() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.account_add(new("m1234ab567c", &[], "x")).await.unwrap();
        assert!(refusal(a.address_add("Root@edit.ne.jp", "ab4t-ash").await).contains("reserved"));
        assert!(refusal(a.account_add(new("webmaster", &[], "x")).await).contains("--force"));
        for (address, part) in [
            ("m1234ab567c@edit.ne.jp", "another account's login"),
            ("taro@mx.edit.ne.jp", "belongs to ab4t-ash"),
            ("hana@example.com", "yubin domain add"),
            ("hana yama@edit.ne.jp", "no blank"),
        ] {
            assert!(refusal(a.address_check(address).await).contains(part), "{address}");
            assert!(
                refusal(a.address_add(address, "ab4t-ash").await).contains(part)
                    || address.starts_with("taro")
            );
        }
        a.address_check("hana@edit.ne.jp").await.unwrap();
        // A login is no other account's chosen name, either.
        a.address_add("hana@edit.ne.jp", "ab4t-ash").await.unwrap();
        assert!(
            refusal(a.account_add(new("hana", &[], "x")).await)
                .contains("hana@edit.ne.jp was chosen by ab4t-ash")
        );
        // An account may take its own login in another domain; in a customer's own domain all names are theirs.
        a.address_add_as("ab4t-ash@edit.ne.jp", "ab4t-ash", AddressKind::Id).await.unwrap();
        let id = refusal(a.address_add_as("taro@edit.ne.jp", "ab4t-ash", AddressKind::Id).await);
        assert!(id.contains("ab4t-ash@edit.ne.jp"), "{id}");
        a.domain_add("asahi-net.co.jp").await.unwrap();
        for name in ["info@asahi-net.co.jp", "m1234ab567c@asahi-net.co.jp"] {
            a.address_add_as(name, "ab4t-ash", AddressKind::Own).await.unwrap();
        }
        // The operator keeps the list, and can insist.
        a.reserved_add("Kaicho").await.unwrap();
        assert!(a.reserved_list().await.unwrap().contains(&"kaicho".to_owned()));
        assert!(refusal(a.address_add("kaicho@edit.ne.jp", "ab4t-ash").await).contains("reserved"));
        a.insisting().address_add("kaicho@edit.ne.jp", "ab4t-ash").await.unwrap();
        a.reserved_remove("root").await.unwrap();
        a.address_add("root@edit.ne.jp", "ab4t-ash").await.unwrap();
    }
}

#[tokio::test]
async fn d_11_kinds_on_and_off_and_one_primary() {
    for db in databases().await {
        let a = &db.accounts;
        for name in ["asahi-net.or.jp", "asahinet.jp", "my.email.ne.jp", "asahi-net.co.jp"] {
            a.domain_add(name).await.unwrap();
        }
        a.account_add(new("ab4t-ash", &[], "x")).await.unwrap();
        for (address, kind) in [
            ("asahitaro@asahinet.jp", AddressKind::Alias),
            ("asahitaro@my.email.ne.jp", AddressKind::Personal),
            ("asahitaro@asahi-net.co.jp", AddressKind::Own),
        ] {
            let info = a.address_add_as(address, "ab4t-ash", kind).await.unwrap();
            assert_eq!((info.kind, info.enabled, info.primary), (kind, true, false));
            let (local_part, domain) = address.split_once('@').unwrap();
            assert_eq!(owner(a, local_part, domain).await, "ab4t-ash");
        }
        let primary = async || {
            let list = a.address_list(Some("ab4t-ash")).await.unwrap();
            let primary: Vec<_> =
                list.into_iter().filter(|info| info.primary).map(|info| info.address).collect();
            primary.join(" ")
        };
        assert_eq!(primary().await, "ab4t-ash@asahi-net.or.jp");
        a.address_set_primary("asahitaro@asahinet.jp").await.unwrap();
        assert_eq!(primary().await, "asahitaro@asahinet.jp");
        assert!(refusal(a.address_set_enabled("asahitaro@asahinet.jp", false).await).contains("primary"));

        // Off, it is nobody's mail and nobody else's name.
        a.address_set_enabled("ab4t-ash@asahi-net.or.jp", false).await.unwrap();
        assert_eq!(owner(a, "ab4t-ash", "asahi-net.or.jp").await, "");
        assert!(
            refusal(a.address_set_primary("ab4t-ash@asahi-net.or.jp").await).contains("yubin address on")
        );
        assert!(refusal(a.address_check("ab4t-ash@asahi-net.or.jp").await).contains("belongs to"));
        a.address_set_enabled("ab4t-ash@asahi-net.or.jp", true).await.unwrap();
        assert_eq!(owner(a, "ab4t-ash", "asahi-net.or.jp").await, "ab4t-ash");

        // The primary one can go: the issued one is there.
        a.address_remove("asahitaro@asahinet.jp").await.unwrap();
        assert_eq!(primary().await, "ab4t-ash@asahi-net.or.jp");
    }
}

#[tokio::test]
async fn d_14_a_released_name_waits_before_somebody_else_gets_it() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.account_add(new("m1234ab567c", &["yuki@mx.edit.ne.jp"], "x")).await.unwrap();
        a.address_remove("taro@mx.edit.ne.jp").await.unwrap();
        let text = refusal(a.address_add("taro@mx.edit.ne.jp", "m1234ab567c").await);
        assert!(text.contains("ab4t-ash's") && text.contains("90 days"), "{text}");
        assert!(refusal(a.address_check("taro@mx.edit.ne.jp").await).contains("free again"));
        // Its owner may have it back at once.
        a.address_add("taro@mx.edit.ne.jp", "ab4t-ash").await.unwrap();

        // What a removed account had waits, its login with it.
        a.account_remove("m1234ab567c").await.unwrap();
        assert!(refusal(a.address_add("yuki@mx.edit.ne.jp", "ab4t-ash").await).contains("free again"));
        assert!(refusal(a.account_add(new("m1234ab567c", &[], "x")).await).contains("free again"));
        a.insisting().account_add(new("m1234ab567c", &[], "x")).await.unwrap();

        // A domain's own time; with none, a name is free at once.
        a.domain_set("mx.edit.ne.jp", &DomainSetting::Quarantine(0)).await.unwrap();
        a.address_remove("taro@mx.edit.ne.jp").await.unwrap();
        a.address_add("taro@mx.edit.ne.jp", "m1234ab567c").await.unwrap();
    }
}

#[tokio::test]
async fn d_14_what_is_off_or_in_quarantine_is_nobodys_whatever_else_it_looks_like() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.account_add(new("m1234ab567c", &["ta@mx.edit.ne.jp"], "ume")).await.unwrap();
        for setting in
            [DomainSetting::CatchAll(Some("m1234ab567c".into())), DomainSetting::Separators("-".into())]
        {
            a.domain_set("mx.edit.ne.jp", &setting).await.unwrap();
        }
        a.address_add("ta-ro@mx.edit.ne.jp", "ab4t-ash").await.unwrap();
        a.insisting().address_add("abuse@mx.edit.ne.jp", "ab4t-ash").await.unwrap();
        a.domain_equivalent("edit.jp", "mx.edit.ne.jp").await.unwrap();
        let catch_all = account(a, "m1234ab567c", "ume").await;
        let leads = async |local_part: &str, domain: &str| {
            let owns = a.owns(&catch_all, local_part, domain).await.unwrap();
            (owner(a, local_part, domain).await, owns)
        };
        let (nobodys, caught) = ((String::new(), false), ("m1234ab567c".to_owned(), true));
        assert_eq!(leads("hana", "mx.edit.ne.jp").await, caught);
        for change in ["off", "released"] {
            for address in ["taro@mx.edit.ne.jp", "ta-ro@mx.edit.ne.jp", "abuse@mx.edit.ne.jp"] {
                match change {
                    "off" => a.address_set_enabled(address, false).await.unwrap(),
                    _ => a.address_remove(address).await.unwrap(),
                };
            }
            for local_part in ["taro", "taro-tag", "ta-ro"] {
                assert_eq!(leads(local_part, "mx.edit.ne.jp").await, nobodys, "{local_part} {change}");
                assert_eq!(leads(local_part, "edit.jp").await, nobodys, "{local_part} {change}");
            }
            assert_ne!(leads("abuse", "mx.edit.ne.jp").await.0, "", "a duty is always somebody's");
        }
        // What is free again is as any name that nobody has; what has an owner again is the owner's.
        a.domain_set("mx.edit.ne.jp", &DomainSetting::Quarantine(0)).await.unwrap();
        for address in ["taro@mx.edit.ne.jp", "ta-ro@mx.edit.ne.jp"] {
            a.address_add(address, "ab4t-ash").await.unwrap();
            assert_eq!(leads(address.split_once('@').unwrap().0, "edit.jp").await.0, "ab4t-ash");
            a.address_remove(address).await.unwrap();
            assert_eq!(leads(address.split_once('@').unwrap().0, "edit.jp").await, caught);
        }
    }
}
