//! A session's work for one destination: message after message, over one connection as long as it holds.

use std::sync::Arc;

use mail_queue::{Envelope, Fate, Octets, Outbound as Waiting, Progress, QueueId, Remote};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::agent::Agent;
use super::arrivals::Fresh;
use super::book::{Key, Next, Turn};
use super::config::TlsPolicy;
use super::guards::{Busy, Connected, Flight};
use super::letter::examine;
use super::limits;
use super::outcome::{Kind, Outcome};
use super::peer::{Broken, Opening, Peer};
use super::record::Tried;
use super::report::{Occasion, Told, wishes};
use super::resolve::NoAnswer;
use super::route::{Nexthop, addresses, nexthop, targets, unreachable};
use super::schedule::arrived;
use super::transaction::Message;

/// Why there is no connection.
enum NoPeer {
    /// For this reason, to be told to whom it concerns; and whether nobody else need try.
    Because(Outcome, bool),
    /// The host has as many sessions as it may.
    Full(String),
}

impl Agent {
    /// One session for a destination, until nothing of it is due.
    pub(crate) async fn serve(self: Arc<Self>, key: Key, first: QueueId) {
        let busy = Busy::new(self.clone(), key.clone());
        let mut connected = None;
        let mut next = Some(first);
        while let Some(id) = next {
            if !self.clone().deliver(&key, id, &mut connected).await {
                break;
            }
            let spent = |connected: &Connected| {
                connected.peer.as_ref().is_none_or(|peer| peer.used >= limits::MESSAGES)
            };
            if connected.as_ref().is_some_and(spent) {
                hang_up(connected.take()).await;
            }
            // One that has just refused something may do so because of this session.
            let good =
                connected.as_ref().filter(|it| it.peer.as_ref().is_some_and(|peer| peer.took_the_last));
            next = self.next(&key, good.map(|it| &*it.name)).await;
        }
        drop(busy);
        hang_up(connected).await;
    }

    /// What a session tries next, which may come a moment later to one that has a connection to this host.
    async fn next(&self, key: &Key, host: Option<&str>) -> Option<QueueId> {
        if self.is_stopping() {
            return None;
        }
        let next = self.book().next(key, self.clock.now(), host);
        let mut coming = match next {
            Next::Message(id) => return Some(id),
            Next::End => return None,
            Next::Rest(coming) => coming,
        };
        match timeout(limits::REST, &mut coming).await {
            Ok(id) => id.ok(),
            Err(_) => {
                // What came in this instant is not lost.
                coming.close();
                coming.try_recv().ok()
            }
        }
    }

    /// Tries one message; whether the session may go on.
    async fn deliver(self: Arc<Self>, key: &Key, id: QueueId, connected: &mut Option<Connected>) -> bool {
        let mut flight = Flight::new(self.clone(), key.clone(), id);
        let spool = self.spool().clone();
        let (waiting, octets) = match self.local.inner.arrivals.take_fresh(id) {
            Some(Fresh { waiting, octets }) => (waiting, Some(octets)),
            None => match self.local.inner.pool.run(move || spool.outbound(id)).await {
                Ok(Ok(Some(waiting))) if waiting.progress.hold.is_none() => (Arc::new(waiting), None),
                Ok(found) => {
                    flight.land();
                    self.enter(id, found).await;
                    return true;
                }
                Err(_) => return false,
            },
        };
        if !self.may_leave(&waiting).await {
            // It is looked at anew after a while: held by then, or asked about again.
            return true;
        }
        let now = self.clock.now();
        let mut due: Vec<(usize, &Remote)> = Vec::new();
        for (nth, remote) in waiting.envelope.remotes.iter().enumerate() {
            let open = waiting
                .progress
                .recipients
                .get(nth)
                .is_some_and(|recipient| recipient.fate == Fate::Waiting && recipient.next <= now);
            let envelope = &waiting.envelope;
            // What is sent on leaves under another sender's address, by itself.
            let fits = due.first().is_none_or(|(_, first): &(usize, &Remote)| {
                first.reverse_path(envelope) == remote.reverse_path(envelope)
            });
            let room = due.len() < limits::RECIPIENTS && fits;
            if open && room && nexthop(&self.config, &remote.address).key == *key {
                due.push((nth, remote));
            }
        }
        let Some((_, first)) = due.first() else {
            flight.land();
            self.schedule(&waiting);
            return true;
        };
        let nexthop = nexthop(&self.config, &first.address);
        match self.attempt(&nexthop, (&waiting, octets), &due, connected).await {
            Ok(tried) => {
                let dead = tried.dead;
                // What nobody had tried and all have now is no more than that.
                let untouched = waiting.progress == Progress::new(waiting.envelope.remotes.len());
                let all = tried.results.len() == waiting.envelope.remotes.len()
                    && tried.results.iter().all(|(_, outcome)| outcome.kind == Kind::Delivered);
                if untouched && all && self.settle(&mut flight, &waiting.envelope, &tried).await {
                    return true;
                }
                self.note(flight, &waiting.envelope, tried).await;
                if dead {
                    self.destination_is_dead(key).await;
                }
                !dead
            }
            Err(host) => {
                flight.land();
                let mut book = self.book();
                book.put(key, id, now, waiting.progress.warned);
                book.park(key, &host);
                false
            }
        }
    }

