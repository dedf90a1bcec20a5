//! What a login, a domain and an address look like.

use accounts::{Address, DomainName, Login, limits};
use proptest::prelude::*;

#[test]
fn s_19_the_shapes_of_both_providers_are_logins() {
    for login in ["ab4t-ash", "m1234ab567c", "u1234ab567c"] {
        assert_eq!(Login::parse(login).unwrap().as_str(), login);
    }
}

#[test]
fn s_20_case_and_width_of_a_login_are_folded() {
    for (typed, login) in [
        ("AB4T-ASH", "ab4t-ash"),
        ("ａｂ４ｔ－ａｓｈ", "ab4t-ash"),
        ("ＡＢ４Ｔ－ASH", "ab4t-ash"),
        ("ｔａｒｏ．ｙ＿１", "taro.y_1"),
    ] {
        assert_eq!(Login::parse(typed).unwrap().as_str(), login, "{typed}");
    }
}

#[test]
fn what_is_no_login_is_refused() {
    let long = "a".repeat(limits::LOGIN);
    assert!(Login::parse(&long).is_ok());
    for text in [
        "",
        " ",
        ".",
        "..",
        "-",
        ".taro",
        "taro.",
        "ta..ro",
        "-taro",
        "taro-",
        "_taro",
        "ta ro",
        "ta/ro",
        "../taro",
        "ta\0ro",
        "taro\n",
        "ta'ro",
        "ta\"ro",
        "ta%ro",
        "ta:ro",
        "ta\\ro",
        "taro;drop table account",
        "太郎",
        "ｱｲｳ",
        "taro@mx.edit.ne.jp",
        "ｔａｒｏ＠ｍｘ",
        "K\u{212A}elvin",
        &format!("{long}a"),
    ] {
        let fault = Login::parse(text).expect_err(text).to_string();
        assert!(!fault.chars().any(char::is_control), "a refusal must not carry {text:?} raw: {fault}");
    }
}

#[test]
fn domains_and_addresses() {
    let label = "a".repeat(limits::LABEL);
    for (text, parsed) in [
        ("mx.edit.ne.jp", Some("mx.edit.ne.jp")),
        ("MX.Edit.NE.jp", Some("mx.edit.ne.jp")),
        ("localhost", Some("localhost")),
        ("xn--wgv71a.jp", Some("xn--wgv71a.jp")),
        (label.as_str(), Some(label.as_str())),
        ("", None),
        (".", None),
        ("edit.ne.jp.", None),
        ("edit..jp", None),
        ("-edit.jp", None),
        ("edit-.jp", None),
        ("e_dit.jp", None),
        ("edit ne.jp", None),
        ("日本.jp", None),
        ("[192.0.2.1]", None),
        (&format!("{label}a"), None),
        (&[label.as_str(); 4].join("."), None),
    ] {
        assert_eq!(DomainName::parse(text).ok().as_ref().map(DomainName::as_str), parsed, "{text}");
    }
    for (text, parsed) in [
        ("taro@edit.ne.jp", Some("taro@edit.ne.jp")),
        ("Taro.Y@EDIT.ne.jp", Some("taro.y@edit.ne.jp")),
        ("o'hara+list@edit.ne.jp", Some("o'hara+list@edit.ne.jp")),
        ("!#$%&'*+-/=?^_`{|}~@edit.ne.jp", Some("!#$%&'*+-/=?^_`{|}~@edit.ne.jp")),
        ("taro", None),
        ("@edit.ne.jp", None),
        ("taro@", None),
        ("ta@ro@edit.ne.jp", None),
        (".taro@edit.ne.jp", None),
        ("taro.@edit.ne.jp", None),
        ("ta..ro@edit.ne.jp", None),
        ("\"ta ro\"@edit.ne.jp", None),
        ("太郎@edit.ne.jp", None),
        ("taro\r\n@edit.ne.jp", None),
        (&format!("{}@edit.ne.jp", "a".repeat(limits::LOCAL_PART + 1)), None),
    ] {
        assert_eq!(Address::parse(text).ok().map(|a| a.to_string()).as_deref(), parsed, "{text}");
    }
}

proptest! {
    /// What was accepted once is accepted again and stays as it is.
    #[test]
    fn folding_is_done_once(text in "\\PC{0,20}|[A-Za-z0-9._-]{0,70}") {
        if let Ok(login) = Login::parse(&text) {
            prop_assert_eq!(Login::parse(login.as_str()).unwrap(), login);
        }
        if let Ok(domain) = DomainName::parse(&text) {
            prop_assert_eq!(DomainName::parse(domain.as_str()).unwrap(), domain);
        }
    }

    /// Every login can be the local part of its issued address.
    #[test]
    fn a_login_is_a_local_part(text in "[A-Za-z0-9._-]{1,70}") {
        if let Ok(login) = Login::parse(&text) {
            let address = Address::parse(&format!("{login}@mx.edit.ne.jp")).unwrap();
            prop_assert_eq!(address.local_part(), login.as_str());
        }
    }
}
