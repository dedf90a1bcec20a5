//! Settings that are right each by itself, and not together.

use daemon_kit::config::Config;

use crate::config::{check_faults, check_faults_in, with};
use crate::world::World;

#[test]
fn settings_that_contradict_each_other() {
    let no_login = "nobody can log in here: there is no TLS, and passwords in clear text are not allowed; write: tls = \"starttls\" or \"implicit\", or clear_text_auth = true";
    let off = "this speaks of logging in, and `auth` is \"off\"; write: auth = \"optional\" or \"required\" beside it, or remove the line";
    let remove = "write: nothing (remove the line)";
    let smtp = "protocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n";
    let pop3 = "protocol = \"pop3\"\naddress = \"127.0.0.1:0\"\n";
    let cases: &[(&str, &str, &[&str])] = &[
        (
            smtp,
            "mechanisms = [\"PLAIN\"]\nclear_text_auth = true",
            &[&format!("10:14: {off}"), &format!("11:19: {off}")],
        ),
        (smtp, "relay = [\"authenticated\"]", &[&format!("10:10: {off}")]),
        (smtp, "relay = []", &[]),
        (
            smtp,
            "relay = [\"inside\"]",
            &[
                "10:10: nobody is inside: [networks] has no such class; write: inside = [\"10.0.0.0/8\"] in [networks]",
            ],
        ),
        (
            smtp,
            "relay = \"pop-before-smtp\"",
            &[
                "10:9: no login opens a ticket: there is no section [pop_before_smtp]; write: [pop_before_smtp]",
            ],
        ),
        (
            smtp,
            "barred = [\"wimax\"]",
            &["10:11: there is no class \"wimax\" in [networks]; write: wimax = [\"10.0.0.0/8\"] there"],
        ),
        (
            smtp,
            "[pop_before_smtp]\nuntil = \"soon\"",
            &["11:9: this is no day; write: a day such as 2026-12-31"],
        ),
        (
            smtp,
            "auth = \"required\"\nclear_text_auth = true\nrelay = \"pop-before-smtp\"\n[pop_before_smtp]\nuntil = 2026-12-31",
            &[
                "12:9: AUTH is required here, a ticket would not help; write: relay without \"pop-before-smtp\"",
            ],
        ),
        (
            "protocol = \"smtp\"\naddress = [\"127.0.0.1:25\", \"127.0.0.1:587\"]\n",
            "relay = \"pop-before-smtp\"\n[pop_before_smtp]\nlifetime = \"10m\"",
            &[
                "10:9: port 587 is for who logs in; POP before SMTP is for port 25; write: relay without \"pop-before-smtp\"",
            ],
        ),
        (smtp, "auth = \"required\"", &[&format!("10:8: {no_login}")]),
        (smtp, "auth = \"optional\"\nclear_text_auth = false", &[&format!("10:8: {no_login}")]),
        (smtp, "auth = \"optional\"\nclear_text_auth = true", &[]),
        (
            smtp,
            "auth = \"required\"\ntls = \"starttls\"\nmechanisms = []",
            &["12:14: nobody can log in without a mechanism; write: mechanisms = [\"PLAIN\", \"LOGIN\"]"],
        ),
        (smtp, "apop = true", &[&format!("10:8: APOP belongs to POP3, this listener is smtp; {remove}")]),
        (
            smtp,
            "auth = \"required\"\ntls = \"implicit\"\nclear_text_auth = true",
            &[&format!("12:19: there is no clear text under implicit TLS; {remove}")],
        ),
        (pop3, "", &[&format!("7:1: {no_login}")]),
        (pop3, "tls = \"starttls\"\nmechanisms = []", &[]),
        (
            pop3,
            "tls = \"implicit\"\nauth = \"required\"\nrelay = []",
            &[
                &format!("11:8: `auth` belongs to SMTP; POP3 always asks for a login; {remove}"),
                &format!("12:9: `relay` belongs to SMTP, this listener is pop3; {remove}"),
            ],
        ),
        (
            pop3,
            "tls = \"implicit\"\n[listener.limits]\nrecipients = 100\nerrors = 3",
            &[&format!("12:14: this belongs to SMTP, and the listener is pop3; {remove}")],
        ),
        (
            pop3,
            "apop = true",
            &[
                "10:8: APOP needs the key that seals its secrets; write: apop_key = \"apop.key\" in [accounts]",
            ],
        ),
    ];
    let world = World::new();
    for (start, rest, expected) in cases {
        let text = with(&format!("{start}{rest}"));
        if expected.is_empty() {
            Config::parse(&text, world.path("yubin.toml")).unwrap();
        } else {
            let expected: Vec<String> = expected.iter().map(|line| format!("yubin.toml:{line}")).collect();
            check_faults_in(&world, &text, &expected.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

#[test]
fn tls_without_any_certificate() {
    check_faults(
        "hostname = \"a\"\nstore = { maildirs = \"m\", queue = \"q\" }\naccounts.database = \"sqlite:a\"\n[[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:0\"\ntls = \"starttls\"\n",
        &[
            "yubin.toml:7:7: TLS needs a certificate, and the file has none; write: [[certificate]] with chain and key",
        ],
    );
}

#[test]
fn one_address_twice() {
    let taken = |address: &str, by: &str, line: u32| {
        format!(
            "{address} is already taken by {by} in line {line}; write: another address or port, or remove one of the two"
        )
    };
    check_faults(
        &with(
            "protocol = \"smtp\"\naddress = [\"0.0.0.0:25\", \"[::]:25\", \"127.0.0.1:0\", \"127.0.0.2:0\"]\n[[listener]]\nprotocol = \"pop3\"\ntls = \"implicit\"\naddress = [\"127.0.0.1:25\", \"[::]:25\", \"127.0.0.1:0\"]\n",
        ),
        &[
            &format!("yubin.toml:13:12: {}", taken("127.0.0.1:25", "0.0.0.0:25", 9)),
            &format!("yubin.toml:13:28: {}", taken("[::]:25", "[::]:25", 9)),
        ],
    );
}

#[test]
fn the_queue_and_the_maildirs_lie_beside_each_other() {
    let text = |maildirs: &str, queue: &str| {
        with("protocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n")
            .replace("maildirs = \"mail\"", &format!("maildirs = \"{maildirs}\""))
            .replace("queue = \"queue\"", &format!("queue = \"{queue}\""))
    };
    let write = "write: a directory beside the other, such as \"queue\" beside \"mail\"";
    for (maildirs, queue, what) in [
        ("mail", "mail/queue", "the queue lies in the directory of the Maildirs"),
        ("mail", "./other/../mail/queue", "the queue lies in the directory of the Maildirs"),
        ("/var/spool/yubin/mail", "/var/spool/yubin", "the directory of the Maildirs lies in the queue"),
        ("mail", "mail/", "the queue is the directory of the Maildirs"),
        ("../mail", "../mail", "the queue is the directory of the Maildirs"),
    ] {
        let text = text(maildirs, queue);
        let line = text.lines().position(|line| line.contains("queue = ")).unwrap() + 1;
        let column = text.lines().nth(line - 1).unwrap().find("queue = ").unwrap() + "queue = ".len() + 1;
        check_faults(&text, &[&format!("yubin.toml:{line}:{column}: {what}; {write}")]);
    }
    for (maildirs, queue) in [("mail", "queue"), ("mail", "mail-queue"), ("../mail", "../../mail/queue")] {
        Config::parse(&text(maildirs, queue), World::new().path("yubin.toml")).unwrap();
    }
}