    /// `Err`: the host has no session free.
    async fn attempt(
        self: &Arc<Self>,
        nexthop: &Nexthop,
        (waiting, octets): (&Waiting, Option<Arc<[u8]>>),
        due: &[(usize, &Remote)],
        connected: &mut Option<Connected>,
    ) -> Result<Tried, String> {
        let all = |outcome: Outcome, dead| Tried {
            results: due.iter().map(|(nth, _)| (*nth, outcome.clone())).collect(),
            host: String::new(),
            tls: String::new(),
            dsn: false,
            dead,
            untried: false,
        };
        let recipients: Vec<&Remote> = due.iter().map(|(_, remote)| *remote).collect();
        loop {
            let message = match self.message(&waiting.envelope, octets.clone(), &recipients).await {
                Ok(message) => message,
                Err(outcome) => return Ok(all(outcome, false)),
            };
            let used = connected.as_ref().and_then(|it| it.peer.as_ref()).map_or(0, |peer| peer.used);
            if used == 0 {
                *connected = None;
                match self.connect(nexthop, waiting.envelope.queue_id).await {
                    Ok(peer) => *connected = Some(peer),
                    Err(NoPeer::Full(host)) => return Err(host),
                    Err(NoPeer::Because(outcome, dead)) => return Ok(all(outcome, dead)),
                }
            }
            let Some(peer) = connected.as_mut().and_then(|it| it.peer.as_mut()) else {
                return Ok(all(Outcome::deferred((4, 4, 1), "no session"), false));
            };
            let (host, tls) = (peer.host.clone(), peer.tls.clone());
            let dsn = peer.features().extensions.contains(smtp_proto::Extension::Dsn);
            match message.send(peer).await {
                Ok(outcomes) => {
                    let clean = outcomes.iter().all(|outcome| outcome.kind == Kind::Delivered);
                    peer.took_the_last = clean;
                    if !clean && !reset(peer).await {
                        *connected = None;
                    }
                    let results = due.iter().map(|(nth, _)| *nth).zip(outcomes).collect();
                    return Ok(Tried { results, host, tls, dsn, dead: false, untried: false });
                }
                // It may have grown tired between two messages, which says nothing of this one.
                Err(Broken::Io(_) | Broken::Protocol(_)) if used > 0 => *connected = None,
                Err(broken) => {
                    *connected = None;
                    let tried = all(broken.outcome(&host, "while the message was sent"), false);
                    return Ok(Tried { host, tls, ..tried });
                }
            }
        }
    }

