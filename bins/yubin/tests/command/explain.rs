//! What the support desk asks: may this client do that here, and why not.

use serde_json::{Value, json};

use crate::world::World;

/// As an access provider has it: port 25 for strangers, its own lines, and after POP; 587 with AUTH; a class that port 25 is barred to.
const PROVIDER: &str = r#"
hostname = "mx.example.jp"

[store]
maildirs = "mail"
queue = "queue"

[accounts]
database = "sqlite:accounts.sqlite"
apop_key = "apop.key"

[pop_before_smtp]

[networks]
wimax = "10.8.0.0/16"
inside = ["10.0.0.0/8", "!wimax"]
au-hikari = "203.0.113.0/24"

[[listener]]
protocol = "smtp"
address = "127.0.0.1:25"
auth = "optional"
clear_text_auth = true
relay = ["authenticated", "inside", "pop-before-smtp"]
barred = "au-hikari"

[[listener]]
protocol = "smtp"
address = "127.0.0.1:587"
auth = "required"
clear_text_auth = true

[[listener]]
protocol = "pop3"
address = "127.0.0.1:110"
clear_text_auth = true
apop = true
"#;

fn provider() -> World {
    let world = World::bare();
    std::fs::write(world.path("yubin.toml"), PROVIDER).unwrap();
    world.ok("check --create");
    world.ok("domain add mx.example.jp");
    world.ok("account add ab4t-ash --address taro@mx.example.jp");
    world
}

/// The first listener's way.
fn explained(world: &World, words: &str) -> Value {
    world.json(&format!("explain {words}"))["listeners"][0].clone()
}

fn verdict(walk: &Value) -> (bool, &str, &str) {
    let verdicts = walk["verdicts"].as_array().unwrap();
    let last = verdicts.last().unwrap();
    (
        last["accepted"].as_bool().unwrap(),
        last["rule"].as_str().unwrap(),
        last["reply"].as_str().unwrap_or(""),
    )
}

#[test]
fn n_05_the_verdict_of_each_way_to_send_elsewhere() {
    let world = provider();
    for (from, rest, accepted, rule, reply) in [
        ("10.0.0.1", "--port 25", true, "relay_for_network", ""),
        ("10.8.0.1", "--port 25", false, "relay_needs_authentication", "550 5.7.1 "),
        ("192.0.2.1", "--port 25", false, "relay_needs_authentication", "550 5.7.1 "),
        ("192.0.2.1", "--port 25 --account ab4t-ash", true, "relay_for_account", ""),
        ("203.0.113.1", "--port 25 --account ab4t-ash", false, "barred", "554 5.7.1 "),
        ("203.0.113.1", "--port 587 --account ab4t-ash", true, "relay_for_account", ""),
        ("10.0.0.1", "--port 587", false, "auth", "530 5.7.0"),
    ] {
        for to in ["", " --to someone@example.com"] {
            let walk = explained(&world, &format!("--from {from} {rest}{to}"));
            let (was_accepted, by, said) = verdict(&walk);
            assert_eq!((was_accepted, by), (accepted, rule), "{from} {rest}{to}: {walk}");
            assert!(said.starts_with(reply), "{walk}");
            assert_eq!(walk["change"].as_array().unwrap().is_empty(), accepted, "{walk}");
        }
    }
}

#[test]
fn n_05_advice_names_no_ports_of_another_brand() {
    let world = provider();
    world.ok("brand add asahi");
    let of_asahi = "[[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:5587\"\nauth = \"required\"\n\
                    clear_text_auth = true\nbrand = \"asahi\"\n";
    std::fs::write(world.path("yubin.toml"), format!("{PROVIDER}\n{of_asahi}")).unwrap();
    for (from, rule, change) in [
        ("192.0.2.1", "relay_needs_authentication", "the client: SMTP AUTH on port 25, 587"),
        ("203.0.113.1", "barred", "the client: another port, of 587"),
    ] {
        let walk = explained(&world, &format!("--from {from} --port 25 --to someone@example.com"));
        assert_eq!((verdict(&walk).1, walk["change"][0].as_str()), (rule, Some(change)), "{walk}");
    }
}

#[test]
fn n_05_what_becomes_of_a_recipient_here() {
    let world = provider();
    for (to, accepted, rule) in [
        ("taro@mx.example.jp", true, "local_mailbox"),
        ("nobody@mx.example.jp", false, "unknown_user"),
        ("postmaster@mx.example.jp", true, "local_mailbox"),
    ] {
        let walk = explained(&world, &format!("--from 192.0.2.1 --port 25 --to {to}"));
        let (was_accepted, by, _) = verdict(&walk);
        assert_eq!((was_accepted, by), (accepted, rule), "{to}: {walk}");
    }
    world.ok("account suspend ab4t-ash --receiving");
    let walk = explained(&world, "--from 192.0.2.1 --port 25 --to taro@mx.example.jp");
    assert_eq!(verdict(&walk).1, "mailbox_disabled");
    assert_eq!(walk["change"], json!(["the operator: yubin account resume LOGIN"]));
}

