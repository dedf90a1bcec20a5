//! What became of the recipients elsewhere so far, and its text on the disk.
//!
//! ```text
//! yubin-progress 1
//! id 01JQX5Z7W3N8K2AB
//! hold waits%20for%20review
//! here
//! warned
//! rcpt waiting 3 1795320000 450%204.7.1%20greylisted
//! rcpt delivered 1 0 250%202.0.0%20ok
//! at 1795319000 0 mx1.example.com%20[192.0.2.1]:25 TLSv1.3 450%204.7.1%20greylisted
//! end
//! ```
//!
//! A `rcpt` line stands for each recipient of the envelope, in its order; `at` lines are the latest tries, the last at the end.

use std::fmt::Write;

use crate::envelope::{Malformed, escape, unescape};
use crate::id::QueueId;

/// What became of the recipients elsewhere so far. A message whose file does not exist yet has [`Progress::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Nobody sends it before it is released; why.
    pub hold: Option<String>,
    /// If it is held: its mailboxes here do not get it before, either.
    pub here: bool,
    /// The sender was told that it takes long.
    pub warned: bool,
    /// One for each of the envelope's [remotes](crate::Envelope::remotes), in their order.
    pub recipients: Vec<Standing>,
    /// The latest tries, the last at the end.
    pub history: Vec<Attempt>,
}

/// One recipient elsewhere, and how it stands with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands.
    pub fate: Fate,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is to be tried next: seconds since 1970. 0: at once.
    pub next: u64,
    /// What the last try brought.
    pub last: String,
}

/// Where a recipient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is to be tried.
    Waiting,
    /// Another host has it.
    Delivered,
    /// It never will be delivered; the sender is to be told.
    Failed,
    /// It never will be delivered, and the sender was told, or need not be.
    Reported,
    /// An operator took it away.
    Dropped,
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Seconds since 1970.
    pub at: u64,
    /// The recipient's place.
    pub recipient: usize,
    /// With which host.
    pub host: String,
    /// The version of TLS, or `clear`, or nothing where there was no session.
    pub tls: String,
    /// What came of it.
    pub answer: String,
}

const HEADER: &str = "yubin-progress 1";
/// Tries that are remembered: enough to see a pattern, and a bound for the file.
const REMEMBERED: usize = 20;

const FATES: [(Fate, &str); 5] = [
    (Fate::Waiting, "waiting"),
    (Fate::Delivered, "delivered"),
    (Fate::Failed, "failed"),
    (Fate::Reported, "reported"),
    (Fate::Dropped, "dropped"),
];

impl Fate {
    /// Its name, for files and people.
    pub fn word(self) -> &'static str {
        FATES.iter().find(|(fate, _)| *fate == self).map_or("", |(_, word)| word)
    }

    /// Whether somebody has still to do something.
    pub fn is_open(self) -> bool {
        matches!(self, Fate::Waiting | Fate::Failed)
    }
}

impl Progress {
    /// Of a message that nobody has tried.
    pub fn new(recipients: usize) -> Progress {
        let recipient = Standing { fate: Fate::Waiting, attempts: 0, next: 0, last: String::new() };
        Progress {
            hold: None,
            here: false,
            warned: false,
            recipients: vec![recipient; recipients],
            history: Vec::new(),
        }
    }

    /// Adds a try to the history, whose oldest may have to go.
    pub fn remember(&mut self, attempt: Attempt) {
        self.history.push(attempt);
        let over = self.history.len().saturating_sub(REMEMBERED);
        self.history.drain(..over);
    }

    /// Whether nobody waits any more.
    pub fn is_done(&self) -> bool {
        !self.recipients.iter().any(|recipient| recipient.fate.is_open())
    }

    pub(crate) fn encode(&self, id: QueueId) -> String {
        let mut text = format!("{HEADER}\nid {id}\n");
        if let Some(why) = &self.hold {
            let _ = writeln!(text, "hold {}", escape(why));
        }
        if self.here {
            text.push_str("here\n");
        }
        if self.warned {
            text.push_str("warned\n");
        }
        for Standing { fate, attempts, next, last } in &self.recipients {
            let _ = writeln!(text, "rcpt {} {attempts} {next} {}", fate.word(), escape(last));
        }
        for Attempt { at, recipient, host, tls, answer } in &self.history {
            let _ = writeln!(text, "at {at} {recipient} {} {} {}", escape(host), escape(tls), escape(answer));
        }
        text.push_str("end\n");
        text
    }

