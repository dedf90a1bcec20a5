//! What an SMTP listener alone has: read, and wrong in every way.

use daemon_kit::config::{
    BareLineEndings, Config, Extension, Listener, SenderRights, Smtp, TlsMode, VirusChecked, Vrfy,
};
use daemon_kit::limits;

use crate::config::{check_faults_in, with};
use crate::world::World;

const SMTP: &str = "protocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n";
const POP3: &str = "protocol = \"pop3\"\naddress = \"127.0.0.1:0\"\n";

fn listener(settings: &str) -> Listener {
    let world = World::new();
    let config = Config::parse(&with(&format!("{SMTP}{settings}")), world.path("yubin.toml")).unwrap();
    Listener::clone(&config.listeners[0])
}

#[test]
fn nothing_said_is_the_careful_choice() {
    let listener = listener("");
    assert_eq!(listener.smtp, Smtp::default());
    assert_eq!(listener.smtp.bare_line_endings, BareLineEndings::Refuse);
    assert_eq!(listener.smtp.vrfy, Vrfy::Neutral);
    let limits = (listener.limits.idle_commands, listener.limits.transactions);
    assert_eq!(limits, (Some(limits::IDLE_COMMANDS), Some(limits::TRANSACTIONS)));
}

#[test]
fn everything_said() {
    let listener = listener(
        "tls = \"starttls-required\"\nauth = \"required\"\nclear_text_auth = false\ndisable = [\"SMTPUTF8\", \"8BITMIME\"]\n\
         bare_line_endings = \"normalise\"\nlegacy_auth_line = true\nsender_rights = \"reject\"\nvrfy = \"authenticated\"\n\
         limits = { idle_commands = 7, transactions = \"none\", message_size = 0 }\n",
    );
    assert_eq!(listener.tls, TlsMode::StarttlsRequired);
    let smtp = Smtp {
        disabled: vec![Extension::SmtpUtf8, Extension::EightBitMime],
        bare_line_endings: BareLineEndings::Normalise,
        legacy_auth_line: true,
        sender_rights: SenderRights::Reject,
        vrfy: Vrfy::Authenticated,
        virus_check: VirusChecked::Off,
    };
    assert_eq!(listener.smtp, smtp);
    assert_eq!((listener.limits.idle_commands, listener.limits.transactions), (Some(7), None));
    assert_eq!(listener.limits.message_size, None);
}

#[test]
fn what_cannot_be() {
    let remove = "write: nothing (remove the line)";
    let login = "write: auth = \"optional\" or \"required\" beside it, or remove the line";
    let cases: &[(&str, &str, &[&str])] = &[
        (
            SMTP,
            "disable = [\"STARTTLS\", \"AUTH\", \"CHUNKNG\", 8]",
            &[
                "10:12: this extension has a setting of its own; write: tls = \"none\", and nothing here",
                "10:24: this extension has a setting of its own; write: auth = \"off\", and nothing here",
                "10:32: \"CHUNKNG\" is not known here; write: CHUNKING",
                "10:43: a whole number cannot stand here; write: [\"SMTPUTF8\", \"CHUNKING\"]",
            ],
        ),
        (
            SMTP,
            "bare_line_endings = \"normalize\"\nvrfy = true\nlegacy_auth_line = \"yes\"",
            &[
                "10:21: \"normalize\" is not known here; write: normalise",
                "11:8: true/false cannot stand here; write: \"neutral\", \"off\" or \"authenticated\"",
                "12:20: a text cannot stand here; write: true or false",
            ],
        ),
        (
            SMTP,
            "legacy_auth_line = true\nvrfy = \"authenticated\"\nsender_rights = \"reject\"",
            &[
                &format!("10:20: this speaks of logging in, and `auth` is \"off\"; {login}"),
                &format!("11:8: nobody would get an answer: `auth` is \"off\"; {login}"),
                &format!("12:17: it looks at who has logged in, and `auth` is \"off\"; {login}"),
            ],
        ),
        (
            SMTP,
            "tls = \"starttls-required\"\nauth = \"optional\"\nclear_text_auth = true",
            &[&format!("12:19: nothing is done in clear text here: TLS is required first; {remove}")],
        ),
        (
            POP3,
            "tls = \"starttls-required\"\ndisable = []\nbare_line_endings = \"refuse\"\nlegacy_auth_line = false\nvrfy = \"off\"\n\
             limits = { idle_commands = 1, transactions = 1 }",
            &[
                &format!("11:11: `disable` belongs to SMTP, this listener is pop3; {remove}"),
                &format!("12:21: `bare_line_endings` belongs to SMTP, this listener is pop3; {remove}"),
                &format!("13:20: `legacy_auth_line` belongs to SMTP, this listener is pop3; {remove}"),
                &format!("14:8: `vrfy` belongs to SMTP, this listener is pop3; {remove}"),
                &format!("15:28: this belongs to SMTP, and the listener is pop3; {remove}"),
                &format!("15:46: this belongs to SMTP, and the listener is pop3; {remove}"),
            ],
        ),
        (
            POP3,
            "tls = \"starttls-required\"\nclear_text_auth = true",
            &[&format!("11:19: nothing is done in clear text here: TLS is required first; {remove}")],
        ),
        (
            POP3,
            "tls = \"starttls-required\"\napop = true",
            &[
                "11:8: APOP needs the key that seals its secrets; write: apop_key = \"apop.key\" in [accounts]",
                &format!("11:8: APOP begins before TLS, and TLS is required first; {remove}"),
            ],
        ),
    ];
    let world = World::new();
    for (start, rest, expected) in cases {
        let expected: Vec<String> = expected.iter().map(|line| format!("yubin.toml:{line}")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check_faults_in(&world, &with(&format!("{start}{rest}")), &expected);
    }
}
