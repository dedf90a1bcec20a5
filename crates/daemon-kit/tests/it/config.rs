//! The file: what a good one gives, and every fault of a bad one at once.

use std::time::Duration;

use daemon_kit::config::{
    Auth, ClientShown, Config, LogFormat, Mechanism, Over, Pop3, Protocol, Quota, Received, Relay, TlsMode,
    Trace,
};
use daemon_kit::limits;

use crate::world::World;

const GOOD: &str = r#"
hostname = "MX.Example.jp"
node = "Shizuka.Example.jp"

[store]
maildirs = "mail"
queue = "/var/spool/yubin"
reserve_space = "1GiB"
reserve_inodes = "none"

[quota]
octets = "10GiB"
messages = 100000
over = "reject"
warn_percent = 80

[backup]
directory = "/backup"
exclude_above = "1GiB"

[pop3]
expire_read = 30
expire_all = "none"
login_delay = "90s"

[accounts]
database = "sqlite:accounts.sqlite"
apop_key = "apop.key"

[log]
format = "json"
level = "debug"

[limits]
message_size = "none"
connections = 0
errors = 7
patience = "90s"

[trace]
received = "sendmail"
software = "8.13.6/8.13.6"

[[certificate]]
names = ["mx.example.jp"]
chain = "cert.pem"
key = "key.pem"

[[listener]]
protocol = "smtp"
address = ["127.0.0.1:2587", "[::1]:2587"]
tls = "starttls"
auth = "required"
mechanisms = ["LOGIN"]
clear_text_auth = true
hostname = "submit.example.jp"

[listener.limits]
message_size = "50MiB"
patience = "5m"

[listener.trace]
software = "none"
client = "hidden"
delivered_to = true

[[listener]]
protocol = "pop3"
address = "0.0.0.0:2110"
apop = true
"#;

/// A text that is right but for the lines that a test adds.
pub(crate) fn with(listener: &str) -> String {
    let head = "hostname = \"mx.example.jp\"\nstore = { maildirs = \"mail\", queue = \"queue\" }\naccounts = { database = \"sqlite:a\" }\n";
    format!("{head}[[certificate]]\nchain = \"cert.pem\"\nkey = \"key.pem\"\n[[listener]]\n{listener}")
}

#[track_caller]
pub(crate) fn check_faults(text: &str, expected: &[&str]) {
    let world = World::new();
    check_faults_in(&world, text, expected);
}

#[track_caller]
pub(crate) fn check_faults_in(world: &World, text: &str, expected: &[&str]) {
    let faults = Config::parse(text, world.path("yubin.toml")).expect_err("this file has faults").to_string();
    let root = format!("{}/", world.root().display());
    let told: Vec<String> = faults.lines().map(|line| line.replace(&root, "")).collect();
    assert_eq!(told, expected, "told:\n{}", told.join("\n"));
}

