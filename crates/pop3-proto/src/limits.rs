//! Every limit of a session, with its reason.

use core::time::Duration;

/// The longest line in octets, its ending included. RFC 2449 §4 lets a command have 255; a base64 response of PLAIN with three
/// names of 255 octets (RFC 4616 §2) needs 1 026 and the keyword before it.
pub const LINE: usize = 2_048;

/// When this much output is waiting, a step ends in [`Event::Flush`](crate::Event::Flush), so that neither a listing of 100 000
/// messages nor a thousand pipelined commands grow the buffer without bound: the most that one reply adds is far below it.
pub const OUTPUT: usize = 16 * 1_024;

/// What a listener may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Failed logins, with the last of which the session ends. Enough for a person who mistypes, few for who tries a list.
    /// Default 3.
    pub auth_failures: u32,
    /// Commands before login, CAPA and failed ones included: a client needs five. Default 50.
    pub commands_before_login: u32,
    /// Mistakes in a row (commands unknown, malformed, over-long, out of place), with the last of which the session ends. A person
    /// at a keyboard gets away with a few; a client that speaks another protocol does not. Default 20.
    pub errors: u32,
    /// How long to wait for the client. RFC 1939 §3: an autologout timer is of at least 10 minutes. Default 10 minutes.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { auth_failures: 3, commands_before_login: 50, errors: 20, patience: Duration::from_secs(600) }
    }
}
