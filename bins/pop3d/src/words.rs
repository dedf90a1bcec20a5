//! What is said instead of what: the texts of `[replies]`, and what the owner of a barred account is told, in the language of the client.

use accounts::Bar;
use daemon_kit::config::{self, Replies, ReplyEvent, on_one_line};
use pop3_proto::{Language, Topic};

/// The events at which the protocol's session speaks.
const OF_THE_SESSION: [(Topic, ReplyEvent); 8] = [
    (Topic::ApopNotOffered, ReplyEvent::ApopNotOffered),
    (Topic::Credentials, ReplyEvent::AuthFailed),
    (Topic::InUse, ReplyEvent::MaildropInUse),
    (Topic::LoginDelay, ReplyEvent::LoginDelay),
    (Topic::MechanismNotOffered, ReplyEvent::MechanismNotOffered),
    (Topic::StlsNotOffered, ReplyEvent::StartTlsNotOffered),
    (Topic::Temporary, ReplyEvent::AuthUnavailable),
    (Topic::TlsMissing, ReplyEvent::ClearTextPassword),
];

/// Tells the protocol's session what to say.
pub(crate) fn teach(replies: &Replies, protocol: &mut pop3_proto::Config) {
    for (topic, event) in OF_THE_SESSION {
        if let Some(text) = replies.at(event) {
            let english = text.english(&topic.text(Language::English));
            let japanese = text.japanese(Some(&topic.text(Language::Japanese)));
            for (language, text) in [(Language::English, Some(english)), (Language::Japanese, japanese)] {
                // The configuration took no text that does not fit.
                let _ = text.map(|text| protocol.say(topic, language, on_one_line(&text)));
            }
        }
    }
}

/// What somebody is told who is not let in, if the operator has words for it.
pub(crate) fn network_barred(replies: &Replies) -> Option<String> {
    let text = replies.at(ReplyEvent::NetworkBarred)?;
    Some(on_one_line(&text.english("Not from your network on this port")))
}

/// What the owner of a barred account is told: the password was right.
pub(crate) fn barred(bar: &Bar, texts: &config::Accounts, replies: &Replies, language: Language) -> String {
    let (event, older, english, japanese) = match bar {
        Bar::Suspended(text) if !text.is_empty() => return text.clone(),
        Bar::Suspended(_) => (
            ReplyEvent::AccountSuspended,
            texts.suspended_text.as_ref(),
            "This account is suspended, ask your provider",
            "このアカウントは停止されています。窓口にお問い合わせください",
        ),
        Bar::ServiceOff(_) => (
            ReplyEvent::ServiceUnregistered,
            texts.unregistered_text.as_ref(),
            "This service is not registered for the account, ask your provider",
            "このアカウントはこのサービスに登録されていません。窓口にお問い合わせください",
        ),
        Bar::Staged => (
            ReplyEvent::AccountStaged,
            None,
            "This account is not in use yet",
            "このアカウントはまだ使えません",
        ),
        Bar::Closing => {
            (ReplyEvent::AccountClosing, None, "This account is closed", "このアカウントは解約されています")
        }
    };
    if let Some(older) = older {
        return older.clone();
    }
    let text = replies.at(event);
    let said = match language {
        Language::English => text.map(|text| text.english(english)),
        Language::Japanese => {
            text.map_or_else(|| Some(japanese.to_owned()), |text| text.japanese(Some(japanese)))
        }
    };
    on_one_line(&said.unwrap_or_else(|| english.to_owned()))
}
