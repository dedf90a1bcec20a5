//! The numbers of this daemon, each with its reason. What concerns every daemon is in `daemon_kit::limits`, what concerns the
//! protocol in `pop3_proto::limits`.

use std::time::Duration;

/// How long a login waits for a maildrop that is in use: a client that hung up and comes back at once finds its own last session
/// still being put away.
pub(crate) const IN_USE_WAIT: Duration = Duration::from_secs(2);

/// How often it looks meanwhile.
pub(crate) const IN_USE_LOOK: Duration = Duration::from_millis(100);

/// Octets of a message that are read at once. A usual message is one read; a big one is many, between which others get their turn.
pub(crate) const CHUNK: u64 = 64 << 10;

/// Octets in a row that are sent from where they were read: the copy of fewer, for one write with what stands before and behind them,
/// costs less than a write of their own.
pub(crate) const UNCOPIED: usize = 16 << 10;

/// What the kernel holds of a file is a multiple of this, or reaches to its end. (On machines with larger pages, of this too.)
pub(crate) const PAGE: u64 = 4 << 10;

/// Octets of a message that TOP reads first: a usual header and some lines. It reads twice as much each time that this was not enough.
pub(crate) const TOP_CHUNK: u64 = 8 << 10;

/// Messages of a maildrop that is opened where its session runs, if its listing is known: to add up their sizes takes less than a change
/// of threads and back.
pub(crate) const SMALL_MAILDROP: usize = 500;

/// How many logins LOGIN-DELAY remembers before it forgets those that do not matter any more.
pub(crate) const REMEMBERED_LOGINS: usize = 100_000;

/// Sessions that may be at the disk at once. More of them would not make a disk faster; the rest wait in the order of their coming.
pub(crate) const AT_DISK: usize = 32;
