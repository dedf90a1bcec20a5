//! One backup, as it is told in `runs/`.

use serde::{Deserialize, Serialize};

/// What a backup holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    /// Of this layout.
    pub(super) format: u32,
    /// When it began, in UTC: `20261122T050301.123456Z`.
    pub(super) name: String,
    /// The object with the account database.
    pub(super) accounts: String,
    /// Every account's mail.
    pub(super) mailboxes: Vec<Kept>,
    /// Messages that wait for other hosts, or to be released.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) queue: Vec<Queued>,
    /// Accounts whose mail is left out, being larger than the operator wants.
    pub(super) excluded: Vec<Excluded>,
}

pub(super) const FORMAT: u32 = 1;

/// An account's mail in a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) login: String,
    pub(super) mailbox: String,
    /// The object with its list.
    pub(super) list: String,
    pub(super) messages: usize,
    pub(super) octets: u64,
    /// The object with what was once imported into it, so that it is not imported again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) imported: Option<String>,
}

/// A message that waits for other hosts, or to be released, in a backup: each part is an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Queued {
    /// Its queue id.
    pub(super) id: String,
    pub(super) envelope: String,
    /// What became of its recipients so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) progress: Option<String>,
    pub(super) body: String,
    pub(super) octets: u64,
    /// Whose mailboxes here wait for its release: places in the envelope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) here: Vec<usize>,
}

impl Queued {
    /// The names of its objects.
    pub(super) fn objects(&self) -> impl Iterator<Item = &str> {
        [&self.envelope, &self.body].into_iter().chain(&self.progress).map(String::as_str)
    }
}

/// An account whose mail is not in a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Excluded {
    pub(super) login: String,
    pub(super) mailbox: String,
    pub(super) messages: u64,
    pub(super) octets: u64,
}
