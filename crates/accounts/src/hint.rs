//! What may have gone wrong when a login fails: for the log and the support desk, never for the client.

use std::fmt;

use crate::Accounts;
use crate::names::{Address, Login, brand_of, login_of};
use crate::password::reads_as_generated;
use crate::questions::{Resolution, Why};
use crate::sql;
use crate::standing::{Bar, Service};

/// A guess at the mistake behind a failed login, in words for the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// An address was used as login; this is the login of whom it leads to.
    Address(String),
    /// The local part of a chosen address was used as login; this is the login as first issued.
    Alias(String),
    /// The account is closing.
    Closing,
    /// There is no APOP secret for the account.
    NoApopSecret,
    /// `server:user`, as POPFile and its kind have it in a mail program's settings.
    PseudoUserName,
    /// The service is not registered for the account.
    ServiceOff(Service),
    /// The account is not in use yet.
    Staged,
    /// The account is suspended.
    Suspended,
    /// PLAIN named a second identity.
    TwoIdentities,
}

impl Hint {
    /// A stable word for it, in the database.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Alias(_) => "alias",
            Self::Closing => "closing",
            Self::NoApopSecret => "no-apop-secret",
            Self::PseudoUserName => "pseudo-user-name",
            Self::ServiceOff(_) => "service-off",
            Self::Staged => "staged",
            Self::Suspended => "suspended",
            Self::TwoIdentities => "two-identities",
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(login) => write!(f, "address used as login, the login is {login}"),
            Self::Alias(login) => write!(f, "alias used as login, the login is {login}"),
            Self::Closing => f.write_str("account closing"),
            Self::NoApopSecret => {
                f.write_str("no secret for APOP, set the password again by account passwd --apop")
            }
            Self::PseudoUserName => f.write_str("pseudo user name (POPFile style)"),
            Self::ServiceOff(service) => write!(f, "service {} not registered", service.word()),
            Self::Staged => f.write_str("account not in use yet"),
            Self::Suspended => f.write_str("account suspended"),
            Self::TwoIdentities => {
                f.write_str("PLAIN names somebody else to act as, leave its authorization identity empty")
            }
        }
    }
}

impl Bar {
    /// The same for the desk.
    #[must_use]
    pub fn hint(&self) -> Hint {
        match self {
            Self::Closing => Hint::Closing,
            Self::ServiceOff(service) => Hint::ServiceOff(*service),
            Self::Staged => Hint::Staged,
            Self::Suspended(_) => Hint::Suspended,
        }
    }
}

/// A name that somebody logged in with and that is nobody's login, as it may stand in a log: people type their password where the login
/// belongs, and many a password has the shape of a login. So a name is shown that is an address, or `server:user`, or of whom the hint
/// knows; of any other, and of what reads as a password that we made, only how long it is.
pub(crate) fn shown_name(name: &str, hint: Option<&Hint>) -> String {
    let is_address = |text: &str| Address::parse(text).is_ok_and(|address| address.domain().contains('.'));
    let is_user = |text: &str| !reads_as_generated(text) && (is_address(text) || Login::parse(text).is_ok());
    let fits = match name.split_once(':') {
        Some((server, user)) => server.contains('.') && is_user(server) && is_user(user),
        None => is_address(name) || matches!(hint, Some(Hint::Address(_) | Hint::Alias(_))),
    };
    match fits {
        true => name.to_owned(),
        false => format!("<not a login, {} characters>", name.chars().count()),
    }
}

impl Accounts {
    /// What may be the mistake in a login that was rejected. Nothing where nothing is known, and where the database does not answer:
    /// a hint is not worth a second error.
    ///
    /// It costs a question to the database: ask while the client waits anyway, that no answer tells by its time what the hint is.
    pub async fn hint(&self, login: &str, why: Why) -> Option<Hint> {
        match why {
            Why::UnknownLogin => self.hint_of_name(login).await,
            Why::NoCredential => Some(Hint::NoApopSecret),
            Why::ActingAsAnother => Some(Hint::TwoIdentities),
            Why::WrongSecret => None,
        }
    }

    /// What a name is that is no login.
    pub async fn hint_of_name(&self, name: &str) -> Option<Hint> {
        // No login and no address that we give has a colon.
        if name.contains(':') {
            return Some(Hint::PseudoUserName);
        }
        if let Ok(address) = Address::parse(name) {
            return match self.resolve(address.local_part(), address.domain()).await.ok()? {
                Resolution::Mailbox(mailbox) if brand_of(&mailbox.login) == &*self.brand => {
                    Some(Hint::Address(login_of(&mailbox.login).to_owned()))
                }
                _ => None,
            };
        }
        let name = Login::parse(name).ok()?;
        let found: Option<String> = sqlx::query_scalar(sql::LOGIN_OF_ALIAS)
            .bind(name.as_str())
            .bind(&*self.brand)
            .fetch_optional(self.shared.store.readers())
            .await
            .ok()?;
        found.map(|found| login_of(&found).to_owned()).filter(|login| login != name.as_str()).map(Hint::Alias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_09_a_password_in_the_place_of_the_login_is_not_shown() {
        for shown in ["taro@mx.example.jp", "pop.example.jp:ab4t-ash", "taro@example.jp:taro"] {
            assert_eq!(shown_name(shown, None), shown);
        }
        let (alias, address) = (Hint::Alias("ab4t-ash".into()), Hint::Address("ab4t-ash".into()));
        for (shown, hint) in [("taro", alias), ("\u{ff34}aro", Hint::Alias("t".into())), ("taro@mx", address)]
        {
            assert_eq!(shown_name(shown, Some(&hint)), shown);
        }
        for (hidden, characters) in [
            ("natsu no umi 7", 14),
            ("yuki=no&yama%9", 14),
            ("n9e3cee6c879yw", 14),
            ("sakura1988", 10),
            ("m1234ab567c", 11),
            ("p@ssw0rd", 8),
            ("ひみつ", 3),
            ("pop.example.jp:n9e3cee6c879yw", 29),
            ("hanako:sakura1988", 17),
            ("pa:ss:word", 10),
            ("hunter2!", 8),
            ("", 0),
            ("\u{1b}[2J", 4),
        ] {
            assert_eq!(shown_name(hidden, None), format!("<not a login, {characters} characters>"));
        }
    }
}
