//! Which command when: RFC 5321 §4.1.4, RFC 4954 §4, RFC 3207 §4. Refusals stand here, effects in `commands.rs`.

use crate::command::Verb;
use crate::replies;
use crate::reply::Reply;

use super::{Session, StartTls};

/// What must hold before a command is looked at any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// A greeting, and no transaction.
    Hello,
    /// As `Hello`; and AUTH where the listener demands it.
    Admitted,
    /// A transaction that MAIL opened, without a body so far.
    Mail,
    /// A transaction with at least one recipient, of a body with lines, of which nothing came yet.
    Rcpt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Argument {
    None,
    Optional,
    Required,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Busy {
    Idle,
    Mail,
}

/// A row: the command's argument, its place in the order, and whether it brings mail nearer or only keeps the server busy.
struct Rule(Argument, Needs, Busy);

#[rustfmt::skip]
const fn rule(verb: Verb) -> Rule {
    match verb {
        Verb::Auth           => Rule(Argument::Required, Needs::Hello,    Busy::Mail),
        // What it needs is asked in `check_chunk`: its octets come in any case.
        Verb::Bdat           => Rule(Argument::Required, Needs::Nothing,  Busy::Mail),
        Verb::Data           => Rule(Argument::None,     Needs::Rcpt,     Busy::Mail),
        Verb::Ehlo           => Rule(Argument::Required, Needs::Nothing,  Busy::Idle),
        Verb::Helo           => Rule(Argument::Required, Needs::Nothing,  Busy::Idle),
        Verb::Help           => Rule(Argument::Optional, Needs::Nothing,  Busy::Idle),
        Verb::Http           => Rule(Argument::Optional, Needs::Nothing,  Busy::Idle),
        Verb::Mail           => Rule(Argument::Required, Needs::Admitted, Busy::Mail),
        Verb::Noop           => Rule(Argument::Optional, Needs::Nothing,  Busy::Idle),
        Verb::NotImplemented => Rule(Argument::Optional, Needs::Nothing,  Busy::Idle),
        Verb::Quit           => Rule(Argument::None,     Needs::Nothing,  Busy::Mail),
        Verb::Rcpt           => Rule(Argument::Required, Needs::Mail,     Busy::Mail),
        Verb::Rset           => Rule(Argument::None,     Needs::Nothing,  Busy::Idle),
        Verb::StartTls       => Rule(Argument::None,     Needs::Nothing,  Busy::Mail),
        Verb::Vrfy           => Rule(Argument::Required, Needs::Nothing,  Busy::Idle),
    }
}

/// Why a command is refused before it is looked at, if it is.
pub(super) fn check(session: &Session, verb: Verb, argument: &str) -> Result<(), Reply> {
    let Rule(wants, needs, _) = rule(verb);
    if tls_missing(session) && !goes_before_tls(session, verb) {
        return Err(replies::TLS_REQUIRED);
    }
    order(session, needs)?;
    match (wants, argument.is_empty()) {
        (Argument::None, false) => Err(replies::ARGUMENT_UNEXPECTED),
        (Argument::Required, true) => Err(replies::ARGUMENT_MISSING),
        _ => Ok(()),
    }
}

/// Why a chunk is refused, if it is.
pub(super) fn check_chunk(session: &Session) -> Result<(), Reply> {
    match &session.transaction {
        None if tls_missing(session) => Err(replies::TLS_REQUIRED),
        None => Err(replies::MAIL_FIRST),
        Some(transaction) if transaction.recipients == 0 => Err(replies::NO_VALID_RECIPIENTS),
        Some(_) => Ok(()),
    }
}

/// Whether a command brings no mail nearer; too many of these end the session.
pub(super) fn is_idle(verb: Verb) -> bool {
    rule(verb).2 == Busy::Idle
}

fn tls_missing(session: &Session) -> bool {
    session.config.starttls == StartTls::Required && !session.encrypted
}

/// RFC 3207 §4: what is not refused for want of TLS. AUTH has a refusal of its own (RFC 4954 §6), which says more; but where it may go
/// in clear text, TLS is what lacks. A chunk's octets come in any case, see [`check_chunk`].
fn goes_before_tls(session: &Session, verb: Verb) -> bool {
    match verb {
        Verb::Bdat | Verb::Ehlo | Verb::Noop | Verb::Quit | Verb::StartTls => true,
        Verb::Auth => !session.auth_possible(),
        _ => false,
    }
}

fn order(session: &Session, needs: Needs) -> Result<(), Reply> {
    let auth_missing = session.config.auth.required && !session.authenticated;
    match (needs, &session.transaction) {
        (Needs::Hello | Needs::Admitted, _) if !session.greeted => Err(replies::HELLO_FIRST),
        (Needs::Hello, Some(_)) => Err(replies::NOT_IN_TRANSACTION),
        (Needs::Admitted, Some(_)) => Err(replies::NESTED_MAIL),
        (Needs::Admitted, None) if auth_missing => Err(replies::AUTH_REQUIRED),
        (Needs::Mail | Needs::Rcpt, None) => Err(replies::MAIL_FIRST),
        (Needs::Mail | Needs::Rcpt, Some(transaction)) if transaction.body.is_some() => {
            Err(replies::CHUNKS_HAVE_BEGUN)
        }
        (Needs::Rcpt, Some(transaction)) if transaction.opened.binary => Err(replies::BINARY_WITHOUT_CHUNKS),
        (Needs::Rcpt, Some(transaction)) if transaction.recipients == 0 => Err(replies::NO_VALID_RECIPIENTS),
        _ => Ok(()),
    }
}