#[test]
fn a_good_file_gives_every_setting() {
    let world = World::new();
    let config = Config::parse(GOOD, world.path("yubin.toml")).unwrap();
    assert_eq!(config.hostname, "mx.example.jp");
    assert_eq!(config.node, "shizuka.example.jp");
    assert_eq!(config.store.maildirs, world.path("mail"));
    assert_eq!(config.store.queue.to_str(), Some("/var/spool/yubin"));
    assert_eq!((config.store.reserve_space, config.store.reserve_inodes), (1 << 30, 0));
    let quota =
        Quota { octets: Some(10 << 30), messages: Some(100_000), over: Over::Reject, warn_percent: Some(80) };
    assert_eq!(config.quota, quota);
    assert_eq!(config.backup.directory.as_deref(), Some("/backup".as_ref()));
    assert_eq!(config.backup.exclude_above, Some(1 << 30));
    let pop3 = Pop3 { expire_read: Some(30), expire_all: None, login_delay: Some(Duration::from_secs(90)) };
    assert_eq!(config.pop3, pop3);
    assert_eq!(config.accounts.database, format!("sqlite:{}", world.path("accounts.sqlite").display()));
    assert_eq!(config.accounts.apop_key, Some(world.path("apop.key")));
    assert_eq!((config.log.format, config.log.level), (LogFormat::Json, tracing::Level::DEBUG));
    assert_eq!((config.limits.connections, config.limits.drain), (None, limits::DRAIN));
    assert_eq!(config.certificates.len(), 1);

    let submission = config.listeners(Protocol::Smtp).next().unwrap();
    let addresses: Vec<String> =
        submission.addresses.iter().map(|address| address.socket.to_string()).collect();
    assert_eq!(addresses, ["127.0.0.1:2587", "[::1]:2587"]);
    assert_eq!((submission.tls, submission.auth), (TlsMode::Starttls, Auth::Required));
    assert_eq!(submission.mechanisms, [Mechanism::Login]);
    assert_eq!(submission.relay, [Relay::Authenticated]);
    assert_eq!(submission.hostname, "submit.example.jp");
    assert!(submission.clear_text_auth && !submission.apop);
    assert_eq!(submission.limits.message_size.unwrap().get(), 50 << 20);
    assert_eq!(submission.limits.patience, Duration::from_secs(300));
    assert_eq!(submission.limits.errors, Some(7));
    assert_eq!(submission.limits.recipients, Some(limits::RECIPIENTS));

    let trace = Trace {
        received: Received::Sendmail,
        software: None,
        client: ClientShown::Hidden,
        delivered_to: true,
    };
    assert_eq!(submission.trace, trace);

    let pop3 = config.listeners(Protocol::Pop3).next().unwrap();
    assert_eq!((pop3.tls, pop3.auth), (TlsMode::None, Auth::Required));
    assert_eq!(pop3.mechanisms, [Mechanism::Plain, Mechanism::Login]);
    assert!(pop3.apop && !pop3.clear_text_auth && pop3.relay.is_empty());
    assert_eq!(pop3.hostname, "mx.example.jp");
    assert_eq!(pop3.limits.message_size, None);
    assert_eq!(pop3.limits.patience, Duration::from_secs(90));
}

#[test]
fn patience_is_the_rfcs_own_where_the_file_says_nothing() {
    let world = World::new();
    let text = with(
        "protocol = \"smtp\"\naddress = \"127.0.0.1:25\"\n[[listener]]\nprotocol = \"pop3\"\naddress = \"[::1]:110\"\ntls = \"starttls\"\n",
    );
    let config = Config::parse(&text, world.path("yubin.toml")).unwrap();
    let patience: Vec<u64> =
        config.listeners.iter().map(|listener| listener.limits.patience.as_secs()).collect();
    assert_eq!(patience, [300, 600]);
}

#[test]
fn r_08_r_15_faults_of_the_rules_of_pop3_are_told() {
    let listener = "protocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n";
    check_faults(
        &with(&format!("{listener}[pop3]\nexpire_read = \"14d\"\nlogin_delay = 30\nexpire = 3\n")),
        &[
            "yubin.toml:11:15: \"14d\" is not a count; write: a whole number such as 100, or \"none\"",
            "yubin.toml:12:15: 30 has no unit; write: \"30s\" or \"30m\"",
            "yubin.toml:13:1: unknown key `expire` in [pop3]; write: expire_all",
        ],
    );
}

