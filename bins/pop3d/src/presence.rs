//! How long a session's account may be here: from its login until a change in the accounts ends it.

use std::sync::OnceLock;

use accounts::Attendance;
use tokio::sync::Notify;

/// Nothing before a login.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    attendance: OnceLock<Attendance>,
    begun: Notify,
}

impl Presence {
    /// A session has one login; a second changes nothing.
    pub(crate) fn begin(&self, attendance: Attendance) {
        let _ = self.attendance.set(attendance);
        self.begun.notify_one();
    }

    /// Waits until the account may not be here any longer.
    pub(crate) async fn ended(&self) {
        loop {
            match self.attendance.get() {
                Some(attendance) => return attendance.ended().await,
                None => self.begun.notified().await,
            }
        }
    }
}
