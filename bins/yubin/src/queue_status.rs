//! `yubin queue status`: how much waits, since when, and for whom.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use delivery::outbound::{Counts, Order, ask};
use mail_queue::{Outbound, QueueId, View};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Output, facts, time};

#[derive(Debug, Serialize)]
struct Status {
    /// Messages that wait for other hosts.
    waiting: u64,
    /// Messages that nobody gets before they are released.
    held: u64,
    /// Files that the daemon could not understand, and where they lie.
    corrupt: u64,
    corrupt_place: PathBuf,
    /// Of those that wait, when the oldest came, and how many seconds ago.
    oldest: Option<Oldest>,
    /// Domains with waiting recipients, those with the most messages first.
    destinations: Vec<Destination>,
    /// What the daemon has done, if one runs.
    daemon: Option<Done>,
}

#[derive(Debug, Serialize)]
struct Oldest {
    id: String,
    arrived: String,
    seconds: u64,
}

#[derive(Debug, Serialize)]
struct Destination {
    domain: String,
    messages: u64,
}

#[derive(Debug, Serialize)]
struct Done {
    since: String,
    sessions: u64,
    delivered: u64,
    deferred: u64,
    failed: u64,
}

/// Looks at every message's envelope, so with very many it takes a while; changes nothing.
pub(crate) async fn run(queue: &Path, top: usize, output: Output) -> Result<(), Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::Refused(error.to_string());
    let answer = ask(queue, &Order::Status).await.map_err(|error| refused(&error))?;
    let view = View::new(queue);
    let mut tally = Tally::default();
    for id in view.ids().map_err(|error| refused(&error))? {
        // One that cannot be read is the daemon's to set aside.
        if let Some(waiting) = view.outbound(id).ok().flatten() {
            tally.count(&waiting);
        }
    }
    let daemon = answer.as_deref().and_then(Counts::parse).map(Done::from);
    let corrupt = view.corrupt().map_err(|error| refused(&error))?;
    output.print(&tally.status(top, daemon, (corrupt, queue.join("corrupt"))), as_facts)
}

#[derive(Debug, Default)]
struct Tally {
    waiting: u64,
    held: u64,
    oldest: Option<QueueId>,
    domains: HashMap<String, u64>,
}

impl Tally {
    fn count(&mut self, Outbound { envelope, progress, .. }: &Outbound) {
        if progress.hold.is_some() {
            self.held += 1;
            return;
        }
        self.waiting += 1;
        self.oldest = Some(self.oldest.map_or(envelope.queue_id, |oldest| oldest.min(envelope.queue_id)));
        let each = envelope.remotes.iter().zip(&progress.recipients);
        let mut domains: Vec<String> =
            each.filter(|(_, standing)| standing.fate.is_open()).map(|(remote, _)| remote.domain()).collect();
        domains.sort_unstable();
        domains.dedup();
        domains.into_iter().for_each(|domain| *self.domains.entry(domain).or_default() += 1);
    }

    fn status(self, top: usize, daemon: Option<Done>, (corrupt, corrupt_place): (u64, PathBuf)) -> Status {
        let mut destinations: Vec<Destination> =
            self.domains.into_iter().map(|(domain, messages)| Destination { domain, messages }).collect();
        destinations
            .sort_unstable_by(|one, other| (other.messages, &one.domain).cmp(&(one.messages, &other.domain)));
        destinations.truncate(top);
        let oldest = self.oldest.map(|id| {
            let arrived = i64::try_from(id.micros() / 1_000_000).unwrap_or(i64::MAX);
            let age = jiff::Timestamp::now().as_second().saturating_sub(arrived);
            Oldest {
                id: id.to_string(),
                arrived: time(arrived),
                seconds: u64::try_from(age).unwrap_or_default(),
            }
        });
        Status {
            waiting: self.waiting,
            held: self.held,
            corrupt,
            corrupt_place,
            oldest,
            destinations,
            daemon,
        }
    }
}

impl From<Counts> for Done {
    fn from(counts: Counts) -> Self {
        let Counts { since, sessions, delivered, deferred, failed } = counts;
        let since = time(i64::try_from(since).unwrap_or(i64::MAX));
        Self { since, sessions, delivered, deferred, failed }
    }
}

fn as_facts(status: &Status) -> String {
    let mut all = vec![("waiting", status.waiting.to_string()), ("held", status.held.to_string())];
    if status.corrupt > 0 {
        let place = status.corrupt_place.display();
        all.push((
            "corrupt",
            format!(
                "{} files in {place}: the daemon could not understand them, and logged why",
                status.corrupt
            ),
        ));
    }
    if let Some(Oldest { id, arrived, seconds }) = &status.oldest {
        all.push(("oldest", format!("{id}, {arrived} ({seconds} seconds ago)")));
    }
    let each = status.destinations.iter().map(|it| format!("{} {}", it.messages, it.domain));
    all.push(("for", each.collect::<Vec<_>>().join("\n")));
    match &status.daemon {
        None => all.push(("daemon", String::from("none runs that would send anything"))),
        Some(Done { since, sessions, delivered, deferred, failed }) => {
            all.push(("sessions", sessions.to_string()));
            all.push(("since", since.clone()));
            all.push(("delivered", format!("{delivered} recipients")));
            all.push(("deferred", format!("{deferred} tries")));
            all.push(("failed", format!("{failed} recipients")));
        }
    }
    facts(&all)
}
