//! What becomes of a message when it is known what is in it, or that nobody knows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use daemon_kit::config::{OnFail, OnVirus, OverSize};
use daemon_kit::log::event;
use delivery::QueueId;
use smtp_proto::Reply;

use super::{Outcome, Scan};
use crate::replies;

/// What becomes of a message.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// It is taken; what its log line says of it.
    Take(&'static str),
    /// It is taken, and nobody gets it before an operator says so; why.
    Hold(String),
    /// It is not, with the reason for the log.
    Refuse(Reply, &'static str),
}

/// A message with a virus, as those whom it was for are told of it.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) virus: String,
    /// It waits for an operator; otherwise it was refused.
    pub(crate) held: bool,
    /// Nobody is told more often than once in so long.
    pub(crate) every: Duration,
}

impl Judgement {
    /// The word of it, for the log.
    fn word(&self) -> &'static str {
        match self {
            Self::Take(_) => "accepted",
            Self::Hold(_) => "held",
            Self::Refuse(..) => "refused",
        }
    }
}

/// Of a message that was taken without having been looked through, though it should have been.
const UNCHECKED: &str = "unchecked";

impl Scan {
    /// Waits for clamd's word on the complete message, and logs what is worth it: no message that should be looked through is taken
    /// without, unless a line says so.
    /// Of a virus somebody may have to be told.
    pub(crate) async fn judge(
        self,
        queue_id: QueueId,
        from: &str,
        account: Option<&str>,
    ) -> (Judgement, Option<Stopped>) {
        let (scanner, octets) = (self.scanner.clone(), self.octets);
        let count = |of: &AtomicU64| of.fetch_add(1, Ordering::Relaxed) + 1;
        let judgement = match self.finish().await {
            Outcome::Clean => Judgement::Take("clean"),
            Outcome::Virus(virus) => {
                let judgement = match scanner.settings.on_virus {
                    OnVirus::Reject => Judgement::Refuse(replies::VIRUS_FOUND, "virus"),
                    OnVirus::Hold => Judgement::Hold(format!("virus: {virus}")),
                };
                let (done, count) = (judgement.word(), count(&scanner.found));
                tracing::warn!(event = event::VIRUS_FOUND, %queue_id, from, account, virus, done, count);
                let held = matches!(judgement, Judgement::Hold(_));
                let stopped = scanner.settings.owner_notice.map(|every| Stopped { virus, held, every });
                return (judgement, stopped);
            }
            Outcome::Failed(reason) => {
                let judgement = match scanner.settings.on_fail {
                    OnFail::Tempfail => Judgement::Refuse(replies::VIRUS_CHECK_FAILED, "virus_check_failed"),
                    OnFail::Accept => Judgement::Take(UNCHECKED),
                    OnFail::Hold => Judgement::Hold(format!("not checked for viruses: {reason}")),
                };
                let (done, count) = (judgement.word(), count(&scanner.failed));
                tracing::error!(event = event::VIRUS_CHECK_FAILED, %queue_id, from, account, reason, done, count);
                judgement
            }
            Outcome::OverSize => {
                let judgement = match scanner.settings.over_size {
                    OverSize::Accept => Judgement::Take(UNCHECKED),
                    OverSize::Reject => Judgement::Refuse(replies::TOO_BIG_TO_CHECK, "too_big_to_check"),
                    OverSize::Hold => Judgement::Hold(String::from("not checked for viruses: too big")),
                };
                let (done, count) = (judgement.word(), count(&scanner.skipped));
                tracing::warn!(event = event::VIRUS_CHECK_SKIPPED, %queue_id, from, account, octets, done, count);
                judgement
            }
        };
        (judgement, None)
    }
}
