//! Accepted mail that waits for other hosts, or for an operator to release it: a second time, and back.
//!
//! What a backup holds may have been sent since, and nobody can know: so it comes back held, for the operator to look at, and to release
//! or to drop. Nothing is sent twice by itself.

use std::collections::HashMap;
use std::fs;

use delivery::outbound::Order;
use mail_queue::{Copied, QueueId, Spool, SpoolConfig, View};
use mailstore::Draft;

use super::place::{Hash, Place, failed};
use super::run::{Queued, Run};
use crate::config::Settings;
use crate::failure::Failure;

impl From<mail_queue::Error> for Failure {
    fn from(error: mail_queue::Error) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Copies every message that waits at this moment; those that cannot be read, and why, go into `unreadable`.
pub(super) fn take(place: &Place, view: &View, unreadable: &mut Vec<String>) -> Result<Vec<Queued>, Failure> {
    // The octets of a message never change: those of the last backup need not be read again.
    let last = place.run(None).map(|run| run.queue).unwrap_or_default();
    let known: HashMap<&str, &Queued> = last.iter().map(|queued| (&*queued.id, queued)).collect();
    let mut all = Vec::new();
    for id in view.ids()? {
        let (copied, file) = match view.copied(id) {
            Ok(Some(found)) => found,
            // Settled since it was listed.
            Ok(None) => continue,
            Err(error) => {
                unreadable.push(format!("queue: {id}: {error}"));
                continue;
            }
        };
        let name = id.to_string();
        let before = known.get(&*name).and_then(|queued| Some((Hash::parse(&queued.body)?, queued.octets)));
        let (body, octets) = match before.filter(|(hash, _)| place.object(hash).exists()) {
            Some(known) => known,
            None => match place.copy(file) {
                Ok(kept) => kept?,
                Err(error) => {
                    unreadable.push(format!("queue: {id}: {error}"));
                    continue;
                }
            },
        };
        let text = |text: &[u8]| place.keep_text(text).map(|hash| hash.as_str().to_owned());
        all.push(Queued {
            id: name,
            envelope: text(&copied.envelope)?,
            progress: copied.progress.as_deref().map(text).transpose()?,
            body: body.as_str().to_owned(),
            octets,
            here: copied.here,
        });
    }
    Ok(all)
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// Messages that are in the queue now, held.
    pub(super) held: usize,
    /// Messages that could not be restored, and why.
    pub(super) damaged: Vec<String>,
}

/// Puts the messages of a backup into the queue, held. A message that is there stays as it is.
///
/// They are put into a queue directory of their own first, which the daemon that owns the queue, or, where none runs, this command then
/// takes over: so it does not matter whether one runs.
pub(super) async fn restore(settings: &Settings, place: &Place, run: &Run) -> Result<Restored, Failure> {
    let mut restored = Restored::default();
    if run.queue.is_empty() {
        return Ok(restored);
    }
    let store = &settings.config.store;
    let own = store.queue.join("restored");
    let reason = format!("restored from the backup {}; it may have been sent since", run.name);
    let there = View::new(&store.queue).ids()?;
    let config = SpoolConfig {
        queue: own.clone(),
        maildirs: store.maildirs.clone(),
        host: settings.config.node.clone(),
    };
    let (spool, _) = Spool::open(config)?;
    for queued in &run.queue {
        if QueueId::parse(&queued.id).is_some_and(|id| there.contains(&id)) {
            continue;
        }
        match put(&spool, place, queued, &reason) {
            Ok(true) => restored.held += 1,
            Ok(false) => {}
            Err(failure) => restored.damaged.push(format!("queue: {}: {failure}", queued.id)),
        }
    }
    drop(spool);
    crate::queue::order(settings, Order::Adopt(std::path::absolute(&own).unwrap_or(own.clone()))).await?;
    // It is empty now; what could not be understood would be in it still.
    if View::new(&own).ids()?.is_empty() {
        fs::remove_dir_all(&own).map_err(|error| failed("remove", &own, &error))?;
    }
    Ok(restored)
}

fn put(spool: &Spool, place: &Place, queued: &Queued, reason: &str) -> Result<bool, Failure> {
    let hash = |text: &str| {
        Hash::parse(text).ok_or_else(|| Failure::Refused("a part of it has no name in this backup".into()))
    };
    let progress = queued.progress.as_deref().map(|text| place.read(&hash(text)?)).transpose()?;
    let copied =
        Copied { envelope: place.read(&hash(&queued.envelope)?)?, progress, here: queued.here.clone() };
    let body = hash(&queued.body)?;
    spool.put_back(&copied, reason, |draft: &mut Draft| {
        place.pour(&body, |piece| draft.write(piece).map_err(Failure::from))
    })
}