#[test]
fn l_03_nothing_is_limited_where_the_file_says_nothing_and_faults_of_quotas_are_told() {
    let world = World::new();
    let listener = "protocol = \"smtp\"\naddress = \"127.0.0.1:25\"\n";
    let config = Config::parse(&with(listener), world.path("yubin.toml")).unwrap();
    assert_eq!((config.quota.octets, config.quota.messages, config.quota.over), (None, None, Over::Defer));
    assert_eq!(config.store.reserve_space, limits::RESERVE_SPACE);
    check_faults(
        &with(&format!("{listener}[quota]\nover = \"bounce\"\nwarn_percent = 101\noctets = \"many\"\n")),
        &[
            "yubin.toml:11:8: \"bounce\" is not known here; write: one of defer, reject",
            "yubin.toml:12:16: this is not a percentage; write: a whole number from 1 to 100, or \"none\"",
            "yubin.toml:13:10: \"many\" is not a size; write: a size such as \"50MiB\", or \"none\"",
        ],
    );
}

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    check_faults(
        r#"hostnam = "mx.example.jp"
[store]
maildirs = ""
[accounts]
database = "mysql://db"
[log]
format = "xml"
level = "infos"
colour = true
[limits]
message_size = "1KiB"
recipients = 10
connections = -1
drain = 30
patience = "5 fortnights"
[[certificate]]
chain = "cert.pem"
[[listener]]
protcol = "smtp"
address = ["0.0.0.0", "127.0.0.1:99999"]
[[listener]]
protocol = "imap"
address = []
tls = "ssl"
auth = true
"#,
        &[
            "yubin.toml:1:1: the file has no `hostname`; write: hostname = \"mx.example.jp\"",
            "yubin.toml:1:1: unknown key `hostnam` in the file; write: hostname",
            "yubin.toml:2:2: [store] has no `queue`; write: queue = \"queue\"",
            "yubin.toml:3:12: the text is empty; write: a text in quotes",
            "yubin.toml:5:12: the database is neither an SQLite file nor PostgreSQL; write: \"sqlite:accounts.sqlite\" or \"postgres://user@host/name\"",
            "yubin.toml:7:10: \"xml\" is not known here; write: one of text, json",
            "yubin.toml:8:9: \"infos\" is not known here; write: info",
            "yubin.toml:9:1: unknown key `colour` in [log]; write: one of format, level",
            "yubin.toml:11:16: RFC 5321 §4.5.3.1.7 wants messages of 64 KiB to be taken; write: \"64KiB\" or more, or \"none\"",
            "yubin.toml:12:14: RFC 5321 §4.5.3.1.8 wants 100 recipients to be taken; write: 100 or more, or \"none\"",
            "yubin.toml:13:15: -1 is out of reach; write: a whole number such as 100, or \"none\"",
            "yubin.toml:14:9: 30 has no unit; write: \"30s\" or \"30m\"",
            "yubin.toml:15:12: \"5 fortnights\" is not a time; write: a time such as \"30s\", \"5m\" or \"1h\"",
            "yubin.toml:16:1: [[certificate]] has no `key`; write: key = \"key.pem\"",
            "yubin.toml:18:1: [[listener]] has no `protocol`; write: protocol = \"smtp\" or \"pop3\"",
            "yubin.toml:19:1: unknown key `protcol` in [[listener]]; write: protocol",
            "yubin.toml:20:12: \"0.0.0.0\" is not an address with a port; write: an IP address with a port, such as \"0.0.0.0:25\" or \"[::]:25\"",
            "yubin.toml:20:23: \"127.0.0.1:99999\" is not an address with a port; write: an IP address with a port, such as \"0.0.0.0:25\" or \"[::]:25\"",
            "yubin.toml:22:12: \"imap\" is not known here; write: one of smtp, pop3",
            "yubin.toml:23:11: the list of addresses is empty; write: address = \"0.0.0.0:25\" (or a list of addresses)",
            "yubin.toml:24:7: \"ssl\" is not known here; write: one of none, starttls, starttls-required, implicit",
            "yubin.toml:25:8: true/false cannot stand here; write: \"off\", \"optional\" or \"required\"",
        ],
    );
}

#[test]
fn sections_of_the_wrong_kind_and_missing_ones() {
    check_faults(
        "store = 1\n[certificate]\nchain = \"cert.pem\"\n",
        &[
            "yubin.toml:1:1: the file has no `hostname`; write: hostname = \"mx.example.jp\"",
            "yubin.toml:1:1: `store` is a whole number, not a section; write: [store]",
            "yubin.toml:1:1: there is no section [accounts]; write: [accounts] with database = \"sqlite:accounts.sqlite\"",
            "yubin.toml:1:1: there is no listener, nobody could connect; write: [[listener]] with protocol = \"smtp\" and address = \"0.0.0.0:25\"",
            "yubin.toml:2:2: `certificate` is a single section, not a list of sections; write: [[certificate]]",
        ],
    );
}

#[test]
fn trace_fields_that_cannot_be_written() {
    let software =
        "write: a program's name such as \"Yubin\" (ASCII, no parenthesis or backslash), or \"none\"";
    check_faults(
        &format!(
            "node = \"this one\"\n{}trace = {{ received = \"postfix\", software = \"a (b\", client = true }}\n[[listener]]\nprotocol = \"pop3\"\naddress = \"127.0.0.1:0\"\ntls = \"starttls\"\n[listener.trace]\nsoftware = \"\u{90f5}\u{4fbf}\"\nsender = true\n",
            with("protocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n")
        ),
        &[
            "yubin.toml:1:8: \"this one\" is not a host name; write: a host name such as \"mx.example.jp\" (an international one as its xn-- form)",
            "yubin.toml:11:22: \"postfix\" is not known here; write: one of rfc, sendmail",
            &format!("yubin.toml:11:44: this cannot stand in a comment of a header; {software}"),
            "yubin.toml:11:61: true/false cannot stand here; write: \"shown\" or \"hidden\"",
            "yubin.toml:16:11: `trace` belongs to SMTP, this listener is pop3; write: nothing (remove the section)",
            &format!("yubin.toml:17:12: this cannot stand in a comment of a header; {software}"),
            "yubin.toml:18:1: unknown key `sender` in [trace]; write: one of received, software, client, delivered_to",
        ],
    );
}

