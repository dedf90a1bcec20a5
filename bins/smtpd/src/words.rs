//! What is said instead of what: the texts of `[replies]`. Codes stay, and so what a client's program does.

use daemon_kit::config::{Replies, ReplyEvent, ReplyText};
use smtp_proto::{Reply, Topic};

use crate::replies;

/// The events at which this server speaks itself. Each reply stands here once, so that a reply tells its event.
const SPOKEN: [(Reply, ReplyEvent); 23] = [
    (replies::ACCOUNT_CLOSING, ReplyEvent::AccountClosing),
    (replies::ACCOUNT_STAGED, ReplyEvent::AccountStaged),
    (replies::ACCOUNT_SUSPENDED, ReplyEvent::AccountSuspended),
    (replies::AUTH_FAILED, ReplyEvent::AuthFailed),
    (replies::AUTH_UNAVAILABLE, ReplyEvent::AuthUnavailable),
    (replies::BARRED, ReplyEvent::NetworkBarred),
    (replies::DOMAIN_BARRED, ReplyEvent::DomainBarred),
    (replies::MAILBOX_DISABLED, ReplyEvent::MailboxDisabled),
    (replies::MAILBOX_FULL, ReplyEvent::MailboxFull),
    (replies::MAILBOX_FULL_FOR_GOOD, ReplyEvent::MailboxFull),
    (replies::MAILBOX_UNREADY, ReplyEvent::MailboxUnready),
    (replies::NO_SUCH_USER, ReplyEvent::UnknownUser),
    (replies::NOT_SENT_FROM_HERE, ReplyEvent::NotSentFromHere),
    (replies::RELAY_DENIED, ReplyEvent::RelayDenied),
    (replies::RELAY_NEEDS_AUTHENTICATION, ReplyEvent::RelayNeedsAuthentication),
    (replies::SENDER_NOT_OWNED, ReplyEvent::SenderNotOwned),
    (replies::SENT_ENOUGH_THIS_HOUR, ReplyEvent::SendingLimit),
    (replies::SENT_ENOUGH_TODAY, ReplyEvent::SendingLimit),
    (replies::SERVICE_UNREGISTERED, ReplyEvent::ServiceUnregistered),
    (replies::TOO_BIG_TO_CHECK, ReplyEvent::TooBigToCheck),
    (replies::VIRUS_CHECK_FAILED, ReplyEvent::VirusCheckFailed),
    (replies::VIRUS_CHECK_NEEDED, ReplyEvent::VirusCheckNeeded),
    (replies::VIRUS_FOUND, ReplyEvent::VirusFound),
];

/// Those at which the protocol's session does.
const OF_THE_SESSION: [(Topic, ReplyEvent); 7] = [
    (Topic::AuthMissing, ReplyEvent::AuthMissing),
    (Topic::AuthNotOffered, ReplyEvent::AuthNotOffered),
    (Topic::ClearTextAuth, ReplyEvent::ClearTextPassword),
    (Topic::MechanismNotOffered, ReplyEvent::MechanismNotOffered),
    (Topic::MessageTooBig, ReplyEvent::MessageTooBig),
    (Topic::StartTlsNotOffered, ReplyEvent::StartTlsNotOffered),
    (Topic::TlsMissing, ReplyEvent::TlsMissing),
];

/// A reply as a configuration has it, for who has not asked for UTF-8.
pub fn worded(replies: &Replies, usual: Reply) -> Reply {
    event_of(&usual).and_then(|event| replies.at(event)).map_or(usual.clone(), |text| in_ascii(&usual, text))
}

/// The same for who has asked for it by SMTPUTF8. That tells no language: English stands below (RFC 2277 §4.5).
pub(crate) fn worded_in_utf8(replies: &Replies, usual: Reply) -> Reply {
    let Some(text) = event_of(&usual).and_then(|event| replies.at(event)) else { return usual };
    let ascii = in_ascii(&usual, text);
    let both = text.japanese(None).map(|japanese| format!("{japanese}\n{}", ascii.text()));
    match (both, usual.enhanced()) {
        (Some(both), Some(enhanced)) => Reply::in_utf8(usual.code().get(), enhanced, both).unwrap_or(ascii),
        _ => ascii,
    }
}

