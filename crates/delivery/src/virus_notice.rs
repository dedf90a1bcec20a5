//! The message that tells the owner of a mailbox here that a virus for it was stopped.
//!
//! It goes straight into the Maildir: never through the queue, never on to where its owner has mail sent on, never to whom the message
//! is said to be from. So it cannot bounce, and nothing can answer it into a loop.

use std::time::Duration;

use mail_queue::QueueId;
use mailstore::{Error, Maildir, NoticeDue, Quota};

use crate::error::DeliveryError;
use crate::local::{Inner, LocalDelivery};
use crate::notice::{Both, compose};
use crate::outbound::Language;
use crate::warning::Reserved;

/// What the owner of a mailbox is told of a message with a virus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirusNotice {
    /// The address that the notice is from.
    pub from: String,
    /// None: in both, since nobody knows who reads it.
    pub language: Option<Language>,
    /// The message's name in the log.
    pub queue_id: QueueId,
    /// Whom the message is said to be from; nobody, if empty.
    pub sender: String,
    /// By the name of its signature.
    pub virus: String,
    /// It waits for an operator; otherwise it was refused.
    pub held: bool,
    /// Nobody is told more often than once in so long; to be said.
    pub every: Duration,
}

/// The right to tell the owner of a mailbox now. Dropped, it has told nothing, and the next virus may.
#[derive(Debug)]
pub struct VirusNoticeDue {
    local: LocalDelivery,
    maildir: Maildir,
    quota: Quota,
    /// By which the message was for it.
    address: String,
    due: NoticeDue,
}

impl LocalDelivery {
    /// The right to tell the owner of a mailbox, unless that was done within this time. In a flood of viruses it costs no more than a
    /// look at a file.
    ///
    /// # Errors
    /// Our own trouble; the message has nothing to do with it.
    pub async fn virus_notice_due(
        &self,
        owner: &Reserved,
        every: Duration,
    ) -> Result<Option<VirusNoticeDue>, DeliveryError> {
        let (local, address) = (self.clone(), owner.address.clone());
        let (maildir, quota) = (owner.reservation.maildir().clone(), owner.reservation.quota());
        let job = move || {
            let due = match maildir.virus_notice_due(every) {
                // The first message of an account.
                Err(Error::NotMaildir(_)) => {
                    local.inner.create(&maildir)?;
                    maildir.virus_notice_due(every)?
                }
                due => due?,
            };
            Ok(due.map(|due| VirusNoticeDue { local, maildir, quota, address, due }))
        };
        self.inner.pool.run(job).await?
    }
}

impl VirusNoticeDue {
    /// Tells it.
    ///
    /// # Errors
    /// Our own trouble: the owner was not told, or may be told once more before long.
    pub async fn tell(self, notice: VirusNotice) -> Result<(), DeliveryError> {
        let Self { local, maildir, quota, address, due } = self;
        let inner = local.inner.clone();
        let job = move || {
            let (subject, text) = notice.words(&address);
            let id = inner.namer.next().to_string();
            let message = compose(&notice.from, &address, &id, subject, text)?;
            inner.put_notice(&maildir, quota, &message)?;
            Ok(due.told()?)
        };
        local.inner.pool.run(job).await?
    }
}

impl Inner {
    fn create(&self, maildir: &Maildir) -> Result<(), Error> {
        // Below a root that is there: one whose file system went away is not made anew.
        self.files
            .stat(&self.config.maildirs)
            .map_err(|e| Error::new("look at", &self.config.maildirs, e))?;
        Maildir::create_on(self.files.clone(), maildir.path()).map(drop)
    }
}

impl VirusNotice {
    fn words(&self, address: &str) -> (String, String) {
        let subject = match self.held {
            true => Both("ウイルスを含むメールを保留しました", "A message with a virus is held back"),
            false => Both("ウイルスを含むメールの受信を拒否しました", "A message with a virus was refused"),
        };
        let (japanese, english) = (self.japanese(address), self.english(address));
        (subject.on_one_line(self.language), Both(&japanese, &english).one_below_the_other(self.language))
    }

