//! Who is to be tried when, in memory: some tens of octets a message, and no look at a message that is not due.
//!
//! A *destination* is what messages share a way to: a domain, or a smarthost. It has its messages in the order of their times, a limit
//! of sessions, and a back-off that all its messages share when no host of it answers: then one message at a time knocks, and when
//! somebody opens, all others follow. An agenda holds each destination that has something to do once, by the time when it may; so a
//! destination with a million messages costs another one nothing.
//!
//! A session that has nothing to do rests for a moment: the next message of its destination goes over the connection that is there. It
//! counts as any other, and goes as soon as somebody else needs its place.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use mail_queue::QueueId;
use tokio::sync::oneshot;

/// What messages share a way to.
pub(crate) type Key = Arc<str>;

/// How much at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Sessions in all.
    pub sessions: usize,
    /// Sessions for one destination.
    pub per_destination: usize,
    /// Sessions with one host, whatever they are for.
    pub per_host: usize,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { sessions: 200, per_destination: 20, per_host: 20 }
    }
}

/// All that waits.
#[derive(Debug, Default)]
pub(crate) struct Book {
    limits: Concurrency,
    destinations: HashMap<Key, Destination>,
    /// When a destination may be looked at; those of one time take turns.
    agenda: BTreeSet<(u64, u64, Key)>,
    turn: u64,
    sessions: usize,
    hosts: HashMap<String, Host>,
    /// Taken, and not [landed](Book::land) yet: nobody else tries them meanwhile.
    in_flight: HashSet<(Key, QueueId)>,
    /// Destinations with a session that rests.
    resting: HashSet<Key>,
    /// Nobody rests any more.
    ending: bool,
}

#[derive(Debug, Default)]
struct Destination {
    /// By time; whether the sender was told of the delay.
    waiting: BTreeMap<(u64, QueueId), bool>,
    active: usize,
    /// Those of the active ones that rest; the last is the latest.
    resting: Vec<Resting>,
    failures: u32,
    not_before: u64,
    /// Waits until this host has a session free.
    parked: bool,
    /// An operator wants it tried, whatever was learnt of its hosts.
    hurried: bool,
    /// Its place in the agenda.
    place: Option<(u64, u64)>,
}

/// A session that waits for its next message. Dropped, it waits no longer.
#[derive(Debug)]
struct Resting {
    host: String,
    next: oneshot::Sender<QueueId>,
}

/// What a session does next.
#[derive(Debug)]
pub(crate) enum Next {
    /// This message.
    Message(QueueId),
    /// It may wait for one, until somebody else needs its place.
    Rest(oneshot::Receiver<QueueId>),
    /// Nothing.
    End,
}

#[derive(Debug, Default)]
struct Host {
    active: usize,
    failures: u32,
    not_before: u64,
    parked: Vec<Key>,
}

/// How much there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Depth {
    /// Messages; one with several destinations counts for each.
    pub(crate) waiting: usize,
    /// The one that waits longest.
    pub(crate) oldest: Option<QueueId>,
    /// Those with the most messages first.
    pub(crate) destinations: Vec<(Key, usize)>,
}

/// Whether a host may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is taken, to be [given back](Book::leave_host).
    Yes,
    /// It did not answer lately; when it may be asked again.
    Dead(u64),
    /// It has as many sessions as it may.
    Full,
}

/// What holds a message back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Limiter {
    /// Its own time has not come.
    Schedule(u64),
    /// No host of the destination answered.
    DestinationDead(u64),
    /// As many sessions as the destination may have.
    DestinationFull,
    /// Its host has as many sessions as it may.
    HostFull,
    /// As many sessions as there may be in all.
    Sessions,
    /// Nothing: it is being tried, or will be at once.
    None,
}

impl Book {
    pub(crate) fn new(limits: Concurrency) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Messages in it; one with several destinations counts for each.
    pub(crate) fn len(&self) -> usize {
        self.destinations.values().map(|destination| destination.waiting.len()).sum()
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sessions
    }

