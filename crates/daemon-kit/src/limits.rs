//! Every limit and every default of the daemons, each with its reason.
//!
//! "None" in a file (`0` or `"none"`) means: no limit. It is the same word everywhere.

use std::time::Duration;

/// How long a POP-before-SMTP ticket holds, unless the file says otherwise: as long as a person writes after looking for mail.
pub const POP_BEFORE_SMTP: Duration = Duration::from_secs(600);

/// How long clamd may keep a message waiting, in all: a minute is long for a healthy one, and well within the ten minutes that a client
/// waits for the answer to its message (RFC 5321 §4.5.3.2.6).
pub const VIRUS_CHECK: Duration = Duration::from_secs(60);
/// Messages that clamd has at once: it looks through some ten, and lets 200 wait (its `MaxThreads` and `MaxQueue`).
pub const VIRUS_CHECK_CONNECTIONS: u32 = 100;
/// The most octets that clamd is given: a little less than the 25 MiB which are the least of its limits as it is shipped. Above
/// `StreamMaxLength` it breaks off; above `MaxFileSize` and `MaxScanSize` it calls clean what it has not looked through, unless its
/// configuration says `AlertExceedsMax yes`.
pub const VIRUS_CHECK_SIZE: u64 = 25_000_000;

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

/// Characters of a password that a person chose: fewer are found by trying (NIST SP 800-63B §5.1.1.2).
pub const PASSWORD_MIN_LENGTH: u32 = 8;

/// From so many percent of a quota on its owner is told: early enough to do something, late enough not to be noise.
pub const QUOTA_WARN_PERCENT: u8 = 90;

/// Sessions of one daemon at once. Each costs some KiB and a file descriptor; most systems allow 1024 descriptors softly and
/// 500 000 hard, and a flood should meet our `421` before it meets the kernel's limit.
pub const CONNECTIONS: u32 = 2000;

/// Sessions of one address (IPv4 address, IPv6 /64) at once. A house behind one NAT address has dozens of mail clients with a
/// few connections each; a flood has thousands.
pub const CONNECTIONS_PER_ADDRESS: u32 = 100;
/// Sessions of one network at once: a quarter of [`CONNECTIONS`], so that no network alone can keep all others out, however many of
/// its addresses take part. A provider's /24 of mail customers has a few at a time.
pub const CONNECTIONS_PER_NETWORK: u32 = 500;
/// What counts as one network: the smallest that is routed on the Internet by itself, IPv4 and IPv6. A provider gives a business
/// customer a /48, and who rents machines to send floods from can have one as easily as an address.
pub const NETWORK_PREFIXES: (u8, u8) = (24, 48);
/// An IPv6 customer has (at least) a /64 to himself, so that is what counts as one address.
pub const IPV6_PREFIX: u8 = 64;

/// Octets of the configuration file: many times what a provider writes.
pub const CONFIGURATION: u64 = 1 << 20;

/// Octets that the buffers of all sessions of one daemon may hold together. [`CONNECTIONS`] busy sessions, each with a message of
/// 128 KiB in memory and its read and write buffers, need about this; idle ones need next to nothing.
pub const MEMORY: u64 = 512 << 20;
/// The least that may be said: two sessions. With less nobody would be let in, as where somebody writes 512 and means MiB.
pub const MEMORY_LEAST: u64 = 64 << 10;
/// What a session counts for besides its buffers: its task, its TLS state, its place in the kernel's tables.
pub const SESSION_MEMORY: u64 = 16 << 10;
/// The share of [`MEMORY`], in per cent, at which nobody new is let in, so that those inside can finish what they do.
pub const MEMORY_FOR_NEWCOMERS: u64 = 75;

/// The pause behind the first try of a message to another host: greylisting hosts let it in after about so long.
pub const MINIMAL_BACKOFF: Duration = Duration::from_secs(5 * 60);
/// The longest pause between two tries.
pub const MAXIMAL_BACKOFF: Duration = Duration::from_secs(4000);
/// How long a message is tried: RFC 5321 §4.5.4.1 asks for four to five days at least.
pub const QUEUE_LIFETIME: Duration = Duration::from_secs(5 * 24 * 3600);
/// After so long a sender is told of a message that waits: the same working day.
pub const DELAY_WARNING: Duration = Duration::from_secs(4 * 3600);
/// Sessions with all other hosts together: each costs a descriptor and a few KiB.
pub const OUTBOUND_SESSIONS: u32 = 200;
/// Sessions for one domain, and with one host: what large receivers take from a stranger without a word.
pub const OUTBOUND_SESSIONS_PER_DESTINATION: u32 = 20;

