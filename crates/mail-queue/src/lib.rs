//! The spool of accepted messages on their way to several recipients, or to other hosts, or into an operator's hands.
//!
//! A message for several mailboxes, or for somebody elsewhere, is written once. One rename accepts it for all of them; then each Maildir gets a link to the
//! same bytes, or, where each copy shall say for whom it is, a copy. Synchronous, like [`mailstore`], on which it stands.
//!
//! # When is mail accepted
//!
//! | state | on disk | meaning |
//! |---|---|---|
//! | S0 | nothing | no such message |
//! | S1 | a growing file in `tmp/` | nothing promised |
//! | S2 | in `msg/`, complete and synced, `<id>.0`, `<id>.1`, …: one name of the body for each recipient | not yet promised |
//! | S3 | beside them, synced, `<id>.env`: the envelope | **accepted**: [`Incoming::accept`] returns `Ok` |
//! | S4 | `<id>.0`, … moved into the Maildirs, then `<id>.env` removed | delivered |
//!
//! `<id>.<n>` exists exactly as long as recipient `n` is to be served: serving it *is* moving this name, in one step, into the
//! Maildir's `new/`. So a restart knows what is left to do, whatever POP3 sessions and other programs did with the message
//! meanwhile, and does nothing twice. (If the Maildirs are on another file system the message is copied, under a name made
//! from the queue id, and found again by it.)
//!
//! # Recipients elsewhere
//!
//! For all of them together there is one more name, `<id>.out`, which exists as long as one of them waits. What became of each so
//! far stands in `<id>.q` ([`Progress`]), written anew, synced and renamed at every change ([`Spool::record`]). When the last is
//! settled `<id>.out` goes, then, after a sync, the rest. Looking at all this changes nothing ([`View`]).
//!
//! A message for nobody here that nobody holds is one file, `<id>.one`, with the envelope behind its octets: S2 is `tmp/<id>`, S3 its
//! name in `msg/`, and at S4 it moves into `done/`, where nothing is looked for any more. From there the file becomes that of another
//! message, written over from its beginning: its S1 is `done/<id of the one before>` then. A file that somebody reads is locked by who
//! does and is not written over; what nobody needs is emptied within seconds, or removed ([`Spool::sweep`]). So who copies a queue that
//! is in use without these locks may copy a file that is becoming another: [`View::copied`] does not.
//!
//! # Held messages
//!
//! A message whose `<id>.q` says `hold` is given to nobody elsewhere; one that was accepted so ([`Incoming::accept_held`]) to no mailbox
//! either, before [`Spool::release`]. The word of it is durable before the envelope is, so no crash lets it through; what is held from
//! its first moment on has an envelope of its own therefore, also if it is for nobody here.
//!
//! # Recovery
//!
//! After a crash, [`Spool::open`] takes away what was not accepted, serves what was, and puts what it cannot read into
//! `corrupt/`: that never keeps a server from starting.
//!
//! ```
//! use mail_queue::{Envelope, QueueId, Recipient, Spool, SpoolConfig};
//! use mailstore::{Mailbox, Maildir};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! # let (queue, maildirs) = (scratch.path().join("queue"), scratch.path().join("mail"));
//! let config = SpoolConfig { queue, maildirs: maildirs.clone(), host: "mx.example.jp".into() };
//! let (spool, _recovery) = Spool::open(config)?;
//!
//! let queue_id = QueueId::new();
//! let mut incoming = spool.begin(queue_id)?;
//! incoming.write(b"Subject: hello\r\n\r\nHello.\r\n")?;
//! let recipients = vec![
//!     Recipient::new(Mailbox::new("tanaka")?, "tanaka@example.jp"),
//!     Recipient::new(Mailbox::new("suzuki")?, "suzuki@example.jp"),
//! ];
//! let accepted = incoming.accept(Envelope::new(queue_id, "sato@example.jp", recipients))?; // durable: an SMTP server may answer 250
//! assert!(accepted.deliver().pending.is_empty());
//! assert_eq!(Maildir::open(maildirs.join("suzuki"))?.lock()?.len(), 1);
//! # Ok(())
//! # }
//! ```

mod adopt;
mod done;
mod envelope;
mod error;
mod id;
mod incoming;
mod late;
mod outbound;
mod progress;
mod recover;
mod second;
mod spool;
mod together;
mod view;
mod waiting;
mod whole;

pub use done::Turns;
pub use envelope::{Body, Envelope, Forward, Malformed, Notify, Parameters, Recipient, Remote, Return};
pub use error::Error;
pub use id::QueueId;
pub use incoming::{Accepted, Incoming};
pub use late::Late;
pub use outbound::Outbound;
pub use progress::{Attempt, Fate, Progress, Standing};
pub use recover::Recovery;
pub use second::Copied;
pub use spool::{Outcome, Spool, SpoolConfig};
pub use view::View;
pub use waiting::{Waiting, waiting};
pub use whole::Octets;
