//! Mail for an account that has it sent on, and what comes back of such mail.
//!
//! A message for a mailbox becomes one for the addresses to which it is sent on, and for the mailbox itself if it keeps a copy; it is one
//! message of one envelope, accepted for all of them at once. It leaves under a sender's address of ours (SRS), unless its sender is of
//! ours already, and the client one that may relay, or has no address. Where nobody would have it in the end, because it goes round or
//! leads nowhere, the mailbox has it.

use std::collections::BTreeSet;

use accounts::{AccountId, Resolution, Srs, SrsFault};
use daemon_kit::log::event;
use delivery::{Forward, Mailbox, Reserved};
use smtp_proto::{Domain, ForwardPath, Reply};

use crate::domain::in_ascii;
use crate::trace::header_end;
use crate::transaction::Transaction;
use crate::{Smtpd, replies};

/// Accounts of which each has its mail sent on to the next.
const LONGEST_CHAIN: usize = 10;

/// What mail for an address becomes.
#[derive(Debug, Default)]
pub(crate) struct Expansion {
    /// Mailboxes here, by which address, with their room.
    pub(crate) here: Vec<(String, Mailbox, Option<Reserved>)>,
    /// Addresses elsewhere.
    pub(crate) there: Vec<(String, Forward)>,
    /// Of who has it sent on: for the header, by which it is known when it comes back.
    pub(crate) marks: Vec<String>,
    /// Through whose hands it goes.
    pub(crate) accounts: Vec<AccountId>,
    /// One of them has its mail looked through for viruses.
    pub(crate) checked: bool,
}

impl Smtpd {
    /// All who get what comes for a mailbox, from a client that may relay or not.
    pub(crate) async fn expand(
        &self,
        srs: &Srs,
        mailbox: accounts::Mailbox,
        address: &str,
        transaction: Option<&Transaction>,
        relays: bool,
    ) -> Result<Expansion, Reply> {
        let reverse_path = transaction.map_or("", Transaction::reverse_path);
        let (mut seen, mut expansion) = (BTreeSet::<AccountId>::new(), Expansion::default());
        let mut homes: Vec<(accounts::Mailbox, String)> = Vec::new();
        let mut next = vec![(mailbox.clone(), address.to_owned())];
        while let Some((mailbox, address)) = next.pop() {
            if !seen.insert(mailbox.account) {
                continue;
            }
            expansion.accounts.push(mailbox.account);
            let forwarding = match mailbox.forwards && seen.len() <= LONGEST_CHAIN {
                true => {
                    self.accounts.forwards(mailbox.account).await.map_err(replies::accounts_unavailable)?
                }
                false => None,
            };
            let Some(forwarding) = forwarding else {
                homes.push((mailbox, address));
                continue;
            };
            expansion.marks.push(srs.loop_mark(&mailbox.login));
            let mut keeps = forwarding.keeps_copy;
            for to in forwarding.addresses {
                match self.whose(&to).await? {
                    Resolution::Mailbox(other) => next.push((other, to)),
                    Resolution::NotOurs if self.outbound.is_some() => {
                        let (recipient, kept) = (address.clone(), forwarding.keeps_copy);
                        let reverse_path = self.sender_of_forward(srs, reverse_path, relays).await?;
                        expansion.there.push((to, Forward { reverse_path, recipient, kept }));
                    }
                    _ => {
                        let login = &mailbox.login;
                        tracing::warn!(event = event::FORWARD_STOPPED, login, to);
                        keeps = true;
                    }
                }
            }
            if keeps {
                homes.push((mailbox, address));
            }
        }
        if homes.is_empty() && expansion.there.is_empty() {
            homes.push((mailbox, address.to_owned()));
        }
        for (home, address) in homes {
            let (mailbox, reserved) = self.reserve(&home, &address, transaction).await?;
            expansion.here.push((address, mailbox, reserved));
        }
        Ok(expansion)
    }

    /// As whom it is sent on, where the client may relay or not.
    async fn sender_of_forward(&self, srs: &Srs, reverse_path: &str, relays: bool) -> Result<String, Reply> {
        let Some(sender) = smtp_proto::Mailbox::parse(reverse_path) else { return Ok(String::new()) };
        // Ours may be sent from here as they are, and what comes back to them comes to us. A stranger's word for it would have us vouch,
        // by SPF, for mail that is forged.
        if relays && !matches!(self.whose(reverse_path).await?, Resolution::NotOurs) {
            return Ok(reverse_path.to_owned());
        }
        let rewritten = srs.forward(sender.local_part().as_str(), sender.domain().as_str(), self.clock.now());
        // A name that is too long to stand in another, or in quotes: rather no sender than a wrong one.
        let fits = smtp_proto::Mailbox::parse(&rewritten).is_some();
        Ok(if fits { rewritten } else { String::new() })
    }