/// Tells the protocol's session what to say.
pub(crate) fn teach(replies: &Replies, protocol: &mut smtp_proto::Config) {
    for (topic, event) in OF_THE_SESSION {
        if let Some(text) = replies.at(event) {
            // The configuration took no text that does not fit.
            let _ = protocol.say(topic, text.english(topic.reply().text()));
        }
    }
}

fn event_of(usual: &Reply) -> Option<ReplyEvent> {
    SPOKEN.iter().find(|(reply, _)| reply == usual).map(|(_, event)| *event)
}

fn in_ascii(usual: &Reply, text: &ReplyText) -> Reply {
    usual.reworded(text.english(usual.text())).unwrap_or_else(|_| usual.clone())
}

#[cfg(test)]
mod tests {
    use daemon_kit::config::Config;
    use relay_policy::Why;

    use super::*;
    use crate::refusal_of;

    /// All with the longest texts that the configuration takes.
    fn config(text: &str) -> Config {
        let keys = ReplyEvent::ALL.iter().map(|event| format!("{} = {{ {text} }}\n", event.name()));
        let file = format!(
            "hostname = \"mx\"\nstore = {{ maildirs = \"m\", queue = \"q\" }}\naccounts.database = \"sqlite:a\"\n\
             [[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n[replies]\n{}",
            keys.collect::<String>()
        );
        Config::parse(&file, "yubin.toml").unwrap()
    }

    #[test]
    fn k_07_a_reply_tells_its_event_and_has_other_words_with_the_same_codes() {
        let long = "x".repeat(140);
        let config =
            config(&format!("en = \"{long}\", ja = \"窓口へ\", url = \"https://example.jp/{long}\""));
        for (usual, event) in SPOKEN {
            assert_eq!(event_of(&usual), Some(event), "{usual}");
            let [ascii, utf8] = [worded, worded_in_utf8].map(|worded| worded(&config.replies, usual.clone()));
            for reply in [&ascii, &utf8] {
                assert_eq!((reply.code(), reply.enhanced()), (usual.code(), usual.enhanced()));
            }
            assert_eq!(ascii.text(), format!("{long}, see https://example.jp/{long}"));
            assert!(utf8.text().starts_with("窓口へ https://") && utf8.text().ends_with(ascii.text()));
        }
        let mut protocol = smtp_proto::Config::new("mx");
        teach(&config.replies, &mut protocol);
    }

    #[test]
    fn an_address_alone_stands_behind_the_usual_words() {
        let config = config("url = \"https://example.jp/help\"");
        let said = worded(&config.replies, replies::RELAY_NEEDS_AUTHENTICATION);
        let words = "Mail to other domains needs SMTP AUTH, on port 465 or 587, see https://example.jp/help";
        assert_eq!(said.text(), words);
        // Nobody knows whether who says SMTPUTF8 reads Japanese, and there is nothing to read.
        assert_eq!(worded_in_utf8(&config.replies, replies::RELAY_NEEDS_AUTHENTICATION).text(), words);
        assert_eq!(worded(&config.replies, replies::TOO_SLOW), replies::TOO_SLOW);
    }

    #[test]
    fn each_refusal_of_the_policy_has_an_event_of_its_name() {
        for why in [
            Why::DomainBarred,
            Why::MailboxDisabled,
            Why::MailboxUnready,
            Why::RelayDenied,
            Why::RelayNeedsAuthentication,
            Why::UnknownUser,
        ] {
            assert_eq!(event_of(&refusal_of(why)).map(ReplyEvent::name), Some(why.name()));
        }
    }
}
