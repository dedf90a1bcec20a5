//! Every limit and every default of the daemons, each with its reason.
//!
//! "None" in a file (`0` or `"none"`) means: no limit. It is the same word everywhere.

use std::time::Duration;

/// Largest message, in octets. RFC 5321 §4.5.3.1.7 asks for at least 64 KiB ([`MESSAGE_SIZE_LEAST`]); what is common today lies
/// between 25 and 150 MiB, and an attachment of 50 MiB is 68 MiB in base64.
pub const MESSAGE_SIZE: u64 = 100 << 20;
/// The smallest `message_size` that RFC 5321 §4.5.3.1.7 allows.
pub const MESSAGE_SIZE_LEAST: u64 = 64 << 10;

/// Recipients of one message. RFC 5321 §4.5.3.1.8 demands that 100 are taken; that is a floor, and mailing lists send more.
pub const RECIPIENTS: u32 = 1000;
/// The smallest `recipients` that RFC 5321 §4.5.3.1.8 allows.
pub const RECIPIENTS_LEAST: u32 = 100;

/// What stays free on the disks of the Maildirs and of the queue, in octets: the messages that a busy server has in hand at one moment.
/// Below it no mail is taken, so that mail which was taken can still be delivered.
pub const RESERVE_SPACE: u64 = 64 << 20;
/// Likewise in inodes, where the file system has a fixed number of them: a message and its envelope each.
pub const RESERVE_INODES: u64 = 1000;

/// From so many percent of a quota on its owner is told: early enough to do something, late enough not to be noise.
pub const QUOTA_WARN_PERCENT: u8 = 90;

/// Sessions of one daemon at once. Each costs some KiB and a file descriptor; most systems allow 1024 descriptors softly and
/// 500 000 hard, and a flood should meet our `421` before it meets the kernel's limit.
pub const CONNECTIONS: u32 = 2000;

/// Sessions of one address (IPv4 address, IPv6 /64) at once. A house behind one NAT address has dozens of mail clients with a
/// few connections each; a flood has thousands.
pub const CONNECTIONS_PER_ADDRESS: u32 = 100;
/// An IPv6 customer has (at least) a /64 to himself, so that is what counts as one address.
pub const IPV6_PREFIX: u8 = 64;

/// Wrong or unknown commands until a session is closed. A person at a keyboard needs a few, a machine that shouts HTTP at us
/// shows itself sooner.
pub const ERRORS: u32 = 20;

/// Failed logins until a session is closed: a person mistypes twice; a guesser must pay for a new connection.
pub const AUTH_FAILURES: u32 = 3;

/// Waiting for the peer's next bytes in SMTP: RFC 5321 §4.5.3.2.7 asks for at least 5 minutes.
pub const SMTP_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Waiting for the client's next bytes in POP3: RFC 1939 §3 asks for an autologout timer of at least 10 minutes.
pub const POP3_PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A whole TLS handshake. Two round trips and a signature need well under a second; slow mobile networks some seconds.
pub const HANDSHAKE: Duration = Duration::from_secs(30);

/// What a failed login costs the one who tried, whatever was wrong with it: little for a typing mistake, much for a list of passwords.
pub const FAILED_LOGIN_DELAY: Duration = Duration::from_secs(2);

/// How long a drain waits for sessions before it cuts them: below the 90 seconds after which systemd kills.
pub const DRAIN: Duration = Duration::from_secs(30);

/// Any duration in the file lies between these: zero would mean "never", a week is a mistyped unit.
pub const DURATION_LEAST: Duration = Duration::from_millis(10);
/// See [`DURATION_LEAST`].
pub const DURATION_MOST: Duration = Duration::from_hours(24);

/// The queue of connections that the kernel holds until they are accepted. Linux cuts it to `net.core.somaxconn`.
pub const BACKLOG: i32 = 1024;

/// First and longest pause after a failed `accept` (no file descriptor left, no memory): long enough for a session to end,
/// short enough that nobody notices.
pub const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// First read of a session that woke up; a command fits in.
pub const READ_LEAST: usize = 4 << 10;
/// A read grows to this while a peer keeps filling it (a message body).
pub const READ_MOST: usize = 64 << 10;
/// Input that a session may leave unconsumed. The longest line of any protocol here is 12 288 octets (RFC 4954 §4).
pub const INPUT_MOST: usize = 256 << 10;

/// Saying goodbye: the last reply, `close_notify` and the wait for the peer's own end may take this long together.
pub const CLOSE: Duration = Duration::from_secs(2);
/// Bytes that are read and thrown away while closing, so that the kernel does not answer them with a reset that would make the
/// peer lose our last reply.
pub const CLOSE_DISCARD: usize = 256 << 10;

/// Days before its end at which a certificate is warned about: three weeks leave time for a person to act.
pub const CERTIFICATE_WARNING_DAYS: i64 = 21;
