//! Maildir delivery and reading that keeps what it acknowledged.
//!
//! One file a message, synchronous `std::fs`, no configuration, no async: the caller decides on which thread a call blocks.
//!
//! # When is mail accepted
//!
//! | state | on disk | meaning |
//! |---|---|---|
//! | S0 | nothing | no such message |
//! | S1 | a growing file in `tmp/` | nothing promised; removed on failure, swept when its owner died |
//! | S2 | the complete file, fsynced | complete, not yet promised |
//! | S3 | its name in `new/`, the directory fsynced | **accepted**: [`Delivery::commit`] returns `Ok` from this instant |
//!
//! Any step may be the last one before the power goes: afterwards a message is in S0 or in S3, never in a mailbox twice, and
//! every unique id is what it was. Delivery takes no lock; a POP3 session takes [one](Maildir::lock) that delivery does not
//! ask for. Nothing is renamed by reading (one exception, stated at [`Maildrop`]).
//!
//! # Delivering and reading
//!
//! ```
//! use mailstore::{Maildir, Namer};
//! use std::io::Read;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! let maildir = Maildir::create(scratch.path().join("tanaka"))?;
//!
//! let mut delivery = maildir.begin(&Namer::new("mx.example.jp"))?;
//! delivery.write(b"Subject: hello\r\n\r\nHello.\r\n")?;
//! let delivered = delivery.commit()?; // durable: an SMTP server may answer 250
//!
//! let mut maildrop = maildir.lock()?; // a second session would get Error::InUse
//! let message = maildrop.message(0).ok_or("one message")?;
//! assert_eq!((message.unique_id, message.octets), (delivered.unique_id.clone(), 26));
//! let mut text = String::new();
//! maildrop.open(0)?.read_to_string(&mut text)?;
//! for outcome in maildrop.remove([0]) {
//!     outcome.result?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # File names
//!
//! `<seconds>.M<microseconds>P<pid>Q<count>R<random>.<host>,S=<octets>`, and `:2,<flags>` when another program sets flags. The
//! unique part, up to the first `,` or `:`, is the POP3 unique id. `,S=` is why a maildrop of 100 000 messages opens from its
//! directory entries alone. A message [taken over](Maildir::import) from another server has that server's unique id in `,U=`.
//!
//! # Where to look
//!
//! `name.rs` all file names, `delivery.rs` the way in, `publish.rs` the one rename that accepts, `scan.rs` the list of
//! messages, `maildrop.rs` the exclusive session, [`files`] every file operation, [`faults`] and [`power_cut`] those operations
//! under test.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

mod archive;
mod delivery;
mod error;
pub mod faults;
pub mod files;
mod import;
mod listing;
mod listings;
mod lock;
mod mailbox;
mod maildir;
mod maildrop;
mod name;
mod notice;
pub mod power_cut;
mod publish;
mod quota;
mod reserve;
mod retention;
mod scan;
mod shared;
mod sizes;
pub mod unique;
mod wire;

pub use archive::{Filed, PutBack};
pub use delivery::{Delivered, Delivery};
pub use error::Error;
pub use import::{ImportOptions, Imported, Quoting};
pub use listing::Listing;
pub use listings::Listings;
pub use mailbox::{BadMailbox, Mailbox};
pub use maildir::{Adopted, Maildir};
pub use maildrop::{Maildrop, Removal, Removed};
pub use name::{Namer, UniqueName};
pub use notice::NoticeDue;
pub use publish::{Draft, HeadStart, Sizes};
pub use quota::{Ledger, Over, Quota, QuotaError, Reservation, Usage};
pub use reserve::{Low, Reserve, Space};
pub use retention::Retention;
pub use scan::Message;

/// File names are octets, not text.
fn path_of(dir: &Path, name: &[u8]) -> PathBuf {
    dir.join(OsStr::from_bytes(name))
}
