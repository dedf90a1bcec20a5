//! What a client's session tells its caller.

use auth_sasl::{Secret, Stamp};

use crate::client::ResponseCode;
use crate::command::Verb;

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "`consumed` octets are to be dropped from the input"]
pub struct ClientStep<'i> {
    /// Octets at the front of the input that were dealt with: drop them.
    pub consumed: usize,
    /// What happened.
    pub event: ClientEvent<'i>,
}

/// What the server said. Texts are for humans, in no particular character set.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientEvent<'i> {
    /// Send what was asked and not sent yet; then read, and step with what was not consumed and the new octets behind it.
    NeedInput,

    /// The server is ready. With a stamp, it offers APOP.
    Greeting {
        /// What stands behind `+OK`.
        text: &'i [u8],
        /// For [`ApopDigest::compute`](auth_sasl::ApopDigest::compute).
        stamp: Option<Stamp>,
    },
    /// The server does not let us in; the session is over.
    TurnedAway {
        /// The response code, if there is one.
        code: Option<ResponseCode<'i>>,
        /// The rest of the line.
        text: &'i [u8],
    },
    /// `+OK` to the oldest command that was not answered. Where more lines belong to it, they follow as [`Line`](Self::Line) or
    /// [`Body`](Self::Body) up to [`End`](Self::End).
    Accepted {
        /// Which command.
        verb: Verb,
        /// What stands behind `+OK`.
        text: &'i [u8],
    },
    /// `-ERR` to the oldest command that was not answered.
    Refused {
        /// Which command.
        verb: Verb,
        /// The response code, if there is one.
        code: Option<ResponseCode<'i>>,
        /// The rest of the line.
        text: &'i [u8],
    },
    /// A line of CAPA, LIST, UIDL, LANG or a bare AUTH, without dot-stuffing.
    Line(&'i [u8]),
    /// Octets of RETR's or TOP's message, without dot-stuffing.
    Body(&'i [u8]),
    /// The answer of several lines is complete.
    End {
        /// Which command.
        verb: Verb,
    },
    /// Question: AUTH goes on. [`ClientSession::respond`](crate::ClientSession::respond) or
    /// [`ClientSession::cancel`](crate::ClientSession::cancel).
    Challenge(Secret),
    /// STLS was accepted: hand the connection to TLS, and say
    /// [`ClientSession::tls_established`](crate::ClientSession::tls_established).
    StartTls,
    /// The session is over: close the connection.
    Closed,
    /// The server broke the protocol: close the connection.
    Fault(ServerFault),
}

/// How a server broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerFault {
    /// Octets came behind the answer to STLS in clear text, and anyone can have put them there.
    #[error("the server sent clear text behind its answer to STLS")]
    BytesBehindStls,
    /// A line of more than [`limits::LINE`](crate::limits::LINE) octets.
    #[error("the server sent a line that is too long")]
    LineTooLong,
    /// A line that is neither `+OK` nor `-ERR`, nor a challenge where one belongs.
    #[error("the server sent something that is no reply")]
    NotAReply,
    /// A reply to nothing.
    #[error("the server answered what nobody asked")]
    Unasked,
}
