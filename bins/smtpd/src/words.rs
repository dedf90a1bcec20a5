//! What is said instead of what: the texts of `[replies]`. Codes stay, and so what a client's program does.

use std::collections::BTreeSet;

use daemon_kit::config::{Auth, Config, Protocol, Relay, Replies, ReplyEvent, ReplyText};
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

/// What a configuration makes of the usual texts.
#[derive(Clone, Debug)]
pub struct Words {
    replies: Replies,
    /// Of each brand with such ports, where its customers log in to send: `465 or 587`.
    submission: Vec<(Option<String>, String)>,
}

/// The ports that the usual texts name, as most installations have them.
const USUAL_PORTS: &str = "465 or 587";

impl Words {
    /// By its replies and listeners.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let brands: BTreeSet<_> = config.listeners(Protocol::Smtp).map(|it| it.brand.clone()).collect();
        let submission = brands.into_iter().filter_map(|brand| {
            let ports = submission_ports(config, brand.as_deref());
            Some((brand, any_of(&ports)?))
        });
        Self { replies: config.replies.clone(), submission: submission.collect() }
    }

    /// With other texts, and the ports that are open.
    #[must_use]
    pub fn reworded(&self, replies: &Replies) -> Self {
        Self { replies: replies.clone(), submission: self.submission.clone() }
    }

    /// A reply at a brand's listener, for who has not asked for UTF-8.
    #[must_use]
    pub fn say(&self, brand: Option<&str>, usual: Reply) -> Reply {
        let event = event_of(&usual);
        let usual = self.at(brand, usual);
        event.and_then(|event| self.replies.at(event)).map_or(usual.clone(), |text| in_ascii(&usual, text))
    }

    /// The same for who has asked for it by SMTPUTF8. That tells no language: English stands below (RFC 2277 §4.5).
    pub(crate) fn say_in_utf8(&self, brand: Option<&str>, usual: Reply) -> Reply {
        let event = event_of(&usual);
        let usual = self.at(brand, usual);
        let Some(text) = event.and_then(|event| self.replies.at(event)) else { return usual };
        let ascii = in_ascii(&usual, text);
        let both = text.japanese(None).map(|japanese| format!("{japanese}\n{}", ascii.text()));
        match (both, usual.enhanced()) {
            (Some(both), Some(enhanced)) => {
                Reply::in_utf8(usual.code().get(), enhanced, both).unwrap_or(ascii)
            }
            _ => ascii,
        }
    }

    /// With the ports that the brand has.
    fn at(&self, brand: Option<&str>, usual: Reply) -> Reply {
        match self.submission.iter().find(|(of, _)| of.as_deref() == brand) {
            Some((_, ports)) if usual.text().contains(USUAL_PORTS) => {
                usual.reworded(usual.text().replace(USUAL_PORTS, ports)).unwrap_or(usual)
            }
            _ => usual,
        }
    }
}

/// Where a brand's customers can log in and send to other domains: the ports that demand it, or those that permit it where there are none.
/// A port that the system chooses has no number yet.
fn submission_ports(config: &Config, brand: Option<&str>) -> Vec<u16> {
    let ports = |auth: Auth| -> BTreeSet<u16> {
        let listeners = config.listeners(Protocol::Smtp).filter(|listener| {
            listener.brand.as_deref() == brand
                && listener.auth == auth
                && listener.relay.contains(&Relay::Authenticated)
        });
        let addresses = listeners.flat_map(|listener| &listener.addresses);
        addresses.map(|address| address.socket.port()).filter(|port| *port != 0).collect()
    };
    let demanding = ports(Auth::Required);
    let ports = if demanding.is_empty() { ports(Auth::Optional) } else { demanding };
    ports.into_iter().take(MOST_PORTS).collect()
}

/// How many ports fit a reply that somebody reads.
const MOST_PORTS: usize = 5;

/// `465`, `465 or 587`, `465, 587 or 2525`.
fn any_of(ports: &[u16]) -> Option<String> {
    let (last, before) = ports.split_last()?;
    let before: Vec<_> = before.iter().map(ToString::to_string).collect();
    Some(match before.is_empty() {
        true => last.to_string(),
        false => format!("{} or {last}", before.join(", ")),
    })
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
            let words = Words::of(&config);
            let (ascii, utf8) = (words.say(None, usual.clone()), words.say_in_utf8(None, usual.clone()));
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
        let all = Words::of(&config);
        let said = all.say(None, replies::RELAY_NEEDS_AUTHENTICATION);
        let words = "Mail to other domains needs SMTP AUTH, on port 465 or 587, see https://example.jp/help";
        assert_eq!(said.text(), words);
        // Nobody knows whether who says SMTPUTF8 reads Japanese, and there is nothing to read.
        assert_eq!(all.say_in_utf8(None, replies::RELAY_NEEDS_AUTHENTICATION).text(), words);
        assert_eq!(all.say(None, replies::TOO_SLOW), replies::TOO_SLOW);
    }

    #[test]
    fn n_02_the_ports_are_those_of_this_installation_and_brand() {
        let listener = |port: u16, auth: &str| {
            format!(
                "[[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:{port}\"\ntls = \"none\"\n\
                 clear_text_auth = true\nauth = \"{auth}\"\nrelay = [\"authenticated\"]\n"
            )
        };
        let said = |listeners: &[String]| {
            let file = format!(
                "hostname = \"mx\"\nstore = {{ maildirs = \"m\", queue = \"q\" }}\n\
                 accounts.database = \"sqlite:a\"\n{}",
                listeners.concat()
            );
            let words = Words::of(&Config::parse(&file, "yubin.toml").unwrap());
            let at = |brand| words.say(brand, replies::RELAY_NEEDS_AUTHENTICATION).text().to_owned();
            (at(None), at(Some("asahi")))
        };
        let with = |ports| format!("Mail to other domains needs SMTP AUTH, on port {ports}");
        let (open, door, other) =
            (listener(25, "optional"), listener(2587, "required"), listener(2465, "required"));
        let of_asahi = listener(5587, "required") + "brand = \"asahi\"\n";
        let usual = with("465 or 587");
        assert_eq!(said(&[open.clone(), door, other, of_asahi]), (with("2465 or 2587"), with("5587")));
        assert_eq!(said(&[open]), (with("25"), usual.clone()));
        assert_eq!(
            said(&[listener(587, "required"), listener(465, "required")]),
            (usual.clone(), usual.clone())
        );
        assert_eq!(said(&[listener(0, "required")]), (usual.clone(), usual), "the system chooses it");
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