    fn japanese(&self, address: &str) -> String {
        let (done, further) = match self.held {
            true => ("お届けせずに保留しています", "お心当たりのあるメールでしたら、お問い合わせください"),
            false => ("受信を拒否しました", "お客様の操作は必要ありません"),
        };
        let from = if self.sender.is_empty() { "(なし)" } else { &self.sender };
        format!(
            "{address} 様\r\n\r\n\
             お客様あてのメールからウイルスが見つかったため、{done}。\r\n{further}。\r\n\r\n\
             差出人 (偽装されていることがあります): {from}\r\nウイルス名: {}\r\n受付番号: {}\r\n\r\n\
             このお知らせは、ウイルスがいくつ届いても{}に 1 通までです。\r\n\r\n",
            self.virus,
            self.queue_id,
            spoken(self.every, ["日", "時間", "分", "秒"], "")
        )
    }

    fn english(&self, address: &str) -> String {
        let (done, further) = match self.held {
            true => ("is held back", "If you wait for this message, please ask us."),
            false => ("was refused", "There is nothing you need to do."),
        };
        let from = if self.sender.is_empty() { "(nobody)" } else { &self.sender };
        format!(
            "A message for {address} {done}:\r\na virus was found in it. {further}\r\n\r\n\
             From (which may be forged): {from}\r\nVirus: {}\r\nOur reference: {}\r\n\r\n\
             However many viruses come, this is told once in {} at most.\r\n",
            self.virus,
            self.queue_id,
            spoken(self.every, ["day(s)", "hour(s)", "minute(s)", "second(s)"], " ")
        )
    }
}

/// A time in the largest unit that leaves no rest.
fn spoken(time: Duration, [days, hours, minutes, seconds]: [&str; 4], space: &str) -> String {
    let whole = time.as_secs().max(1);
    let units = [(24 * 3600, days), (3600, hours), (60, minutes), (1, seconds)];
    let (length, unit) =
        units.into_iter().find(|(length, _)| whole.is_multiple_of(*length)).unwrap_or((1, seconds));
    format!("{}{space}{unit}", whole / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(language: Option<Language>, held: bool) -> VirusNotice {
        VirusNotice {
            from: "postmaster@example.jp".to_owned(),
            language,
            queue_id: QueueId::new(),
            sender: String::new(),
            virus: "Eicar-Test-Signature".to_owned(),
            held,
            every: Duration::from_secs(24 * 3600),
        }
    }

    #[test]
    fn v_03_a_notice_says_what_was_done_in_the_language_that_is_known_or_in_both() {
        for (language, held, there, not_there) in [
            (
                None,
                false,
                ["拒否しました / A message with a virus was refused", "was refused:", "拒否しました。"],
                "held",
            ),
            (
                None,
                true,
                ["保留しました / A message with a virus is held", "is held back:", "保留しています。"],
                "refused",
            ),
            (Some(Language::Japanese), false, ["受信を拒否", "差出人", "1日に 1 通まで"], "Virus:"),
            (Some(Language::English), false, ["was refused", "(nobody)", "once in 1 day(s)"], "様"),
        ] {
            let notice = notice(language, held);
            let (subject, text) = notice.words("taro@example.jp");
            let all = format!("{subject}\r\n{text}");
            for part in
                there.into_iter().chain(["taro@example.jp", "Eicar-Test", &notice.queue_id.to_string()])
            {
                assert!(all.contains(part), "{part}\n{all}");
            }
            assert!(!all.contains(not_there), "{not_there}\n{all}");
            assert!(
                text.split_inclusive("\r\n").all(|line| line.trim_end_matches("\r\n").lines().count() <= 1)
            );
        }
    }

    #[test]
    fn a_time_is_said_in_the_unit_that_fits() {
        let say = |seconds| spoken(Duration::from_secs(seconds), ["d", "h", "m", "s"], " ");
        for (seconds, said) in [(172_800, "2 d"), (90_000, "25 h"), (5400, "90 m"), (61, "61 s"), (0, "1 s")]
        {
            assert_eq!(say(seconds), said);
        }
    }
}
