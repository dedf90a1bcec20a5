//! Local delivery for an async server: one front over [`mailstore`] and [`mail_queue`].
//!
//! A message for one mailbox goes straight into its Maildir; a message for several is written once, into the queue, and
//! linked from there. The caller sees no difference: it begins, writes, commits, and answers 250 when [`Incoming::commit`]
//! says `Ok`: then the message is durable for every recipient.
//!
//! File work happens on a bounded number of blocking threads, whose syncs the file system commits together. A small message
//! stays in memory until its end and costs one trip there; a large one streams with constant memory.
//!
//! ```
//! use delivery::{Envelope, LocalDelivery, Mailbox, QueueId, Recipient, StoreConfig};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! # let dir = scratch.path();
//! let local = LocalDelivery::open(StoreConfig::new(dir.join("mail"), dir.join("queue"), "mx.example.jp"))?;
//!
//! let tanaka = Recipient::new(Mailbox::new("tanaka")?, "tanaka@example.jp");
//! let envelope = Envelope::new(QueueId::new(), "sato@example.jp", vec![tanaka]);
//! let header = b"Return-Path: <sato@example.jp>\r\n".to_vec();
//! let mut incoming = local.begin(envelope, header);
//! incoming.write(b"Subject: hello\r\n\r\nHello.\r\n").await?;
//! let accepted = incoming.commit().await?;
//! assert_eq!((accepted.octets, accepted.deferred), (58, 0));
//! # Ok(())
//! # }
//! ```

mod error;
mod incoming;
mod local;
mod notice;
pub mod outbound;
mod pool;
mod quota;
mod room;
mod store;
mod virus_notice;
mod warning;

pub use error::DeliveryError;
pub use incoming::{Accepted, Incoming};
pub use local::{LocalDelivery, StoreConfig};
pub use mail_queue::{
    Body, Envelope, Error as OpenError, Forward, Notify, Parameters, QueueId, Recipient, Remote, Return,
};
pub use mailstore::{BadMailbox, Mailbox, Over, Quota, Reserve, Usage};
pub use virus_notice::{VirusNotice, VirusNoticeDue};
pub use warning::{Reserved, WarningConfig};