#[test]
fn n_05_a_login_that_will_not_do_and_what_to_change() {
    let world = provider();
    for port in [587, 110] {
        for (login, hint) in [
            ("taro", "alias used as login, the login is ab4t-ash"),
            ("taro@mx.example.jp", "address used as login, the login is ab4t-ash"),
            ("pop.example.jp:ab4t-ash", "pseudo user name (POPFile style)"),
            ("nobody", "there is no account nobody"),
        ] {
            let walk = explained(&world, &format!("--from 192.0.2.1 --port {port} --account {login}"));
            assert!(!verdict(&walk).0, "{walk}");
            let says = walk["rules"].as_array().unwrap().last().unwrap()["says"].as_str().unwrap();
            assert!(says.contains(hint), "{says}");
            assert!(walk["change"][0].as_str().unwrap().contains("as first issued"), "{walk}");
        }
    }
    for (command, port, rule, change) in [
        ("set ab4t-ash smtp_auth=off", 587, "service-off", "yubin account set ab4t-ash smtp_auth=on"),
        ("set ab4t-ash pop=off", 110, "service-off", "yubin account set ab4t-ash pop=on"),
        ("suspend ab4t-ash --sending --reading", 587, "suspended", "yubin account resume ab4t-ash"),
        ("suspend ab4t-ash --sending --reading", 110, "suspended", "yubin account resume ab4t-ash"),
    ] {
        world.ok(&format!("account {command}"));
        let walk = explained(&world, &format!("--from 192.0.2.1 --port {port} --account ab4t-ash"));
        assert_eq!((verdict(&walk).0, verdict(&walk).1), (false, rule), "{walk}");
        assert_eq!(walk["change"], json!([format!("the operator: {change}")]));
        // What it says to do does it.
        world.ok(change.strip_prefix("yubin ").unwrap());
    }
    for port in [587, 110] {
        let walk = explained(&world, &format!("--from 192.0.2.1 --port {port} --account ab4t-ash"));
        assert!(verdict(&walk).0, "{walk}");
    }
}

#[tokio::test]
async fn n_05_a_ticket_of_who_fetched_mail() {
    let world = provider();
    let config = accounts::DatabaseConfig::sqlite(&world.path("accounts.sqlite"));
    let accounts = accounts::Accounts::open(&config).await.unwrap();
    let password = world.json("account passwd ab4t-ash")["password"].as_str().unwrap().to_owned();
    let claim = auth_sasl::Claim::Password {
        authorization: String::new(),
        login: "ab4t-ash".into(),
        password: auth_sasl::Secret::new(password),
    };
    let verdict_of_claim = accounts.authenticate(&claim).await.unwrap();
    let accounts::Verdict::Accepted(account) = verdict_of_claim else { panic!("{verdict_of_claim:?}") };
    // As long as one holds where nobody says otherwise.
    let lifetime = std::time::Duration::from_secs(600);
    accounts.ticket_open(&account, "192.0.2.1".parse().unwrap(), lifetime).await.unwrap();
    let walk = explained(&world, "--from 192.0.2.1 --port 25");
    assert_eq!(verdict(&walk), (true, "relay_after_pop", ""));
    let ticket = walk["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "ticket").unwrap();
    assert!(ticket["says"].as_str().unwrap().contains("ab4t-ash"), "{ticket}");
    assert!(!verdict(&explained(&world, "--from 192.0.2.2 --port 25")).0);
}

#[test]
fn the_text_names_class_rules_verdict_and_change() {
    let world = provider();
    let text = world.ok("explain --from 10.8.0.1 --port 25 --to someone@example.com");
    for words in [
        "wimax (by a /16)",
        "passed auth: AUTH optional (PLAIN LOGIN), not used",
        "FAILED ticket: ",
        "someone@example.com REFUSED by relay_needs_authentication: 550 5.7.1 ",
        "the client: SMTP AUTH on port 25, 587",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let done = world.run("explain --from 10.8.0.1 --port 26");
    assert_eq!(done.code, 1);
    assert!(done.err.contains("the ports are 25, 110, 587"), "{done:?}");
    assert_eq!(world.run("explain --from here --port 25").code, 2);
}

/// The virus check of a host by its rule, for a sender and a recipient with or without the contract.
#[test]
fn v_02_whether_a_message_is_looked_through_and_why() {
    let world = provider();
    let with_check = |rule: &str| {
        let ruled = PROVIDER
            .replace("protocol = \"smtp\"\n", &format!("protocol = \"smtp\"\nvirus_check = \"{rule}\"\n"));
        let text = ruled.replacen("[networks]", "[virus_check]\nclamd = \"unix:clamd.ctl\"\n\n[networks]", 1);
        std::fs::write(world.path("yubin.toml"), text).unwrap();
    };
    let says = |words: &str| {
        let walk = explained(&world, words);
        let rules = walk["rules"].as_array().unwrap();
        let rule = rules.iter().find(|rule| rule["rule"] == "virus_check").unwrap();
        (rule["passed"].as_bool().unwrap(), rule["says"].as_str().unwrap().to_owned(), walk)
    };
    let (login, to) = ("--from 192.0.2.1 --port 587 --account ab4t-ash", "--to taro@mx.example.jp");
    with_check("contract");
    assert!(says(login).1.contains("not looked through (no_contract)"));
    assert!(says("--from 10.0.0.1 --port 25 --to a@example.com").1.ends_with("(unnamed_customer)"));
    with_check("contract-only");
    let (passed, _, walk) = says(login);
    assert!(!passed);
    assert_eq!(verdict(&walk).1, "no_contract");
    assert!(verdict(&walk).2.starts_with("550 5.7.1 "), "{walk}");
    assert_eq!(walk["change"][1], "the operator: yubin account set ab4t-ash virus_check=on");
    world.ok("account set ab4t-ash virus_check=on");
    assert!(says(login).1.ends_with("(senders_contract)"));
    with_check("received");
    assert!(says(login).1.contains("not looked through"));
    assert!(says(&format!("--from 192.0.2.1 --port 25 {to}")).1.ends_with("(recipients_contract)"));
}
