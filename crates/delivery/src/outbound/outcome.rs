//! What came of trying a recipient.

use smtp_proto::client::Answer;

/// What came of trying a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    /// RFC 3463.
    pub(crate) status: (u8, u16, u16),
    /// The other host's reply as it came, or our own words.
    pub(crate) text: String,
    /// Whether the other host said it.
    pub(crate) remote: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Delivered,
    Deferred,
    Failed,
}

impl Outcome {
    /// Our own trouble, or nobody's: another try may bring more.
    pub(crate) fn deferred(status: (u8, u16, u16), text: impl Into<String>) -> Self {
        Self { kind: Kind::Deferred, status, text: text.into(), remote: false }
    }

    /// No further try can bring more.
    pub(crate) fn failed(status: (u8, u16, u16), text: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, status, text: text.into(), remote: false }
    }

    /// What the other host said.
    pub(crate) fn of(said: &Heard) -> Self {
        let kind = match said.code {
            200..=299 => Kind::Delivered,
            500..=599 => Kind::Failed,
            _ => Kind::Deferred,
        };
        let class = match kind {
            Kind::Delivered => 2,
            Kind::Deferred => 4,
            Kind::Failed => 5,
        };
        let status = said.status.filter(|status| status.0 == class).unwrap_or((class, 0, 0));
        Self { kind, status, text: said.text.clone(), remote: true }
    }

    pub(crate) fn is_final(&self) -> bool {
        self.kind != Kind::Deferred
    }

    /// `5.1.1`
    pub(crate) fn status(&self) -> String {
        let (class, subject, detail) = self.status;
        format!("{class}.{subject}.{detail}")
    }

    /// One line for the history: the status in front where the text does not bring it.
    pub(crate) fn line(&self) -> String {
        if self.remote { self.text.clone() } else { format!("{} {}", self.status(), self.text) }
    }
}

/// A reply of another host, copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) code: u16,
    status: Option<(u8, u16, u16)>,
    /// `550 5.1.1 No such user`, in one line, printable.
    pub(crate) text: String,
}

/// Octets of a reply that are kept.
const KEPT: usize = 500;

impl Heard {
    pub(crate) fn of(answer: &Answer<'_>) -> Self {
        let status = answer.enhanced().map(|code| (code.0, code.1, code.2));
        let mut text = answer.code().get().to_string();
        if let Some((class, subject, detail)) = status {
            text.push_str(&format!(" {class}.{subject}.{detail}"));
        }
        for line in answer.texts() {
            text.push(' ');
            text.extend(String::from_utf8_lossy(line).chars().map(|c| if c.is_control() { ' ' } else { c }));
        }
        let mut end = text.len().min(KEPT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        Self { code: answer.code().get(), status, text: text.trim_end().to_owned() }
    }

    pub(crate) fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }
}
