//! What a session refuses of itself because its listener is set up so: an operator may say it in other words.

use crate::replies;
use crate::reply::Reply;

/// A refusal of the session's own that [`Config::say`](crate::Config::say) can put into other words. Its codes stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// 530: MAIL before the AUTH that is demanded.
    AuthMissing,
    /// 502: AUTH where it is not offered.
    AuthNotOffered,
    /// 538: AUTH in clear text where that is not allowed.
    ClearTextAuth,
    /// 504: a mechanism that is not offered.
    MechanismNotOffered,
    /// 552: a message beyond the limit.
    MessageTooBig,
    /// 502: STARTTLS where it is not offered.
    StartTlsNotOffered,
    /// 530: MAIL before the TLS that is demanded.
    TlsMissing,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::AuthMissing,
        Self::AuthNotOffered,
        Self::ClearTextAuth,
        Self::MechanismNotOffered,
        Self::MessageTooBig,
        Self::StartTlsNotOffered,
        Self::TlsMissing,
    ];

    /// What is said where nobody wants other words.
    pub const fn reply(self) -> Reply {
        match self {
            Self::AuthMissing => replies::AUTH_REQUIRED,
            Self::AuthNotOffered => replies::AUTH_NOT_OFFERED,
            Self::ClearTextAuth => replies::ENCRYPTION_REQUIRED,
            Self::MechanismNotOffered => replies::MECHANISM_UNKNOWN,
            Self::MessageTooBig => replies::MESSAGE_TOO_BIG,
            Self::StartTlsNotOffered => replies::STARTTLS_NOT_OFFERED,
            Self::TlsMissing => replies::TLS_REQUIRED,
        }
    }
}