/// Wrong or unknown commands until a session is closed. A person at a keyboard needs a few, a machine that shouts HTTP at us
/// shows itself sooner.
pub const ERRORS: u32 = 20;

/// SMTP commands that bring no mail nearer (NOOP, RSET, VRFY, HELP, a repeated greeting) between two messages: a program that keeps
/// its connection open says NOOP now and then, one that says nothing else is after something else.
pub const IDLE_COMMANDS: u32 = 100;

/// Messages that one SMTP session may begin, which LIMITS announces as MAILMAX (RFC 9422 §4.1). Who has more comes again, and then
/// meets the machine that has room, the certificate of today and the limits that count connections.
pub const TRANSACTIONS: u32 = 1000;

/// Failed logins until a session is closed: a person mistypes twice; a guesser must pay for a new connection.
pub const AUTH_FAILURES: u32 = 3;

/// Waiting for the peer's next bytes in SMTP: RFC 5321 §4.5.3.2.7 asks for at least 5 minutes.
pub const SMTP_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Waiting for the client's next bytes in POP3: RFC 1939 §3 asks for an autologout timer of at least 10 minutes.
pub const POP3_PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Octets a second that a peer must send or take while we wait for it, averaged over one patience, in the midst of a message: a fifth of what a modem of
/// 2400 bit/s does, so that even such a customer may spend four of five minutes in a tunnel; ISDN, GSM data and any mobile network
/// are 20 times faster and more. It is there for those who send an octet a minute to keep a place.
pub const MIN_DATA_RATE: u64 = 50;

/// A PROXY header. It stands in a balancer's first packet; the protocol's text asks for 3 seconds at least, in which a lost packet
/// is sent again.
pub const PROXY_HEADER: Duration = Duration::from_secs(5);
/// The longest PROXY header, in octets: the protocol's text asks for 536; what a balancer tells of a TLS session that it ended can
/// hold a certificate's subject.
pub const PROXY_HEADER_MOST: usize = 4 << 10;

/// TCP keepalive: the first probe after this time without a packet, and then one each [`KEEPALIVE_INTERVAL`]. It is below the five
/// minutes after which home routers and mobile networks forget a silent connection, and a machine that is gone is known as gone
/// after 5 minutes, not after the two hours of the system.
pub const KEEPALIVE: Duration = Duration::from_mins(3);
/// See [`KEEPALIVE`].
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// Probes without an answer after which a connection is broken.
pub const KEEPALIVE_PROBES: u32 = 4;

/// How often refused connections are told of, while there are some: a flood of connections must not become a flood of log lines.
pub const REFUSALS_TOLD: Duration = Duration::from_secs(1);

/// A whole TLS handshake. Two round trips and a signature need well under a second; slow mobile networks some seconds.
pub const HANDSHAKE: Duration = Duration::from_secs(30);

/// What a failed login costs the one who tried, whatever was wrong with it: little for a typing mistake, much for a list of passwords.
pub const FAILED_LOGIN_DELAY: Duration = Duration::from_secs(2);
/// How long a reply waits until the owners of a message with a virus have been told: a mailbox that hangs is no reason to keep the sender,
/// who would send it again (RFC 5321 §6.1).
pub const VIRUS_NOTICE_PATIENCE: Duration = Duration::from_secs(10);

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

/// How often a daemon says what is wrong with its certificates: often enough to be seen, seldom enough not to be filtered away.
pub const CERTIFICATE_LOOK: Duration = Duration::from_hours(24);
/// Days before its end at which a certificate is warned about: three weeks leave time for a person to act.
pub const CERTIFICATE_WARNING_DAYS: i64 = 21;

/// Octets of a text of the operator's that stands in a reply behind its code: a reply line ends at 512 (RFC 5321 §4.5.3.1.5), one of
/// POP3 too (RFC 2449 §4), and the account database has no more for one either.
pub const REPLY_TEXT: usize = 400;
