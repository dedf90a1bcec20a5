//! `RCPT TO:`

use core::fmt;

use crate::extension::Extensions;
use crate::grammar::address::ForwardPath;
use crate::grammar::delivery::ValidSince;
use crate::grammar::notification::{Notify, OriginalRecipient};
use crate::grammar::parameter::Parameter;
use crate::replies;
use crate::reply::Reply;

use super::keyword::Keyword;
use super::parameters::{each_parameter, flag, once, path_behind, write_all};

/// `RCPT TO:` with its parameters. A client fills the fields in; it writes only those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rcpt<'i> {
    /// Whom the message is for.
    pub forward_path: ForwardPath<'i>,
    /// NOTIFY: what to report (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// ORCPT: the recipient as the sender named it (RFC 3461 §4.2).
    pub original: Option<OriginalRecipient<'i>>,
    /// RRVS: since when the mailbox must have had the same owner (RFC 7293).
    pub valid_since: Option<ValidSince<'i>>,
    /// CONNEG: the sender wants to know what the recipient's end can show (RFC 4141).
    pub content_negotiation: bool,
}

impl<'i> Rcpt<'i> {
    /// Without a parameter.
    pub const fn new(forward_path: ForwardPath<'i>) -> Self {
        Self { forward_path, notify: None, original: None, valid_since: None, content_negotiation: false }
    }

    /// `rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF`; `argument` is
    /// what stands behind `RCPT `. `smtputf8`: MAIL had that parameter.
    ///
    /// # Errors
    /// The reply that refuses it.
    pub fn parse(argument: &'i str, offered: Extensions, smtputf8: bool) -> Result<Self, Reply> {
        let (rest, forward_path) =
            path_behind("TO:", ForwardPath::parse, argument).ok_or(replies::BAD_RECIPIENT)?;
        let mut rcpt = Self::new(forward_path);
        if !rest.is_empty() {
            each_parameter(rest, |parameter| rcpt.take(parameter, offered))?;
        }
        // RFC 6533 §3: an original recipient may be beyond ASCII only where addresses may.
        if !smtputf8 && rcpt.original.is_some_and(|original| !original.is_ascii()) {
            return Err(replies::BAD_PARAMETER);
        }
        match forward_path {
            // RFC 6531 §3.5
            ForwardPath::Mailbox(mailbox) if !smtputf8 && !mailbox.is_ascii() => {
                Err(replies::ADDRESS_NOT_ASCII)
            }
            _ => Ok(rcpt),
        }
    }

    fn take(
        &mut self,
        Parameter { keyword, value }: Parameter<'i>,
        offered: Extensions,
    ) -> Result<(), Reply> {
        match Keyword::parse(keyword).filter(|known| offered.contains(known.extension())) {
            Some(Keyword::ConNeg) => flag(&mut self.content_negotiation, value),
            Some(Keyword::Notify) => once(&mut self.notify, value.and_then(Notify::parse)),
            Some(Keyword::ORcpt) => once(&mut self.original, value.and_then(OriginalRecipient::parse)),
            Some(Keyword::Rrvs) => once(&mut self.valid_since, value.and_then(ValidSince::parse)),
            _ => Err(replies::PARAMETER_UNKNOWN),
        }
    }
}

impl fmt::Display for Rcpt<'_> {
    /// The command as it goes over the wire, without CRLF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RCPT TO:<{}>", self.forward_path)?;
        write_all(
            f,
            &[("NOTIFY", &self.notify), ("ORCPT", &self.original), ("RRVS", &self.valid_since)],
            &[("CONNEG", self.content_negotiation)],
        )
    }
}