    /// How much there is to do, with so many destinations; looks at each message, of which a million is some milliseconds.
    pub(crate) fn depth(&self, most: usize) -> Depth {
        let mut counts: HashMap<&Key, usize> = HashMap::new();
        let each = self.destinations.iter().filter(|(_, destination)| !destination.waiting.is_empty());
        counts.extend(each.map(|(key, destination)| (key, destination.waiting.len())));
        self.in_flight.iter().for_each(|(key, _)| *counts.entry(key).or_default() += 1);
        let waiting = counts.values().sum();
        let waits = self.destinations.values().flat_map(|it| it.waiting.keys().map(|(_, id)| *id));
        let oldest = waits.chain(self.in_flight.iter().map(|(_, id)| *id)).min();
        let mut destinations: Vec<(Key, usize)> =
            counts.into_iter().map(|(key, messages)| (key.clone(), messages)).collect();
        destinations.sort_unstable_by(|(key, messages), (other, more)| (more, key).cmp(&(messages, other)));
        destinations.truncate(most);
        Depth { waiting, oldest, destinations }
    }

    /// A message for a destination, to be tried at `next`. One that is being tried is put by who tries it, and by nobody else.
    pub(crate) fn put(&mut self, key: &Key, id: QueueId, next: u64, warned: bool) {
        if self.in_flight.contains(&(key.clone(), id)) {
            return;
        }
        let destination = self.destinations.entry(key.clone()).or_default();
        destination.waiting.insert((next, id), warned);
        self.place(key);
    }

    /// Takes a message out, wherever it stands; that may take long for a destination with very many, and is for operators only.
    pub(crate) fn remove(&mut self, id: QueueId) {
        let mut changed = Vec::new();
        for (key, destination) in &mut self.destinations {
            let before = destination.waiting.len();
            destination.waiting.retain(|(_, other), _| *other != id);
            if destination.waiting.len() != before {
                changed.push(key.clone());
            }
        }
        changed.iter().for_each(|key| self.place(key));
    }

    /// The next destination that may have one session more, which is opened hereby, with its first message; and when to look again if
    /// there is none. Sessions that rest get what there is for them.
    pub(crate) fn open(&mut self, now: u64) -> Result<(Key, QueueId), Option<u64>> {
        loop {
            let Some((time, _, key)) = self.agenda.first() else { return Err(None) };
            if *time > now {
                return Err(Some(*time));
            }
            let key = key.clone();
            if self.resting.contains(&key) {
                self.wake(&key, now);
                continue;
            }
            if self.sessions >= self.limits.sessions {
                // Its end is heard of.
                self.dismiss(None);
                return Err(None);
            }
            self.sessions += 1;
            if let Some(destination) = self.destinations.get_mut(&key) {
                destination.active += 1;
            }
            return match self.take(&key, now) {
                Some(id) => Ok((key, id)),
                // The agenda holds nobody who has nothing to do.
                None => {
                    self.close(&key);
                    Err(None)
                }
            };
        }
    }

    /// Gives the first message of a destination to a session of it that rests; where none does after all, none is said to.
    fn wake(&mut self, key: &Key, now: u64) {
        if let Some(id) = self.first(key, now) {
            while let Some(resting) = self.destinations.get_mut(key).and_then(|it| it.resting.pop()) {
                // It may have grown tired this instant.
                if resting.next.send(id).is_ok() {
                    self.take(key, now);
                    return;
                }
            }
        }
        self.dismiss_of(key, None);
    }

    /// Sessions that rest end: those with this host, or those of one destination.
    pub(crate) fn dismiss(&mut self, host: Option<&str>) {
        let all: Vec<Key> = self.resting.iter().cloned().collect();
        let most = if host.is_some() { all.len() } else { 1 };
        all.iter().take(most).for_each(|key| self.dismiss_of(key, host));
    }

    fn dismiss_of(&mut self, key: &Key, host: Option<&str>) {
        let Some(destination) = self.destinations.get_mut(key) else { return };
        destination.resting.retain(|resting| host.is_some_and(|host| resting.host != host));
        self.place(key);
    }

    /// All sessions that rest end, and none rests any more.
    pub(crate) fn end(&mut self) {
        self.ending = true;
        for key in self.resting.clone() {
            self.dismiss_of(&key, None);
        }
    }

