//! Every limit of a session, with its reason. All can be set by the caller; zero is not a limit but a mistake.

use core::time::Duration;

/// Octets of a message that no file can hold, on any system: what is declared larger is refused for good where there is no other limit.
pub(crate) const LARGEST_MESSAGE: u64 = i64::MAX.unsigned_abs();

/// What a session puts up with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of an AUTH command or response line, CRLF included. RFC 4954 §4.
    pub auth_line: usize,
    /// Failed AUTH attempts, after which the session ends.
    pub auth_failures: u32,
    /// Octets of any other command line, CRLF included. RFC 5321 §4.5.3.1.4 says 512, to which extensions add up to about 1 200.
    pub command_line: usize,
    /// Commands answered with an error, after which the session ends.
    pub errors: u32,
    /// Commands that bring no mail nearer (NOOP, RSET, HELP, VRFY, a repeated greeting), between two messages.
    pub idle_commands: u32,
    /// RCPT commands refused since the last message that was accepted, after which the session ends: an old mailing list has a few,
    /// whoever tries names has nothing else.
    pub refused_recipients: u32,
    /// Recipients of one message. RFC 5321 §4.5.3.1.8: at least 100; more than that is refused with 452, not for good.
    pub recipients: u32,
    /// Transactions of one session; announced by LIMITS as MAILMAX (RFC 9422 §4.1). The next MAIL ends the session with a 421, so that
    /// the client comes again.
    pub transactions: u32,
    /// How long to wait for the client.
    pub patience: Patience,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            auth_line: 12_288,
            auth_failures: 5,
            command_line: 2_048,
            errors: 20,
            idle_commands: 100,
            refused_recipients: 100,
            recipients: 1_000,
            transactions: u32::MAX,
            patience: Patience::default(),
        }
    }
}

/// How long the caller waits for a client that says nothing; the session itself reads no clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a command. RFC 5321 §4.5.3.2.7: at least 5 minutes.
    pub command: Duration,
    /// For the next octets of a body. RFC 5321 §4.5.3.2.5: 3 minutes.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { command: Duration::from_secs(300), body: Duration::from_secs(180) }
    }
}
