//! What an operator does with accounts, addresses and domains.

use accounts::{Accounts, DatabaseConfig, Verdict};
use auth_sasl::{ApopDigest, Claim, Secret, Stamp};
use serde_json::json;

use crate::world::World;

#[test]
fn an_account_lives_from_add_to_remove() {
    let world = World::new();
    world.ok("domain add example.co.jp");
    let added = world.json("account add AB4T-ASH --address Taro@mx.example.jp --address taro@example.co.jp");
    assert_eq!(added["login"], "ab4t-ash");
    assert_eq!(
        added["addresses"],
        json!([
            { "address": "ab4t-ash@mx.example.jp", "login": "ab4t-ash", "kind": "issued", "enabled": true, "primary": true },
            { "address": "taro@example.co.jp", "login": "ab4t-ash", "kind": "alias", "enabled": true, "primary": false },
            { "address": "taro@mx.example.jp", "login": "ab4t-ash", "kind": "alias", "enabled": true, "primary": false },
        ])
    );
    assert!(added["created_at"].as_str().unwrap().ends_with('Z'));
    let maildir = added["maildir"].as_str().unwrap();
    assert_eq!(maildir, world.path("mail").join(added["mailbox"].as_str().unwrap()).to_str().unwrap());

    let mut shown = world.json("account show ab4t-ash");
    assert!(shown.get("password").is_none(), "the password is shown once");
    shown["password"] = added["password"].clone();
    assert_eq!(shown, added);
    assert_eq!(world.json("account list")[0]["login"], "ab4t-ash");
    assert_eq!(world.json("address list ab4t-ash"), added["addresses"]);

    std::fs::create_dir_all(maildir).unwrap();
    let removed = world.ok("account remove ab4t-ash");
    assert!(removed.contains(maildir) && removed.contains("still"), "{removed}");
    assert!(std::path::Path::new(maildir).exists(), "mail is not deleted");
    // What `domain add` made is left.
    let left = |what: &str| {
        world.json(what).as_array().unwrap().iter().map(|row| row["login"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(left("account list"), ["postmaster"]);
    assert_eq!(left("address list"), ["postmaster"]);
}

#[test]
fn removing_an_account_without_mail_says_so() {
    let world = World::new();
    world.ok("account add ab4t-ash");
    let removed = world.json("account remove ab4t-ash");
    assert_eq!(removed["maildir_exists"], false);
    assert!(removed["maildir"].as_str().unwrap().contains("mail/ab4t-ash."));
}

#[tokio::test]
async fn passwords_are_made_or_read_from_stdin() {
    let world = World::new();
    let made = world.json("account add ab4t-ash")["password"].as_str().unwrap().to_owned();
    assert!(made.len() >= 12 && made.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{made}");

    let given = world.run_with("account add m1234ab567c --password-stdin --apop", "sakura saku\r\n");
    assert_eq!(given.code, 0, "{given:?}");
    assert!(!given.out.contains("sakura"), "a given password is not repeated: {given:?}");

    let config = DatabaseConfig {
        url: format!("sqlite:{}", world.path("accounts.sqlite").display()),
        apop_key: Some(world.path("apop.key")),
    };
    let accounts = Accounts::open(&config).await.unwrap();
    let accepted = async |login: &str, password: &str| {
        let claim = Claim::password(login, Secret::new(password));
        matches!(accounts.authenticate(&claim).await.unwrap(), Verdict::Accepted(_))
    };
    assert!(accepted("ab4t-ash", &made).await);
    assert!(accepted("m1234ab567c", "sakura saku").await);
    let stamp = Stamp::new("<1@mx.example.jp>").unwrap();
    let digest = ApopDigest::compute(&stamp, &Secret::new("sakura saku"));
    let apop = Claim::Apop { login: "m1234ab567c".into(), stamp, digest };
    assert!(matches!(accounts.authenticate(&apop).await.unwrap(), Verdict::Accepted(_)));

    // The command changes what a daemon that has the database open sees next.
    let changed = world.json("account passwd ab4t-ash");
    assert!(!accepted("ab4t-ash", &made).await);
    assert!(accepted("ab4t-ash", changed["password"].as_str().unwrap()).await);
    assert_eq!(world.json("account passwd m1234ab567c --no-apop")["apop"], false);
    assert_eq!(world.json("account passwd m1234ab567c --apop")["apop"], true);
}

#[test]
fn addresses_and_domains_in_words() {
    let world = World::new();
    world.ok("account add ab4t-ash");
    assert!(world.ok("address add taro@mx.example.jp ab4t-ash").contains("goes to ab4t-ash"));
    assert!(world.ok("address list").contains("taro@mx.example.jp        ab4t-ash    alias   on"));
    assert!(world.ok("address remove taro@mx.example.jp").contains("refused from now on"));
    assert!(world.ok("domain add example.co.jp").contains("mail for example.co.jp is ours"));
    let list = world.json("domain list");
    assert_eq!((&list[0]["domain"], &list[0]["default"]), (&json!("mx.example.jp"), &json!(true)));
    assert_eq!((&list[1]["domain"], &list[1]["default"]), (&json!("example.co.jp"), &json!(false)));
    assert_eq!((&list[0]["addresses"], &list[1]["kind"]), (&json!(2), &json!("ours")));
    let text = world.ok("account show ab4t-ash");
    assert!(text.contains("ab4t-ash@mx.example.jp (issued, primary)") && text.contains("APOP"), "{text}");
}

#[test]
fn check_tells_what_there_is_and_what_comes_next() {
    let world = World::bare();
    let first = world.ok("check --create");
    assert!(first.contains("no faults") && first.contains("yubin domain add DOMAIN"), "{first}");
    assert!(first.contains("smtp on 127.0.0.1:2025") && first.contains("pop3 on 127.0.0.1:2110"), "{first}");
    world.ok("domain add mx.example.jp");
    assert!(world.ok("check").contains("yubin account add LOGIN"));
    world.ok("account add ab4t-ash");
    assert!(!world.ok("check --create").contains("next"), "what is there is kept");
    let facts = world.json("check");
    assert_eq!(facts["database"]["accounts"], 2, "with the postmaster");
    assert_eq!(facts["database"]["apop_key"], true);
    assert_eq!(facts["listeners"][0]["protocol"], "smtp");
}

/// Several commands at once, as from a script that does not wait.
#[test]
fn commands_that_run_at_once_do_not_meet_a_locked_database() {
    let world = World::new();
    std::thread::scope(|scope| {
        for n in 0..6 {
            let world = &world;
            scope.spawn(move || world.ok(&format!("account add user{n}abc")));
        }
    });
    assert_eq!(world.json("account list").as_array().unwrap().len(), 6 + 1);
}

#[test]
fn d_05_d_12_domains_of_every_kind_in_words() {
    let world = World::new();
    assert!(world.ok("domain equivalent example.jp mx.example.jp").contains("one in example.jp, too"));
    let barred = world.run("domain bar atson.example --text Nobody");
    assert_eq!(barred.code, 0, "{barred:?}");
    let list = world.ok("domain list");
    assert!(list.contains("equivalent to mx.example.jp") && list.contains("barred"), "{list}");
    assert_eq!(world.json("domain show atson.example")["text"], "Nobody");
    world.ok("account add ab4t-ash --address taro@example.jp");
    let set =
        world.json("domain set mx.example.jp postmaster=ab4t-ash separators=+ catch_all=none quarantine=30");
    assert_eq!((&set["postmaster"], &set["separators"]), (&json!("ab4t-ash"), &json!("+")));
    assert_eq!((&set["catch_all"], &set["quarantine_days"]), (&json!(null), &json!(30)));
    for (words, part) in [
        ("domain set example.jp separators=+", "name mx.example.jp itself"),
        ("domain remove mx.example.jp", "yubin address list"),
        ("domain add 192.0.2.1", "cannot be a number"),
        ("address add taro@atson.example ab4t-ash", "yubin domain show atson.example"),
        ("account remove ab4t-ash", "yubin domain set mx.example.jp postmaster="),
    ] {
        let text = world.complaint(1, words);
        assert!(text.contains(part), "{words}: {text}");
    }
    for words in ["domain set mx.example.jp colour=red", "domain set mx.example.jp quarantine=soon"] {
        assert_eq!(world.run(words).code, 2, "{words}");
    }
    world.ok("domain remove atson.example");
}

#[test]
fn d_11_addresses_of_every_kind_in_words() {
    let world = World::new();
    world.ok("account add ab4t-ash --address taro@mx.example.jp");
    world.ok("domain add taro.example");
    world.ok("address add info@taro.example ab4t-ash --kind own");
    assert!(world.ok("address primary info@taro.example").contains("by default"));
    assert!(world.ok("address off taro@mx.example.jp").contains("refused"));
    let text = world.ok("account show ab4t-ash");
    assert!(text.contains("info@taro.example (own, primary)"), "{text}");
    assert!(text.contains("taro@mx.example.jp (alias, off)"), "{text}");
    world.ok("address on taro@mx.example.jp");
    assert_eq!(world.json("address check hana@mx.example.jp")["free"], true);
    assert!(world.complaint(1, "address check root@mx.example.jp").contains("reserved"));
    assert!(world.ok("address reserve kaicho shacho").contains("shacho"));
    assert!(world.complaint(1, "account add kaicho").contains("--force"));
    world.ok("account add kaicho --force");
    assert!(!world.ok("address unreserve shacho").contains("shacho"));
}