    /// A session of this destination asks for its next message, or whether it may rest with its host.
    pub(crate) fn next(&mut self, key: &Key, now: u64, host: Option<&str>) -> Next {
        if let Some(id) = self.take(key, now) {
            return Next::Message(id);
        }
        let Some(destination) = self.destinations.get_mut(key) else { return Next::End };
        let Some(host) = host.filter(|_| !self.ending) else { return Next::End };
        // Somebody waits for its place already.
        let full =
            self.sessions >= self.limits.sessions && self.agenda.first().is_some_and(|(at, ..)| *at <= now);
        if full || self.hosts.get(host).is_none_or(|host| !host.parked.is_empty()) {
            return Next::End;
        }
        let (next, receiver) = oneshot::channel();
        destination.resting.retain(|resting| !resting.next.is_closed());
        destination.resting.push(Resting { host: host.to_owned(), next });
        self.resting.insert(key.clone());
        self.place(key);
        Next::Rest(receiver)
    }

    /// The message of a destination that is to be tried now.
    fn first(&self, key: &Key, now: u64) -> Option<QueueId> {
        let destination = self.destinations.get(key)?;
        let (next, id) = destination.waiting.first_key_value().map(|(at, _)| *at)?;
        (next <= now && destination.not_before <= now).then_some(id)
    }

    /// A session of this destination takes its next message.
    pub(crate) fn take(&mut self, key: &Key, now: u64) -> Option<QueueId> {
        let id = self.first(key, now)?;
        let destination = self.destinations.get_mut(key)?;
        destination.waiting.pop_first();
        self.in_flight.insert((key.clone(), id));
        self.place(key);
        Some(id)
    }

    /// What was taken is done with, and may be put again.
    pub(crate) fn land(&mut self, key: &Key, id: QueueId) {
        self.in_flight.remove(&(key.clone(), id));
    }

    /// A session is over.
    pub(crate) fn close(&mut self, key: &Key) {
        self.sessions = self.sessions.saturating_sub(1);
        if let Some(destination) = self.destinations.get_mut(key) {
            destination.active = destination.active.saturating_sub(1);
            destination.resting.retain(|resting| !resting.next.is_closed());
        }
        self.place(key);
    }

    /// A host of the destination answers.
    pub(crate) fn alive(&mut self, key: &Key) {
        if let Some(destination) = self.destinations.get_mut(key) {
            (destination.failures, destination.not_before) = (0, 0);
        }
        self.place(key);
    }

    /// No host of the destination answers: nobody is tried before `until(failures)`. Sessions that fail together count as one.
    pub(crate) fn dead(&mut self, key: &Key, now: u64, until: impl FnOnce(u32) -> u64) {
        if let Some(destination) = self.destinations.get_mut(key)
            && destination.not_before <= now
        {
            destination.failures += 1;
            destination.not_before = until(destination.failures);
        }
        self.place(key);
    }

    /// Those of a dead destination whose time is over, or whose sender is to be told of the delay, taken out.
    pub(crate) fn overdue(&mut self, key: &Key, mut due: impl FnMut(QueueId, bool) -> bool) -> Vec<QueueId> {
        let Some(destination) = self.destinations.get_mut(key) else { return Vec::new() };
        let mut overdue = Vec::new();
        destination.waiting.retain(|(_, id), warned| {
            let is = due(*id, *warned);
            if is {
                overdue.push(*id);
            }
            !is
        });
        self.in_flight.extend(overdue.iter().map(|id| (key.clone(), *id)));
        self.place(key);
        overdue
    }

    /// All messages of a destination are tried at once, whatever was said of it or of its hosts before. To be said before they are
    /// [put](Book::put).
    pub(crate) fn hurry(&mut self, key: &Key) {
        self.destinations.entry(key.clone()).or_default().hurried = true;
        self.alive(key);
    }

    /// Whether the session that asks is the one to [forget](Book::forget_host) what was learnt of the hosts.
    pub(crate) fn take_hurry(&mut self, key: &Key) -> bool {
        self.destinations.get_mut(key).is_some_and(|destination| std::mem::take(&mut destination.hurried))
    }

