use alloc::string::String;
use alloc::vec::Vec;

use auth_sasl::Mechanism;

use crate::limits::Limits;

/// What one listener offers; shared by all of its sessions. Its operator decides, the session holds to it, and CAPA says so.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The name in the greeting. It must be a host's name: it goes into the greeting as it is.
    pub hostname: String,
    /// Whether STLS (RFC 2595 §4) is offered to clients on a clear channel.
    pub stls: bool,
    /// Whether passwords may cross a clear channel: USER, PASS and AUTH. Default: no, RFC 8314 §3.3.
    pub clear_text: bool,
    /// The SASL mechanisms, in the order in which they are announced. All of them send the password. Default: PLAIN and LOGIN.
    pub mechanisms: Vec<Mechanism>,
    /// Whether a command line may end in a bare LF. Harmless here, where no message comes in, and some old scripts do it.
    /// Default: yes.
    pub bare_lf: bool,
    /// What CAPA says behind IMPLEMENTATION, after login (RFC 2449 §6.9). Printable ASCII. Default: nothing.
    pub implementation: Option<String>,
    /// How much of a client's time and mistakes a session takes.
    pub limits: Limits,
}

impl Config {
    /// No STLS, no passwords in clear.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            stls: false,
            clear_text: false,
            mechanisms: Mechanism::ALL.to_vec(),
            bare_lf: true,
            implementation: None,
            limits: Limits::default(),
        }
    }
}

/// What carries the session when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A connection that anyone on the way can read.
    Clear,
    /// Implicit TLS (RFC 8314 §3).
    Encrypted,
}