#[test]
fn several_syntax_errors_are_told_at_once() {
    check_faults(
        "hostname = mx.example.jp\n[store\nmaildirs = \"mail\"\nwhat = 5\n[log]\nlevel = loud\nformat = \"xml\"\n[limits]\ndrain = \"1h",
        &[
            "yubin.toml:1:12: this is not TOML: string values must be quoted, expected literal string; write: name = value, or [section]",
            "yubin.toml:2:7: this is not TOML: unclosed table, expected `]`; write: name = value, or [section]",
            "yubin.toml:6:9: this is not TOML: string values must be quoted, expected literal string; write: name = value, or [section]",
            "yubin.toml:7:10: \"xml\" is not known here; write: one of text, json",
            "yubin.toml:9:12: this is not TOML: invalid basic string, expected `\"`; write: name = value, or [section]",
        ],
    );
}

#[test]
fn columns_count_characters() {
    check_faults(
        &with("# 郵便\nprotocol = \"smtp\" # 受信\n  address = [ \"郵便\" , \"25\"]\n"),
        &[
            "yubin.toml:10:15: \"郵便\" is not an address with a port; write: an IP address with a port, such as \"0.0.0.0:25\" or \"[::]:25\"",
            "yubin.toml:10:22: \"25\" is not an address with a port; write: an IP address with a port, such as \"0.0.0.0:25\" or \"[::]:25\"",
        ],
    );
}

#[test]
fn certificates_that_cannot_be_used() {
    let world = World::new();
    world.certificate("other.pem", "other.key", &["other.example.jp"]);
    world.write("empty.pem", "");
    world.write("noise.pem", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
    let pair = |chain: &str, key: &str| format!("[[certificate]]\nchain = \"{chain}\"\nkey = \"{key}\"\n");
    let text = format!(
        "hostname = \"a\"\nstore = {{ maildirs = \"m\", queue = \"q\" }}\naccounts.database = \"sqlite:a\"\n{}{}{}{}{}{}names = [\"mx.example.jp\", \"pop.example.jp\"]\n[[listener]]\nprotocol = \"smtp\"\naddress = \"[::1]:0\"\n",
        pair("missing.pem", "key.pem"),
        pair("cert.pem", "missing.key"),
        pair("cert.pem", "other.key"),
        pair("empty.pem", "key.pem"),
        pair("noise.pem", "cert.pem"),
        pair("cert.pem", "key.pem"),
    );
    let chain =
        "write: the path of a readable PEM file: the server's certificate first, then those that signed it";
    check_faults_in(
        &world,
        &text,
        &[
            &format!(
                "yubin.toml:5:9: the certificate missing.pem cannot be read: No such file or directory (os error 2); {chain}"
            ),
            "yubin.toml:9:7: the key missing.key cannot be read: No such file or directory (os error 2); write: the path of a readable PEM file with an unencrypted private key",
            "yubin.toml:12:7: the key other.key does not belong to the certificate cert.pem; write: the key that was made with this certificate (is the first certificate in the file the server's?)",
            &format!("yubin.toml:14:9: the certificate empty.pem holds no certificate in PEM form; {chain}"),
            &format!(
                "yubin.toml:17:9: the certificate noise.pem is not PEM: base64 decode error: InvalidCharacter(33); {chain}"
            ),
            "yubin.toml:18:7: the key cert.pem holds no private key in PEM form; write: the path of a readable PEM file with an unencrypted private key",
            "yubin.toml:22:27: the certificate is not for pop.example.jp, but for mx.example.jp; write: a name that the certificate has, or another certificate",
        ],
    );
}

#[test]
fn p_21_p_22_certificates_that_clients_will_refuse_can_be_shown_but_not_pass_a_check() {
    let world = World::new();
    world.expired_certificate("old.pem", "old.key");
    world.chain("leaf.pem", "full.pem", "leaf.key", "leaf.example.jp");
    let pair = |chain: &str, key: &str| format!("[[certificate]]\nchain = \"{chain}\"\nkey = \"{key}\"\n");
    let listener = |protocol: &str, name: &str| {
        format!(
            "[[listener]]\nprotocol = \"{protocol}\"\naddress = \"[::1]:0\"\ntls = \"starttls\"\nhostname = \"{name}\"\n"
        )
    };
    let text = format!(
        "hostname = \"a\"\nstore = {{ maildirs = \"m\", queue = \"q\" }}\naccounts.database = \"sqlite:a\"\n{}{}{}{}{}{}",
        pair("old.pem", "old.key"),
        pair("leaf.pem", "leaf.key"),
        pair("full.pem", "leaf.key"),
        listener("smtp", "leaf.example.jp"),
        listener("smtp", "mx.example.jp"),
        listener("pop3", "pop.example.jp"),
    );
    let config = Config::parse(&text, world.path("yubin.toml")).expect("they can be shown");
    let told = config
        .judge_certificates(None)
        .unwrap_err()
        .to_string()
        .replace(&format!("{}/", world.root().display()), "");
    let unfit = [
        "yubin.toml:5:9: the certificate old.pem is valid from Dec 25 00:00:00 2006 +00:00 until Dec 25 00:00:00 2007 +00:00, not now; write: a certificate that is valid today",
        "yubin.toml:8:9: the certificate leaf.pem comes without the certificate of who signed it (CN=the test's authority); write: the signers' certificates behind it in the same file (often named fullchain.pem), an authority of your own too",
        "yubin.toml:25:11: no certificate is for pop.example.jp, the name of this listener; write: a [[certificate]] that has the name, or `hostname` with a name that one has",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), unfit);
    let smtp = config.judge_certificates(Some(Protocol::Smtp)).unwrap_err();
    assert_eq!(smtp.faults.len(), 2, "the name is no matter of smtpd's");
    let warnings = config.certificate_warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("old.pem is signed by itself"), "{warnings:?}");
}

