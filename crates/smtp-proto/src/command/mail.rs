//! `MAIL FROM:`

use core::fmt;

use crate::extension::{Extension, Extensions};
use crate::grammar::address::ReversePath;
use crate::grammar::delivery::{DeliverBy, Hold, Priority};
use crate::grammar::marks::{BodyType, Solicitation, Submitter, Tracking, TransactionId};
use crate::grammar::notification::{Return, envelope_id};
use crate::grammar::parameter::{Parameter, Xtext, size};
use crate::replies;
use crate::reply::Reply;

use super::keyword::Keyword;
use super::parameters::{each_parameter, flag, once, path_behind, write_all};

/// `MAIL FROM:` with its parameters. A client fills the fields in; it writes only those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail<'i> {
    /// Where reports go.
    pub reverse_path: ReversePath<'i>,
    /// SIZE: what the client says the message will be, in octets (RFC 1870).
    pub size: Option<u64>,
    /// BODY: what the client says the body consists of (RFC 6152, RFC 3030).
    pub body: Option<BodyType>,
    /// AUTH: whom the message came from first (RFC 4954 §5). A claim, to be believed of trusted clients only.
    pub auth: Option<Submitter<'i>>,
    /// SMTPUTF8: addresses or header are beyond ASCII (RFC 6531 §3.4).
    pub smtputf8: bool,
    /// RET: how much of the message comes back in a report (RFC 3461 §4.3).
    pub ret: Option<Return>,
    /// ENVID: the sender's name of the envelope, for reports (RFC 3461 §4.4).
    pub envelope_id: Option<Xtext<'i>>,
    /// REQUIRETLS: rather not at all than without TLS (RFC 8689).
    pub require_tls: bool,
    /// MT-PRIORITY (RFC 6710).
    pub priority: Option<Priority>,
    /// BY: a deadline (RFC 2852).
    pub by: Option<DeliverBy>,
    /// HOLDFOR or HOLDUNTIL: when to release it (RFC 4865).
    pub hold: Option<Hold<'i>>,
    /// SUBMITTER: the responsible address of RFC 4405, in xtext.
    pub responsible: Option<Xtext<'i>>,
    /// SOLICIT: what kind of advertising it is (RFC 3865).
    pub solicitation: Option<Solicitation<'i>>,
    /// MTRK: who may ask where it is (RFC 3885).
    pub tracking: Option<Tracking<'i>>,
    /// TRANSID: a transaction that may be taken up again (RFC 1845).
    pub transaction_id: Option<TransactionId<'i>>,
    /// CONPERM: its content may be converted (RFC 4141).
    pub conversion_permitted: bool,
}

impl<'i> Mail<'i> {
    /// Without a parameter.
    pub const fn new(reverse_path: ReversePath<'i>) -> Self {
        Self {
            reverse_path,
            size: None,
            body: None,
            auth: None,
            smtputf8: false,
            ret: None,
            envelope_id: None,
            require_tls: false,
            priority: None,
            by: None,
            hold: None,
            responsible: None,
            solicitation: None,
            tracking: None,
            transaction_id: None,
            conversion_permitted: false,
        }
    }

    /// `mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF`; `argument` is what stands behind `MAIL `.
    ///
    /// # Errors
    /// The reply that refuses it. A parameter of an extension that is not `offered` is as unknown as any other (RFC 5321 §4.1.1.11).
    pub fn parse(argument: &'i str, offered: Extensions) -> Result<Self, Reply> {
        let (rest, reverse_path) =
            path_behind("FROM:", ReversePath::parse, argument).ok_or(replies::BAD_SENDER)?;
        let mut mail = Self::new(reverse_path);
        if !rest.is_empty() {
            each_parameter(rest, |parameter| mail.take(parameter, offered))?;
        }
        match reverse_path {
            // RFC 6531 §3.5
            ReversePath::Mailbox(mailbox) if !mail.smtputf8 && !mailbox.is_ascii() => {
                Err(replies::ADDRESS_NOT_ASCII)
            }
            _ => Ok(mail),
        }
    }

    fn take(
        &mut self,
        Parameter { keyword, value }: Parameter<'i>,
        offered: Extensions,
    ) -> Result<(), Reply> {
        let known = Keyword::parse(keyword).filter(|known| offered.contains(known.extension()));
        let Some(known) = known else { return Err(replies::PARAMETER_UNKNOWN) };
        match known {
            Keyword::Auth => once(&mut self.auth, value.and_then(Submitter::parse)),
            Keyword::Body => self.take_body(value, offered),
            Keyword::By => once(&mut self.by, value.and_then(DeliverBy::parse)),
            Keyword::ConPerm => flag(&mut self.conversion_permitted, value),
            Keyword::EnvId => once(&mut self.envelope_id, value.and_then(envelope_id)),
            Keyword::HoldFor => once(&mut self.hold, value.and_then(Hold::parse_for)),
            Keyword::HoldUntil => once(&mut self.hold, value.and_then(Hold::parse_until)),
            Keyword::MtPriority => once(&mut self.priority, value.and_then(Priority::parse)),
            Keyword::MTrk => once(&mut self.tracking, value.and_then(Tracking::parse)),
            Keyword::RequireTls => flag(&mut self.require_tls, value),
            Keyword::Ret => once(&mut self.ret, value.and_then(Return::parse)),
            Keyword::Size => once(&mut self.size, value.and_then(size)),
            Keyword::SmtpUtf8 => flag(&mut self.smtputf8, value),
            Keyword::Solicit => once(&mut self.solicitation, value.and_then(Solicitation::parse)),
            Keyword::Submitter => once(&mut self.responsible, value.and_then(Xtext::parse)),
            Keyword::TransId => once(&mut self.transaction_id, value.and_then(TransactionId::parse)),
            Keyword::ConNeg | Keyword::Notify | Keyword::ORcpt | Keyword::Rrvs => {
                Err(replies::PARAMETER_UNKNOWN)
            }
        }
    }

    /// BINARYMIME is a value of an extension of its own.
    fn take_body(&mut self, value: Option<&'i str>, offered: Extensions) -> Result<(), Reply> {
        let body = value.and_then(BodyType::parse);
        let hidden = body == Some(BodyType::BinaryMime) && !offered.contains(Extension::BinaryMime);
        once(&mut self.body, body.filter(|_| !hidden))
    }
}

impl fmt::Display for Mail<'_> {
    /// The command as it goes over the wire, without CRLF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MAIL FROM:<{}>", self.reverse_path)?;
        let (hold_for, hold_until) = match &self.hold {
            Some(Hold::For(seconds)) => (Some(seconds), None),
            Some(Hold::Until(instant)) => (None, Some(instant)),
            None => (None, None),
        };
        write_all(
            f,
            &[
                ("SIZE", &self.size),
                ("BODY", &self.body),
                ("AUTH", &self.auth),
                ("RET", &self.ret),
                ("ENVID", &self.envelope_id),
                ("MT-PRIORITY", &self.priority),
                ("BY", &self.by),
                ("HOLDFOR", &hold_for),
                ("HOLDUNTIL", &hold_until),
                ("SUBMITTER", &self.responsible),
                ("SOLICIT", &self.solicitation),
                ("MTRK", &self.tracking),
                ("TRANSID", &self.transaction_id),
            ],
            &[
                ("SMTPUTF8", self.smtputf8),
                ("REQUIRETLS", self.require_tls),
                ("CONPERM", self.conversion_permitted),
            ],
        )
    }
}