    /// A host may be asked at once.
    pub(crate) fn forget_host(&mut self, host: &str) {
        if let Some(place) = self.hosts.get_mut(host) {
            (place.failures, place.not_before) = (0, 0);
        }
    }

    /// Asks for a session with a host.
    pub(crate) fn enter_host(&mut self, host: &str, now: u64) -> Turn {
        let place = self.hosts.entry(host.to_owned()).or_default();
        if place.not_before > now {
            return Turn::Dead(place.not_before);
        }
        // One that did not answer is asked by one alone.
        let most = if place.failures > 0 { 1 } else { self.limits.per_host };
        if place.active >= most {
            return Turn::Full;
        }
        place.active += 1;
        Turn::Yes
    }

    /// A session with a host is over. `answered`: whether it was there; if not, when it may be asked again.
    pub(crate) fn leave_host(&mut self, host: &str, now: u64, answered: Result<(), impl FnOnce(u32) -> u64>) {
        let Some(place) = self.hosts.get_mut(host) else { return };
        place.active = place.active.saturating_sub(1);
        match answered {
            Ok(()) => (place.failures, place.not_before) = (0, 0),
            Err(until) if place.not_before <= now => {
                place.failures += 1;
                place.not_before = until(place.failures);
            }
            Err(_) => {}
        }
        let parked = std::mem::take(&mut place.parked);
        if place.active == 0 && place.failures == 0 && parked.is_empty() {
            self.hosts.remove(host);
        }
        for key in parked {
            if let Some(destination) = self.destinations.get_mut(&key) {
                destination.parked = false;
            }
            self.place(&key);
        }
    }

    /// A host was [full](Turn::Full): the destination waits until one of its sessions is over.
    pub(crate) fn park(&mut self, key: &Key, host: &str) {
        let Some(place) = self.hosts.get_mut(host) else { return };
        // The last session may have ended between the answer and this.
        if place.active == 0 {
            return;
        }
        if let Some(destination) = self.destinations.get_mut(key)
            && !destination.parked
        {
            destination.parked = true;
            place.parked.push(key.clone());
        }
        self.place(key);
    }

    /// What holds a message of this destination back that is to be tried at `next`.
    pub(crate) fn limiter(&self, key: &Key, next: u64, now: u64) -> Limiter {
        let Some(destination) = self.destinations.get(key) else { return Limiter::None };
        match destination {
            _ if next > now => Limiter::Schedule(next),
            Destination { not_before, .. } if *not_before > now => Limiter::DestinationDead(*not_before),
            Destination { parked: true, .. } => Limiter::HostFull,
            _ if !destination.has_room(self.limits) => Limiter::DestinationFull,
            _ if self.sessions >= self.limits.sessions && self.resting.is_empty() => Limiter::Sessions,
            _ => Limiter::None,
        }
    }

    /// Puts a destination where it belongs in the agenda, and takes it from where it belongs no more.
    fn place(&mut self, key: &Key) {
        let Some(destination) = self.destinations.get_mut(key) else { return };
        if destination.resting.is_empty() {
            self.resting.remove(key);
        }
        let due = destination.waiting.first_key_value().map(|((next, _), _)| *next);
        let free = destination.has_room(self.limits) && !destination.parked;
        let wanted = due.filter(|_| free).map(|due| due.max(destination.not_before));
        if let Some((time, turn)) = destination.place.take() {
            self.agenda.remove(&(time, turn, key.clone()));
        }
        if let Some(time) = wanted {
            self.turn += 1;
            destination.place = Some((time, self.turn));
            self.agenda.insert((time, self.turn, key.clone()));
        }
        if destination.waiting.is_empty()
            && destination.active == 0
            && destination.failures == 0
            && !destination.hurried
        {
            self.destinations.remove(key);
        }
    }
}

impl Destination {
    /// Sessions at once: no more than there are messages, and one alone asks a destination that did not answer.
    fn most(&self, limits: Concurrency) -> usize {
        if self.failures > 0 { 1 } else { limits.per_destination }
    }

    /// Whether one more message can be tried at once.
    fn has_room(&self, limits: Concurrency) -> bool {
        self.active < self.most(limits) || !self.resting.is_empty()
    }
}

#[cfg(test)]
mod tests;
