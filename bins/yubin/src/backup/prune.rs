//! Old backups are removed, and what no other holds.

use std::collections::HashSet;

use super::place::{Hash, Place};
use super::run::{Queued, Run};
use crate::failure::Failure;

/// Keeps the newest; how many backups are gone.
pub(super) fn prune(place: &Place, keep: usize) -> Result<usize, Failure> {
    let runs = place.runs()?;
    let (old, kept) = runs.split_at(runs.len().saturating_sub(keep));
    let kept: Vec<Run> = kept.iter().map(|name| place.run(Some(name))).collect::<Result<_, _>>()?;
    let mut wanted: HashSet<Hash> = HashSet::new();
    for run in &kept {
        wanted.extend(Hash::parse(&run.accounts));
        wanted.extend(run.queue.iter().flat_map(Queued::objects).filter_map(Hash::parse));
        for mailbox in &run.mailboxes {
            wanted.extend(mailbox.imported.as_deref().and_then(Hash::parse));
            // Before anything is removed: a list that cannot be read ends this, and nothing is lost.
            if let Some(list) = Hash::parse(&mailbox.list).filter(|list| !wanted.contains(list)) {
                wanted.extend(place.list(&list)?.entries.into_iter().map(|entry| entry.hash));
                wanted.insert(list);
            }
        }
    }
    for name in old {
        place.forget_run(name)?;
    }
    // Of the last backup are those of its accounts: what is known is in it.
    place.keep_known(kept.last().into_iter().flat_map(|run| run.mailboxes.iter().map(|it| &*it.mailbox)))?;
    place.settle()?;
    place.sweep(|hash| wanted.contains(hash))?;
    Ok(old.len())
}
