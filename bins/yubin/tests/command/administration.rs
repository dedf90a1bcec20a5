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
            { "address": "ab4t-ash@mx.example.jp", "login": "ab4t-ash", "kind": "issued" },
            { "address": "taro@example.co.jp", "login": "ab4t-ash", "kind": "alias" },
            { "address": "taro@mx.example.jp", "login": "ab4t-ash", "kind": "alias" },
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
    assert_eq!(world.json("account list"), json!([]));
    assert_eq!(world.json("address list"), json!([]));
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
    assert!(world.ok("address list").contains("taro@mx.example.jp      ab4t-ash  alias"));
    assert!(world.ok("address remove taro@mx.example.jp").contains("refused from now on"));
    assert!(world.ok("domain add example.co.jp").contains("mail for example.co.jp is ours"));
    assert_eq!(
        world.json("domain list"),
        json!([
            {
                "domain": "mx.example.jp", "default": true, "addresses": 1,
                "expire_read": "default", "expire_all": "default", "login_delay": "default",
            },
            {
                "domain": "example.co.jp", "default": false, "addresses": 0,
                "expire_read": "default", "expire_all": "default", "login_delay": "default",
            },
        ])
    );
    let text = world.ok("account show ab4t-ash");
    assert!(text.contains("ab4t-ash@mx.example.jp (issued)") && text.contains("APOP"), "{text}");
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
    assert_eq!(facts["database"]["accounts"], 1);
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
    assert_eq!(world.json("account list").as_array().unwrap().len(), 6);
}