    async fn message<'m>(
        &self,
        envelope: &'m Envelope,
        octets: Option<Arc<[u8]>>,
        recipients: &'m [&'m Remote],
    ) -> Result<Message<'m>, Outcome> {
        let (spool, id) = (self.spool().clone(), envelope.queue_id);
        let look = |mut octets: Octets| {
            let facts = examine(&mut octets).map_err(|error| error.to_string())?;
            Ok((octets, facts))
        };
        let trouble = |why: String| {
            tracing::error!(event = "store_failed", queue_id = %id, reason = why);
            Outcome::deferred((4, 3, 0), format!("the message cannot be read now: {why}"))
        };
        let opened = match octets {
            // No larger than a message that was kept in memory until its end.
            Some(octets) => look(Octets::of_memory(octets)),
            None => {
                let open = move || look(spool.open_body(id).map_err(|error| error.to_string())?);
                self.local.inner.pool.run(open).await.map_err(|error| trouble(error.to_string()))?
            }
        };
        let (octets, facts) = opened.map_err(trouble)?;
        if facts.hops > limits::HOPS {
            let why = format!("the message goes round in a loop: it has been through {} hosts", facts.hops);
            return Err(Outcome::failed((5, 4, 6), why));
        }
        Ok(Message { envelope, recipients, facts, octets })
    }

    /// A session with the first host that will have one.
    async fn connect(self: &Arc<Self>, nexthop: &Nexthop, id: QueueId) -> Result<Connected, NoPeer> {
        let (hostname, resolver) = (&self.config.hostname, &*self.resolver);
        let found = targets(resolver, &nexthop.way, hostname, id.micros()).await;
        let targets = found.map_err(|outcome| {
            let dead = !outcome.is_final();
            NoPeer::Because(outcome, dead)
        })?;
        let hurried = self.book().take_hurry(&nexthop.key);
        let (mut unknown, mut last, mut full) = (Vec::<NoAnswer>::new(), None, None);
        for target in targets.iter().take(limits::HOSTS) {
            let addresses = match addresses(resolver, target).await {
                Ok(addresses) => addresses,
                Err(why) => {
                    unknown.push(why);
                    continue;
                }
            };
            let place = format!("{}:{}", target.name, nexthop.port);
            if hurried {
                self.book().forget_host(&place);
            }
            let turn = self.book().enter_host(&place, self.clock.now());
            match turn {
                Turn::Yes => {}
                Turn::Full => {
                    // One that rests makes room, and is heard of when it has.
                    self.book().dismiss(Some(&place));
                    full.get_or_insert(place);
                    continue;
                }
                Turn::Dead(_) => {
                    let why = format!("{place} did not answer lately");
                    last.get_or_insert(Outcome::deferred((4, 4, 1), why));
                    continue;
                }
            }
            let opening = Opening {
                name: &target.name,
                addresses: &addresses,
                port: nexthop.port,
                hello: hostname,
                // Where TLS begins at once nobody would answer in clear text.
                policy: match nexthop.tls {
                    TlsPolicy::None | TlsPolicy::May if nexthop.implicit => TlsPolicy::Encrypt,
                    policy => policy,
                },
                implicit: nexthop.implicit,
                login: nexthop.login.as_ref(),
                tls: &self.tls,
            };
            // From here on the place is given back, come what may.
            let mut connected = Connected::new(self.clone(), place.clone());
            match opening.open().await {
                Ok(peer) => {
                    self.book().alive(&nexthop.key);
                    connected.peer = Some(peer);
                    return Ok(connected);
                }
                Err(broken) => {
                    let outcome =
                        broken.outcome(&place, &format!("connecting to {}", Self::listed(&addresses)));
                    tracing::info!(event = "outbound_host_failed", host = place, reason = outcome.text);
                    connected.dead = matches!(broken, Broken::Io(_) | Broken::TimedOut | Broken::Refused(_));
                    last = Some(outcome);
                }
            }
        }
        match (last, full) {
            (Some(outcome), None) => Err(NoPeer::Because(outcome, true)),
            (_, Some(place)) => Err(NoPeer::Full(place)),
            (None, None) => {
                let outcome = unreachable(&nexthop.key, &unknown);
                let dead = !outcome.is_final();
                Err(NoPeer::Because(outcome, dead))
            }
        }
    }

    /// Nobody of a destination is tried for a while; those whose time is over, or whose sender waits for a word, are seen to.
    async fn destination_is_dead(self: &Arc<Self>, key: &Key) {
        let (now, schedule) = (self.clock.now(), self.config.schedule);
        let overdue = {
            let mut book = self.book();
            book.dead(key, now, |failures| now + schedule.dead_for(failures));
            book.overdue(key, |id, warned| {
                let end = schedule.end(id, false).min(schedule.end(id, true));
                end <= now || (!warned && schedule.warning(id).is_some_and(|at| at <= now))
            })
        };
        tracing::info!(event = "outbound_destination_dead", destination = %key, overdue = overdue.len());
        for id in overdue {
            // The disk will know more of it.
            self.local.inner.arrivals.take_fresh(id);
            let mut flight = Flight::new(self.clone(), key.clone(), id);
            let spool = self.spool().clone();
            let Ok(Ok(Some(waiting))) = self.local.inner.pool.run(move || spool.outbound(id)).await else {
                flight.land();
                self.local.inner.arrivals.push(id);
                continue;
            };
            let each = waiting.envelope.remotes.iter().enumerate();
            let those = each.filter(|(nth, remote)| {
                let open = waiting.progress.recipients.get(*nth).is_some_and(|it| it.fate == Fate::Waiting);
                open && nexthop(&self.config, &remote.address).key == *key
            });
            let silent = Outcome::deferred((4, 4, 1), format!("no host of {key} answers"));
            let results = those.map(|(nth, _)| (nth, silent.clone())).collect();
            let (host, tls) = (String::new(), String::new());
            self.note(
                flight,
                &waiting.envelope,
                Tried { results, host, tls, dsn: false, dead: true, untried: true },
            )
            .await;
        }
    }

    /// All have a message that nobody had tried before; `false` if that cannot be written down so simply.
    async fn settle(self: &Arc<Self>, flight: &mut Flight, envelope: &Envelope, tried: &Tried) -> bool {
        let told = |remote: &Remote| !tried.dsn && wishes(remote).success;
        if envelope.remotes.iter().any(told) {
            return false;
        }
        let (tell, told) = oneshot::channel();
        let turns = self.spool().leave(flight.id, |left| drop(tell.send(left)));
        if let Some(turns) = turns {
            // Not one of the pool's jobs: there is never more than one of these.
            self.turns.spawn_blocking(|| drop(turns));
        }
        let done = matches!(told.await, Ok(Ok(true)));
        if done {
            self.log(envelope, tried);
            flight.land();
            self.sweep_soon();
        }
        done
    }

    /// Writes down what came of a message, tells who must be told, and says when it is tried again.
    async fn note(self: &Arc<Self>, mut flight: Flight, envelope: &Envelope, tried: Tried) {
        let id = flight.id;
        self.log(envelope, &tried);
        let asked_for = |(nth, outcome): &&(usize, Outcome)| {
            let remote = envelope.remotes.get(*nth);
            outcome.kind == Kind::Delivered && !tried.dsn && remote.is_some_and(|it| wishes(it).success)
        };
        let told: Vec<Told> =
            tried.results.iter().filter(asked_for).map(|it| Told::of(it, &tried.host)).collect();
        if !told.is_empty() {
            // Before it is forgotten: rather twice than never.
            self.report(envelope, Occasion::Relayed, &told).await;
        }
        let recorded = self.record(envelope, tried).await;
        flight.land();
        self.sweep_soon();
        match recorded {
            Ok(Some(waiting)) => self.go_on(waiting).await,
            recorded => self.enter(id, recorded).await,
        }
    }

    /// After something was written down.
    async fn go_on(self: &Arc<Self>, mut waiting: Waiting) {
        let (id, now) = (waiting.envelope.queue_id, self.clock.now());
        let has = |waiting: &Waiting, fate| {
            waiting.progress.recipients.iter().any(|recipient| recipient.fate == fate)
        };
        if has(&waiting, Fate::Failed) {
            self.report_failures(id).await;
        }
        let late = self.config.schedule.warning(id).is_some_and(|at| at <= now);
        if has(&waiting, Fate::Waiting) && late && !waiting.progress.warned {
            self.report_delay(&waiting).await;
            waiting.progress.warned = true;
        }
        self.schedule(&waiting);
    }

    fn log(&self, envelope: &Envelope, tried: &Tried) {
        let (queue_id, host, tls) = (envelope.queue_id, &*tried.host, &*tried.tls);
        let age = self.clock.now().saturating_sub(arrived(queue_id));
        for (nth, outcome) in &tried.results {
            let recipient = envelope.remotes.get(*nth).map_or("", |remote| &remote.address);
            let (status, answer) = (outcome.status(), &*outcome.text);
            self.outcomes.count(outcome.kind);
            match outcome.kind {
                Kind::Delivered => {
                    tracing::info!(event = "outbound_delivered", %queue_id, recipient, host, tls, answer, age);
                }
                Kind::Deferred => {
                    tracing::info!(event = "outbound_deferred", %queue_id, recipient, host, tls, status, answer, age);
                }
                Kind::Failed => {
                    tracing::info!(event = "outbound_failed", %queue_id, recipient, host, tls, status, answer, age);
                }
            }
        }
    }
}

/// Forgets a transaction that did not go through; whether the session can go on.
async fn reset(peer: &mut Peer) -> bool {
    let (session, out) = peer.session();
    session.rset(out).is_ok()
        && matches!(peer.next(limits::ENVELOPE).await, Ok((_, said)) if said.is_positive())
}

async fn hang_up(connected: Option<Connected>) {
    if let Some(mut connected) = connected
        && let Some(peer) = connected.peer.take()
    {
        peer.quit().await;
    }
}
