//! What a process asks of the system before it serves.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

use crate::config::Limits;
use crate::log::event;

/// Descriptors that are no sessions: listeners, the database, the log.
const OTHERS: u64 = 64;

/// A core file would hold passwords and mail. Where the system does not let us say so, it says what it does with core files itself.
pub fn forbid_core_files() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Lets the process have as many descriptors as it may, and says so loudly when that is too few: a flood must meet our own limit before
/// it meets the system's, where nobody is told anything any more.
pub fn raise_descriptor_limit(limits: &Limits) {
    let allowed = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: allowed.maximum, maximum: allowed.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => allowed.maximum,
        Err(_) => allowed.current,
    };
    // A session has its socket, and a file while it delivers or reads.
    let wanted = limits.connections.map_or(0, |connections| 2 * u64::from(connections) + OTHERS);
    if let Some(descriptors) = current.filter(|&descriptors| descriptors < wanted) {
        tracing::warn!(event = event::DESCRIPTORS_FEW, descriptors, wanted);
    }
}
