//! What a session has of the book's, and gives back whatever happens to it.

use std::sync::Arc;

use mail_queue::QueueId;

use super::agent::Agent;
use super::book::Key;
use super::peer::Peer;

/// A session with a host, and its place there.
pub(super) struct Connected {
    pub(super) peer: Option<Peer>,
    agent: Arc<Agent>,
    pub(super) name: String,
    /// The host was not there.
    pub(super) dead: bool,
}

impl Connected {
    /// From here on the place is given back, come what may.
    pub(super) fn new(agent: Arc<Agent>, name: String) -> Self {
        Self { peer: None, agent, name, dead: false }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let (now, schedule) = (self.agent.clock.now(), self.agent.config.schedule);
        let until = |failures| now + schedule.dead_for(failures);
        let answered = if self.dead { Err(until) } else { Ok(()) };
        self.agent.book().leave_host(&self.name, now, answered);
        self.agent.changed.notify_one();
    }
}

/// Gives the destination's session back, whatever happens to it.
pub(super) struct Busy(Arc<Agent>, Key);

impl Busy {
    pub(super) fn new(agent: Arc<Agent>, key: Key) -> Self {
        Self(agent, key)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.book().close(&self.1);
        self.0.changed.notify_one();
    }
}

/// A message that is being tried. If it does not land as it should, it is looked at anew.
pub(super) struct Flight {
    agent: Arc<Agent>,
    key: Key,
    pub(super) id: QueueId,
    landed: bool,
}

impl Flight {
    pub(super) fn new(agent: Arc<Agent>, key: Key, id: QueueId) -> Self {
        Self { agent, key, id, landed: false }
    }

    pub(super) fn land(&mut self) {
        self.landed = true;
        self.agent.book().land(&self.key, self.id);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.landed {
            self.land();
            self.agent.look_again(self.id);
        }
    }
}
