//! The queue of an account that is suspended: held at once, and looked at before anything of it leaves again.

use delivery::outbound::{Order, suspended};
use mail_queue::{Outbound, QueueId, View};

use crate::config::Settings;
use crate::failure::Failure;
use crate::queue;

/// Holds what an account submitted and what still waits here; how many messages are held because of its suspension now. Other machines
/// hold theirs when they would have been tried.
pub(crate) async fn hold(settings: &Settings, login: &str) -> Result<usize, Failure> {
    for id in of(settings, login, |waiting| waiting.progress.hold.is_none())? {
        order(settings, Order::Hold(id, suspended(login))).await?;
    }
    Ok(because(settings, login)?.len())
}

/// How many messages are held here because an account is or was suspended.
pub(crate) fn count(settings: &Settings, login: &str) -> Result<usize, Failure> {
    Ok(because(settings, login)?.len())
}

/// Lets them go on; how many are held all the same.
pub(crate) async fn release(settings: &Settings, login: &str) -> Result<usize, Failure> {
    let ids = because(settings, login)?;
    for id in &ids {
        order(settings, Order::Release(*id)).await?;
    }
    let (view, why) = (View::new(&settings.config.store.queue), suspended(login));
    let held = |id: &&QueueId| {
        view.outbound(**id).ok().flatten().is_some_and(|waiting| waiting.progress.hold.as_ref() == Some(&why))
    };
    Ok(ids.iter().filter(held).count())
}

/// What to do with what is held.
pub(crate) fn advice(login: &str, held: usize) -> String {
    format!(
        "{held} messages of it are held in the queue. To look at them, and then to do one of two:\n  \
         yubin queue list --account {login} --held\n  \
         yubin queue drop --account {login} --held --reason spam\n  \
         yubin account resume {login} --release-queue"
    )
}

fn because(settings: &Settings, login: &str) -> Result<Vec<QueueId>, Failure> {
    let why = suspended(login);
    of(settings, login, |waiting| waiting.progress.hold.as_ref() == Some(&why))
}

fn of(settings: &Settings, login: &str, which: impl Fn(&Outbound) -> bool) -> Result<Vec<QueueId>, Failure> {
    let view = View::new(&settings.config.store.queue);
    let ids = view.ids().map_err(|error| Failure::Refused(error.to_string()))?;
    // One that cannot be read is the daemon's to set aside.
    let found = ids.into_iter().filter_map(|id| view.outbound(id).ok().flatten());
    let theirs = found.filter(|waiting| waiting.envelope.account.as_deref() == Some(login) && which(waiting));
    Ok(theirs.map(|waiting| waiting.envelope.queue_id).collect())
}

/// One that was delivered meanwhile needs no order.
async fn order(settings: &Settings, order: Order) -> Result<(), Failure> {
    let (Order::Hold(id, _) | Order::Release(id)) = &order else { return Ok(()) };
    let id = *id;
    match queue::order(settings, order).await {
        Err(_) if matches!(View::new(&settings.config.store.queue).outbound(id), Ok(None)) => Ok(()),
        done => done.map(drop),
    }
}
