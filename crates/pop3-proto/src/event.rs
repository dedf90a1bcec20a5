//! What a session tells its caller, and what it can be told.

use alloc::vec::Vec;

use auth_sasl::Claim;

use crate::command::MessageNumber;
use crate::language::Language;
use crate::replies::Reply;

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "`consumed` octets are to be dropped from the input, and the event may be a question"]
pub struct Step {
    /// Octets at the front of the input that were dealt with: drop them. A PASS or AUTH may have been among them: zero them.
    pub consumed: usize,
    /// What to do now.
    pub event: Event,
}

/// What the caller is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Send the output; then read, and step with what was not consumed and the new octets behind it.
    NeedInput,
    /// Enough output is waiting: send it, empty the buffer, and step with the same input.
    Flush,

    /// Question: is the claim true, and can its maildrop be opened for this session alone? [`Session::accept_login`] takes the
    /// maildrop; a refusal is [`Refusal::Credentials`], [`Refusal::InUse`], [`Refusal::LoginDelay`],
    /// [`Refusal::Temporary`] or [`Refusal::Permanent`].
    ///
    /// [`Session::accept_login`]: crate::Session::accept_login
    Login(Claim),
    /// Question: can the message be read? [`Session::accept`] writes the `+OK` line; then send the output, the message through
    /// [`Content::whole`](crate::Content::whole), and say [`Session::body_sent`]. A refusal is [`Refusal::Vanished`],
    /// [`Refusal::NeedsUtf8`], [`Refusal::Temporary`] or [`Refusal::Permanent`]. If reading fails halfway, drop the connection: only so will the client
    /// not take half a message for a whole one.
    ///
    /// [`Session::accept`]: crate::Session::accept
    /// [`Session::body_sent`]: crate::Session::body_sent
    Retrieve {
        /// Which message.
        message: MessageNumber,
    },
    /// Question: as [`Retrieve`](Self::Retrieve), through [`Content::top`](crate::Content::top).
    Top {
        /// Which message.
        message: MessageNumber,
        /// How many lines of the body.
        lines: u32,
    },
    /// Question: UPDATE (RFC 1939 §6). Remove the messages of [`Maildrop::deleted`](crate::Maildrop::deleted), if any, give the
    /// maildrop free, and accept; a refusal is [`Refusal::NotRemoved`]. The session ends either way.
    Commit {
        /// How many messages are marked as deleted.
        deleted: u32,
    },
    /// Question: can TLS begin? Accepting writes the `+OK`: send it, hand the connection to TLS, and say
    /// [`Session::tls_established`](crate::Session::tls_established). A refusal is [`Refusal::Temporary`].
    StartTls,

    /// News: send the output and close the connection.
    Close(CloseReason),
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Octets came behind STLS in clear text: commands that were to run under TLS, and that anyone can have put there (RFC 2595 §4).
    BytesBehindStls,
    /// The client said QUIT.
    Quit,
    /// [`Limits::auth_failures`](crate::Limits::auth_failures) was reached.
    TooManyAuthFailures,
    /// [`Limits::commands_before_login`](crate::Limits::commands_before_login) was reached.
    TooManyCommandsBeforeLogin,
    /// [`Limits::errors`](crate::Limits::errors) was reached.
    TooManyErrors,
}

/// A caller's "no", as a type: the text is the session's (`replies.rs`), with the response code that tells a client's
/// program whether to ask for the password again or to come back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `[AUTH]` (RFC 3206): the claim does not hold. Never for trouble of the server's own.
    Credentials,
    /// `[IN-USE]` (RFC 2449 §8.1.2): another session has the maildrop.
    InUse,
    /// `[LOGIN-DELAY]` (RFC 2449 §8.1.1): the claim holds, and the last login was too short a while ago.
    LoginDelay,
    /// `[UTF8]` (RFC 6856 §5): the message has UTF-8 in its header, and the client has not said that it can read it. A server's choice:
    /// `pop3d` never says this, and sends such a message as it is, as servers did before there was UTF8 to say. An old program shows a
    /// garbled subject then, and its user has the letter; refused, it would stand there for ever, and hold up programs that stop at an
    /// error.
    NeedsUtf8,
    /// Some deleted messages are still there.
    NotRemoved,
    /// `[SYS/PERM]` (RFC 3206): trouble that waiting does not cure.
    Permanent,
    /// `[SYS/TEMP]` (RFC 3206): trouble that may be over later.
    Temporary,
    /// Another program took the message away.
    Vanished,
}

impl Refusal {
    /// Appends the refusal as a reply of its own: what somebody is told who is not let in at all, instead of a greeting.
    pub fn write(self, out: &mut Vec<u8>) {
        Reply::from(self).write(Language::English, out);
    }
}

/// The caller broke the contract; the session is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// The body that was announced has not been sent.
    #[error("a body is due")]
    BodyDue,
    /// The session is over.
    #[error("the session is over")]
    Closed,
    /// The server has to answer before a client says more.
    #[error("the server has to answer first")]
    MustWait,
    /// There is no question to answer, nothing was announced.
    #[error("nothing was asked")]
    NothingAsked,
    /// A question is open: answer it first.
    #[error("a question is open")]
    QuestionOpen,
    /// The arguments of a client's command cannot be sent: they would not be one command.
    #[error("the arguments do not make one command")]
    Unspeakable,
    /// The answer does not belong to the question.
    #[error("the answer does not belong to the question")]
    WrongAnswer,
}