    /// `recipients`: how many the envelope has.
    pub(crate) fn decode(text: &[u8], id: QueueId, recipients: usize) -> Result<Progress, Malformed> {
        let text = str::from_utf8(text).map_err(|_| Malformed("progress: not text"))?;
        let body = text.strip_suffix("end\n").ok_or(Malformed("progress: no end"))?;
        let mut lines = body.split_terminator('\n');
        if lines.next() != Some(HEADER) || lines.next() != Some(&format!("id {id}")) {
            return Err(Malformed("progress: another kind, version or message"));
        }
        let mut progress = Progress::new(0);
        for line in lines {
            progress.take(line).ok_or(Malformed("progress: a line that is not understood"))?;
        }
        if progress.recipients.len() != recipients {
            return Err(Malformed("progress: of other recipients"));
        }
        Ok(progress)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        match words.next()? {
            "hold" => self.hold = Some(unescape(words.next()?)?),
            "here" => self.here = true,
            "warned" => self.warned = true,
            "rcpt" => {
                let word = words.next()?;
                let (fate, _) = FATES.iter().find(|(_, name)| *name == word)?;
                self.recipients.push(Standing {
                    fate: *fate,
                    attempts: words.next()?.parse().ok()?,
                    next: words.next()?.parse().ok()?,
                    last: unescape(words.next()?)?,
                });
            }
            "at" => self.history.push(Attempt {
                at: words.next()?.parse().ok()?,
                recipient: words.next()?.parse().ok()?,
                host: unescape(words.next()?)?,
                tls: unescape(words.next()?)?,
                answer: unescape(words.next()?)?,
            }),
            _ => return None,
        }
        words.next().is_none().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn progress() -> impl Strategy<Value = Progress> {
        let fate = (0..FATES.len()).prop_map(|at| FATES[at].0);
        let recipient = (fate, any::<(u32, u64, String)>())
            .prop_map(|(fate, (attempts, next, last))| Standing { fate, attempts, next, last });
        let attempt = any::<(u64, usize, String, String, String)>()
            .prop_map(|(at, recipient, host, tls, answer)| Attempt { at, recipient, host, tls, answer });
        let lists = (proptest::collection::vec(recipient, 0..4), proptest::collection::vec(attempt, 0..4));
        (any::<Option<String>>(), any::<(bool, bool)>(), lists).prop_map(
            |(hold, (here, warned), (recipients, history))| Progress {
                hold,
                here,
                warned,
                recipients,
                history,
            },
        )
    }

    proptest! {
        #[test]
        fn progress_is_read_as_it_was_written(progress in progress()) {
            let id = QueueId::new();
            let text = progress.encode(id);
            let read = Progress::decode(text.as_bytes(), id, progress.recipients.len());
            prop_assert_eq!(read, Ok(progress.clone()));
            prop_assert!(Progress::decode(text.as_bytes(), QueueId::new(), progress.recipients.len()).is_err());
            prop_assert!(Progress::decode(text.as_bytes(), id, progress.recipients.len() + 1).is_err());
        }

        #[test]
        fn half_of_it_is_malformed(progress in progress(), cut in any::<prop::sample::Index>()) {
            let id = QueueId::new();
            let text = progress.encode(id);
            let cut = cut.index(text.len());
            prop_assert!(Progress::decode(&text.as_bytes()[..cut], id, progress.recipients.len()).is_err());
        }
    }

    #[test]
    fn history_has_a_bound() {
        let mut progress = Progress::new(1);
        for at in 0..100 {
            let (host, tls, answer) = (String::new(), String::new(), String::new());
            progress.remember(Attempt { at, recipient: 0, host, tls, answer });
        }
        assert_eq!((progress.history.len(), progress.history[0].at), (REMEMBERED, 80));
    }
}
