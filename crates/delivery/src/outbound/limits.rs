//! Every number of the outbound agent that nobody configures, with its reason.

use std::time::Duration;

/// For a TCP connection to come about: a host that is there answers within a second or two, one behind a bad line in ten.
pub(crate) const CONNECT: Duration = Duration::from_secs(30);
/// The head start of an address over the next one (RFC 8305 §5 recommends 250 ms).
pub(crate) const HEAD_START: Duration = Duration::from_millis(250);
/// RFC 5321 §4.5.3.2.1: for the greeting; and for EHLO, STARTTLS and AUTH, which it does not name.
pub(crate) const GREETING: Duration = Duration::from_secs(5 * 60);
/// RFC 5321 §4.5.3.2.2 and .3: for MAIL and RCPT.
pub(crate) const ENVELOPE: Duration = Duration::from_secs(5 * 60);
/// RFC 5321 §4.5.3.2.4: for DATA's first answer.
pub(crate) const DATA: Duration = Duration::from_secs(2 * 60);
/// RFC 5321 §4.5.3.2.5: until a piece of the message has left.
pub(crate) const BLOCK: Duration = Duration::from_secs(3 * 60);
/// RFC 5321 §4.5.3.2.6: for the answer that makes the message the other host's. Who waits less sends copies.
pub(crate) const END: Duration = Duration::from_secs(10 * 60);
/// For QUIT, and for the last words of a host that hangs up: nothing depends on them.
pub(crate) const GOODBYE: Duration = Duration::from_secs(5);
/// For the TLS handshake.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(60);

/// Before an operator's orders are taken again where the system had no descriptor for one.
pub(crate) const ORDER_PAUSE: Duration = Duration::from_secs(1);

/// Octets of a message that are read and sent at once.
pub(crate) const PIECE: usize = 64 * 1024;
/// Recipients of one transaction: the number that every host takes is 100 (RFC 5321 §4.5.3.1.8).
pub(crate) const RECIPIENTS: usize = 100;
/// Messages of one session, so that a host behind a load balancer gets its share elsewhere, too.
pub(crate) const MESSAGES: usize = 100;
/// Hosts that are tried for one message (RFC 5321 §5.1 asks for at least two addresses).
pub(crate) const HOSTS: usize = 5;
/// Addresses of a host that are tried: its name may have a thousand, of which each would get a connection.
pub(crate) const ADDRESSES: usize = 10;
/// Messages, and octets of them, that are remembered from their acceptance to their first try, so that it need not read the disk.
pub(crate) const FRESH_MESSAGES: usize = 4096;
pub(crate) const FRESH_OCTETS: usize = 16 << 20;
/// How long the files of messages that have left may lie about: see `Spool::sweep`.
pub(crate) const SWEEP_PAUSE: Duration = Duration::from_secs(1);
/// `Received` fields from which on a message is taken for a loop (RFC 5321 §6.3: at least 100).
pub(crate) const HOPS: usize = 100;
/// Between two lines of the log that say how the queue stands, and how many destinations they name.
pub(crate) const STATUS: Duration = Duration::from_secs(5 * 60);
pub(crate) const DESTINATIONS_TOLD: usize = 5;
/// Octets of a header that go into a report.
pub(crate) const REPORTED_HEADER: usize = 64 * 1024;
/// Octets of a message that go whole into a report, if its sender asked for that; of a larger one its header goes.
pub(crate) const REPORTED_MESSAGE: u64 = 256 * 1024;

/// Octets of a line in what is given back as it is, its CR included (RFC 5322 §2.1.1); longer ones are encoded.
pub(crate) const REPORTED_LINE: usize = 999;
/// Octets of a field of a report from which on the rest is left out: a line of one may not be longer than 998 (RFC 5322 §2.1.1).
pub(crate) const REPORTED_FIELD: usize = 900;

/// Before the word of a message that was tried is written once more to a disk that did not take it; each pause is twice the last.
pub(crate) const RECORD_PAUSE: Duration = Duration::from_secs(1);
/// The longest of these: somebody who makes room is not kept waiting.
pub(crate) const LONGEST_RECORD_PAUSE: Duration = Duration::from_secs(60);
/// How long a session that has nothing to do waits for the next message of its destination: as long as Postfix's connection cache. It is
/// shorter than any host's patience (RFC 5321 §4.5.3.2.7).
pub(crate) const REST: Duration = Duration::from_secs(2);
