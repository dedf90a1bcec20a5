//! What an operator may say in other words.

use alloc::string::String;
use alloc::vec::Vec;

use crate::language::Language;
use crate::replies::Reply;

/// A refusal that [`Config::say`](crate::Config::say) can put into other words. Its response code stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// APOP where it is not offered.
    ApopNotOffered,
    /// `[AUTH]`: the claim does not hold.
    Credentials,
    /// `[IN-USE]`: another session has the maildrop.
    InUse,
    /// `[LOGIN-DELAY]`: the last login was too short a while ago.
    LoginDelay,
    /// A SASL mechanism that is not offered.
    MechanismNotOffered,
    /// `[SYS/TEMP]`: trouble that may be over later.
    Temporary,
    /// STLS where it is not offered.
    StlsNotOffered,
    /// A password in clear where that is not allowed.
    TlsMissing,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ApopNotOffered,
        Self::Credentials,
        Self::InUse,
        Self::LoginDelay,
        Self::MechanismNotOffered,
        Self::Temporary,
        Self::StlsNotOffered,
        Self::TlsMissing,
    ];

    /// What is said behind `-ERR`, and behind the response code, where nobody wants other words.
    pub fn text(self, language: Language) -> String {
        let mut line = Vec::new();
        self.reply().write(language, &mut line);
        let line = String::from_utf8_lossy(&line);
        let head = "-ERR ".len() + self.code().len();
        line.get(head..).unwrap_or_default().trim_end().into()
    }

    /// The response code and the blank behind it, which no language changes.
    const fn code(self) -> &'static str {
        match self {
            Self::Credentials => "[AUTH] ",
            Self::InUse => "[IN-USE] ",
            Self::LoginDelay => "[LOGIN-DELAY] ",
            Self::Temporary => "[SYS/TEMP] ",
            Self::ApopNotOffered | Self::MechanismNotOffered | Self::StlsNotOffered | Self::TlsMissing => "",
        }
    }

    const fn reply(self) -> Reply<'static> {
        match self {
            Self::ApopNotOffered => Reply::NoApop,
            Self::Credentials => Reply::WrongCredentials,
            Self::InUse => Reply::InUse,
            Self::LoginDelay => Reply::LoginDelay,
            Self::MechanismNotOffered => Reply::UnknownMechanism,
            Self::Temporary => Reply::Temporary,
            Self::StlsNotOffered => Reply::NoStls,
            Self::TlsMissing => Reply::TlsFirst,
        }
    }
}

/// Not a text that stands on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a reply is one line of up to 480 octets, in ASCII where it is English, without a bracket at its beginning"
)]
pub struct InvalidText;

/// Octets of a text: RFC 2449 §4 ends a line at 512, with `-ERR `, a response code and CRLF.
const LONGEST: usize = 480;

/// Whether a text can stand on a reply's line in a language. A bracket at its beginning would be a response code (RFC 2449 §8).
pub(crate) fn is_text(text: &str, language: Language) -> bool {
    let characters = match language {
        Language::English => text.bytes().all(|octet| matches!(octet, b' '..=b'~')),
        Language::Japanese => !text.contains(char::is_control),
    };
    characters && !text.is_empty() && text.len() <= LONGEST && !text.starts_with('[')
}

/// Other words, by what they are about and in which language.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words(Vec<(Topic, Language, String)>);

impl Words {
    pub(crate) fn set(&mut self, topic: Topic, language: Language, text: String) -> Result<(), InvalidText> {
        if !is_text(&text, language) {
            return Err(InvalidText);
        }
        self.0.retain(|(of, within, _)| (*of, *within) != (topic, language));
        self.0.push((topic, language, text));
        Ok(())
    }

    /// Writes a reply, in other words if there are some.
    pub(crate) fn write(&self, reply: Reply<'_>, language: Language, out: &mut Vec<u8>) {
        let found = self.0.iter().find(|(topic, within, _)| *within == language && topic.reply() == reply);
        match found {
            Some((topic, _, text)) => {
                for part in ["-ERR ", topic.code(), text, "\r\n"] {
                    out.extend_from_slice(part.as_bytes());
                }
            }
            None => reply.write(language, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_words_keep_the_response_code() {
        for topic in Topic::ALL {
            let (mut words, mut usual, mut other) = (Words::default(), Vec::new(), Vec::new());
            words.set(topic, Language::English, "see https://example.jp/".into()).unwrap();
            words.write(topic.reply(), Language::Japanese, &mut usual);
            words.write(topic.reply(), Language::English, &mut other);
            let [usual, other] = [usual, other].map(|line| String::from_utf8(line).unwrap());
            assert_eq!(usual, alloc::format!("-ERR {}{}\r\n", topic.code(), topic.text(Language::Japanese)));
            assert_eq!(other, alloc::format!("-ERR {}see https://example.jp/\r\n", topic.code()));
        }
    }

    #[test]
    fn what_is_no_text() {
        let long = "x".repeat(481);
        for (text, english, japanese) in [
            ("", false, false),
            ("[SYS/PERM] no", false, false),
            ("a\r\nb", false, false),
            ("窓口へ", false, true),
            ("help", true, true),
            (&long, false, false),
        ] {
            assert_eq!(is_text(text, Language::English), english, "{text}");
            assert_eq!(is_text(text, Language::Japanese), japanese, "{text}");
        }
    }
}
