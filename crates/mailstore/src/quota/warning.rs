//! Whether the owner of a mailbox is to be told that it is nearly full: once, until it has been less full again.
//!
//! A file in the Maildir says that it was told. Who makes it, of all processes and machines, does the telling; whoever sees the
//! mailbox less full takes it away.

use std::io;
use std::path::PathBuf;

use super::ledger::Ledger;
use super::{Quota, Usage};
use crate::error::{During, Error};
use crate::maildir::Maildir;

const MARK: &str = "yubin-quota-warned";

impl Ledger {
    /// The same ledgers, and owners are warned from so many percent of a quota on.
    #[must_use]
    pub fn warning_at(mut self, percent: u8) -> Ledger {
        self.percent = Some(percent);
        self
    }

    /// What the mailbox holds, if its owner is to be told now: the caller who gets it has to do so, and nobody else will.
    ///
    /// If that fails: [`not_warned`](Ledger::not_warned).
    pub fn warning_due(&self, maildir: &Maildir, quota: Quota) -> Result<Option<Usage>, Error> {
        let Some(usage) = self.nearly_full(maildir, quota)? else { return Ok(None) };
        let path = mark(maildir);
        match maildir.files.create_new(&path) {
            Ok(_) => Ok(Some(usage)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error).during("create", &path),
        }
    }

    /// The next message will ask again.
    pub fn not_warned(&self, maildir: &Maildir) {
        // Without a mark there is nothing to take away; with one that cannot be, the owner is told after the next clearing.
        let _ = maildir.files.remove(&mark(maildir));
    }

    /// Mail was removed: an owner who was told is told again when it is nearly full once more. That this cannot be said now is no
    /// fault of the removal.
    pub(super) fn is_less_full(&self, maildir: &Maildir, quota: Quota) {
        if self.percent.is_some() && maildir.files.stat(&mark(maildir)).is_ok() {
            let _ = self.nearly_full(maildir, quota);
        }
    }

    /// From the mark on, what it holds; below, the file goes.
    fn nearly_full(&self, maildir: &Maildir, quota: Quota) -> Result<Option<Usage>, Error> {
        let Some(percent) = self.percent.filter(|_| !quota.is_none()) else { return Ok(None) };
        let usage = self.usage(maildir, quota)?;
        let reached = quota.is_reached(usage, percent);
        if !reached {
            self.not_warned(maildir);
        }
        Ok(reached.then_some(usage))
    }
}

impl Quota {
    /// Whether a mailbox holds so many percent of what it may.
    pub fn is_reached(&self, usage: Usage, percent: u8) -> bool {
        let reached = |held: u64, limit: Option<u64>| {
            limit.is_some_and(|limit| u128::from(held) * 100 >= u128::from(limit) * u128::from(percent))
        };
        reached(usage.octets, self.octets) || reached(usage.messages, self.messages)
    }
}

fn mark(maildir: &Maildir) -> PathBuf {
    maildir.path().join(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_are_of_either_limit() {
        let quota = Quota { octets: Some(1000), messages: Some(10) };
        for (octets, messages, reached) in
            [(899, 8, false), (900, 0, true), (0, 9, true), (u64::MAX, u64::MAX, true)]
        {
            assert_eq!(quota.is_reached(Usage { octets, messages }, 90), reached, "{octets} {messages}");
        }
        assert!(!Quota::NONE.is_reached(Usage { octets: u64::MAX, messages: u64::MAX }, 1));
        assert!(
            Quota { octets: Some(u64::MAX), messages: None }
                .is_reached(Usage { octets: u64::MAX, messages: 1 }, 100)
        );
    }
}