#[test]
fn too_little_memory_and_a_brand_that_is_no_name_are_told() {
    let listener = "protocol = \"smtp\"\naddress = \"127.0.0.1:0\"\nbrand = \"Asahi Net\"\n";
    check_faults(
        &with(&format!("{listener}[limits]\nmemory = 512\n")),
        &[
            "yubin.toml:10:9: a brand's name has letters, digits, '-', '.' and '_'; write: brand = \"asahi\", one of: yubin brand list",
            "yubin.toml:12:10: with so little memory nobody would be let in; write: \"64KiB\" or more (\"512MiB\" is usual), or \"none\"",
        ],
    );
    let world = World::new();
    let text = with("protocol = \"smtp\"\naddress = \"[::1]:0\"\nbrand = \"Asahi\"\n[limits]\nmemory = 0\n");
    let config = Config::parse(&text, world.path("yubin.toml")).unwrap();
    assert_eq!((config.listeners[0].brand.as_deref(), config.limits.memory), (Some("asahi"), None));
}

#[test]
fn a_file_that_cannot_be_a_configuration_is_not_read_to_its_end() {
    let world = World::new();
    let huge = world.path("yubin.toml");
    std::fs::write(&huge, "#\n".repeat(600_000)).unwrap();
    for file in [huge.as_path(), std::path::Path::new("/dev/zero")] {
        let told = Config::load(file).unwrap_err().to_string();
        assert!(told.contains("it has more than 1048576 octets, which is no configuration"), "{told}");
    }
}

#[test]
fn an_unreadable_file_is_a_fault_without_a_place() {
    let faults = Config::load("/nowhere/yubin.toml").unwrap_err();
    assert_eq!(
        faults.to_string(),
        "/nowhere/yubin.toml: cannot be read: No such file or directory (os error 2); write: the path of a readable TOML file after --config"
    );
}

#[test]
fn the_database_password_is_not_printed() {
    let world = World::new();
    let text = with("protocol = \"smtp\"\naddress = \"[::1]:0\"\n")
        .replace("sqlite:a", "postgres://yubin:hunter2@db/yubin");
    let config = Config::parse(&text, world.path("yubin.toml")).unwrap();
    assert!(config.accounts.database.contains("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));
}