    async fn whose(&self, address: &str) -> Result<Resolution, Reply> {
        let Some(mailbox) = smtp_proto::Mailbox::parse(address) else { return Ok(Resolution::UnknownUser) };
        let Domain::Name(_) = mailbox.domain() else { return Ok(Resolution::NotOurs) };
        let Some(domain) = in_ascii(mailbox.domain().as_str()) else { return Ok(Resolution::NotOurs) };
        self.accounts
            .resolve(&mailbox.local_part().unquoted(), &domain)
            .await
            .map_err(replies::accounts_unavailable)
    }

    /// Whom a report is for that comes back to a sender's address of ours; `None` for any other address. Only reports come there, so
    /// that nobody has an address by which to write to others through us.
    pub(crate) fn returned(
        &self,
        path: ForwardPath<'_>,
        reverse_path: &str,
    ) -> Result<Option<String>, (Reply, &'static str)> {
        let (Some(srs), ForwardPath::Mailbox(mailbox)) = (&self.forwarding, path) else { return Ok(None) };
        let local_part = mailbox.local_part().unquoted();
        match srs.reverse(&local_part, mailbox.domain().as_str(), self.clock.now()) {
            None => Ok(None),
            Some(Err(SrsFault::Forged)) => Err((replies::NO_SUCH_USER, "srs_forged")),
            Some(Err(SrsFault::Expired)) => Err((replies::RETURN_EXPIRED, "srs_expired")),
            Some(Ok(_)) if !reverse_path.is_empty() => Err((replies::REPORTS_ONLY, "srs_no_report")),
            Some(Ok(sender)) if smtp_proto::Mailbox::parse(&sender).is_none() => {
                Err((replies::NO_SUCH_USER, "srs_forged"))
            }
            Some(Ok(sender)) => Ok(Some(sender)),
        }
    }
}

/// The field by which mail is known that was sent on from here.
pub(crate) const LOOP_FIELD: &str = "X-Loop";

/// Octets of a header that are looked through for it.
const SEARCHED: usize = 64 << 10;

/// Looks for marks in the header of a message that comes in.
#[derive(Debug)]
pub(crate) struct LoopScan {
    marks: Vec<String>,
    header: Vec<u8>,
    over: bool,
    found: bool,
}

impl LoopScan {
    pub(crate) const fn new(marks: Vec<String>) -> Self {
        Self { marks, header: Vec::new(), over: false, found: false }
    }

    /// The next octets of the message.
    pub(crate) fn take(&mut self, octets: &[u8]) {
        if self.over || self.marks.is_empty() {
            return;
        }
        let searched = self.header.len();
        self.header.extend(octets.iter().take(SEARCHED.saturating_sub(searched)));
        if self.header.len() == SEARCHED || header_end(&self.header, searched).is_some() {
            self.look();
        }
    }

    /// Whether the whole message has gone through here before.
    pub(crate) fn is_loop(&mut self) -> bool {
        if !self.over {
            self.look();
        }
        self.found
    }

    fn look(&mut self) {
        self.over = true;
        let end = header_end(&self.header, 0).unwrap_or(self.header.len());
        let header = String::from_utf8_lossy(self.header.get(..end).unwrap_or_default());
        let values = header.lines().filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(LOOP_FIELD).then_some(value.trim())
        });
        self.found = values.into_iter().any(|value| self.marks.iter().any(|mark| mark == value));
        self.header = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_loop(message: &str, cut: usize) -> bool {
        let mut scan = LoopScan::new(vec!["abc@x".to_owned()]);
        message.as_bytes().chunks(cut).for_each(|piece| scan.take(piece));
        scan.is_loop()
    }

    #[test]
    fn d_16_a_mark_is_found_in_the_header_and_nowhere_else() {
        for cut in [1, 7, 1000] {
            assert!(is_loop("Subject: x\r\nX-LOOP: abc@x\r\n\r\nbody\r\n", cut));
            assert!(is_loop("X-Loop: abc@x\r\n", cut), "a header alone");
            assert!(!is_loop("Subject: x\r\n\r\nX-Loop: abc@x\r\n", cut), "in the body");
            assert!(!is_loop("X-Loop: another@x\r\nSubject: X-Loop: abc@x\r\n\r\n", cut));
        }
    }
}
