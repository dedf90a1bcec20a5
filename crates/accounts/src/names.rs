//! Logins, domains and addresses: parsed once, lower case from then on, safe in SQL, file names and replies.

use std::fmt;

use crate::limits;

/// What is wrong with a name, in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameFault(String);

/// A login as first issued: lower-case letters, digits, `-`, `.` and `_`; never an address.
///
/// Upper case and full-width forms (`ＡＢ４Ｔ`) are folded, because customers copy them from paper and web pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Login(String);

impl Login {
    /// Reads a login in any case and width.
    ///
    /// # Errors
    /// [`NameFault`] when a character is none of those above, the login does not begin and end with a letter or a
    /// digit, has two dots in a row, or is longer than [`limits::LOGIN`].
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        Self::parse_as("a login", text)
    }

    /// The same of what is no login, and has the form of one: `what` it is to be, in words.
    pub(crate) fn parse_as(what: &str, text: &str) -> Result<Self, NameFault> {
        let folded: String = text.chars().map(fold_width).map(|c| c.to_ascii_lowercase()).collect();
        let fault = |why: &str| Err(NameFault(format!("'{}' is not {what}: {why}", shown(text))));
        if folded.contains('@') {
            return fault("it has no '@'; give the part that was issued, for example ab4t-ash");
        }
        if folded.is_empty() || folded.len() > limits::LOGIN {
            return fault(&format!("it must have 1 to {} characters", limits::LOGIN));
        }
        if !folded.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')) {
            return fault("use letters, digits, '-', '.' and '_' only");
        }
        // The first character also keeps the Maildir's name from being hidden or read as an option.
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if !edge(folded.chars().next()) || !edge(folded.chars().next_back()) || folded.contains("..") {
            return fault("it must begin and end with a letter or a digit, and have no two dots in a row");
        }
        Ok(Self(folded))
    }

    /// The login, lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account of this login in a brand; an empty one is the default.
    pub(crate) fn at(self, brand: &str) -> AccountName {
        let name = if brand.is_empty() { self.0.clone() } else { format!("{brand}:{self}") };
        AccountName { login: self, name }
    }
}

/// The name of an account in one installation: its login, and before it the brand where that is not the default one: `asahi:ab4t-ash`.
///
/// No login has a colon, so a client cannot name another brand's account, and no two accounts have one name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AccountName {
    login: Login,
    name: String,
}

impl AccountName {
    /// Reads a login, with its brand before it if that is not `brand`; nothing before the colon is the default one.
    pub(crate) fn parse(text: &str, brand: &str) -> Result<Self, NameFault> {
        match text.split_once(':') {
            Some(("", login)) => Ok(Login::parse(login)?.at("")),
            Some((brand, login)) => Ok(Login::parse(login)?.at(Login::parse(brand)?.as_str())),
            None => Ok(Login::parse(text)?.at(brand)),
        }
    }

    pub(crate) fn login(&self) -> &Login {
        &self.login
    }

    /// The brand; empty for the default one.
    pub(crate) fn brand(&self) -> &str {
        brand_of(&self.name)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }
}

/// The brand in an account's name; empty for the default one.
pub(crate) fn brand_of(name: &str) -> &str {
    name.split_once(':').map_or("", |(brand, _)| brand)
}

/// The login in an account's name.
pub(crate) fn login_of(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, login)| login)
}

/// A domain name: letters, digits and hyphens in labels (RFC 5321 §2.3.5), lower case, without a trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// Reads a domain name in any case.
    ///
    /// # Errors
    /// [`NameFault`] for anything else, an address literal and an empty name included.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let fault = |why: &str| Err(NameFault(format!("'{}' is not a domain name: {why}", shown(text))));
        if !text.is_ascii() {
            return fault("write an international name in its ASCII form, xn--…");
        }
        if text.is_empty() || text.len() > limits::DOMAIN {
            return fault(&format!("it must have 1 to {} characters", limits::DOMAIN));
        }
        if text.split('.').all(is_label) {
            // RFC 3696 §2: no top-level domain is all digits, so that no address of a host reads as a domain name.
            let last = text.rsplit('.').next().unwrap_or_default();
            return match last.bytes().all(|b| b.is_ascii_digit()) {
                true => fault("the last part cannot be a number; an address of a host is no mail domain"),
                false => Ok(Self(text.to_ascii_lowercase())),
            };
        }
        fault(&format!(
            "between dots stand 1 to {} letters, digits and inner hyphens, for example mx.example.jp",
            limits::LABEL
        ))
    }

    /// The name, lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A mail address that an account can have: a dot-atom and a domain name, both lower case.
///
/// RFC 5321 §2.4 leaves the case of a local part to its host; this host does not distinguish it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local_part: LocalPart,
    domain: DomainName,
}

impl Address {
    /// Reads `local-part@domain` in any case.
    ///
    /// # Errors
    /// [`NameFault`] when there is no `@`, or what stands before or after it is not of the shape above.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let Some((local_part, domain)) = text.rsplit_once('@') else {
            return Err(NameFault(format!(
                "'{}' is not an address: write it as name@domain, for example taro@example.jp",
                shown(text)
            )));
        };
        Ok(Self { local_part: LocalPart::parse(local_part)?, domain: DomainName::parse(domain)? })
    }

    /// The address that a login has in a domain from its first minute.
    pub(crate) fn issued(login: &Login, domain: DomainName) -> Self {
        Self { local_part: LocalPart(login.0.clone()), domain }
    }

    /// The same name in another domain.
    pub(crate) fn at(self, domain: DomainName) -> Self {
        Self { domain, ..self }
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.local_part.as_str()
    }

    /// What stands after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.domain.as_str()
    }
}

/// A local part that an account can have: a dot-atom (RFC 5322 §3.2.3), lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LocalPart(String);

impl LocalPart {
    pub(crate) fn parse(text: &str) -> Result<Self, NameFault> {
        let fault = |why: &str| {
            Err(NameFault(format!("'{}' cannot stand before the '@' of an address: {why}", shown(text))))
        };
        if !text.is_ascii() {
            return fault("use ASCII letters (half-width)");
        }
        if text.is_empty() || text.len() > limits::LOCAL_PART {
            return fault(&format!("it must have 1 to {} characters", limits::LOCAL_PART));
        }
        if text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext)) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        fault(
            "use letters, digits and the usual marks; no blank, no quote, no dot at an end or beside another",
        )
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part.as_str(), self.domain)
    }
}

/// Unicode's "Fullwidth Forms" of ASCII lie in one run, in the order of ASCII.
fn fold_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

fn is_label(label: &str) -> bool {
    (1..=limits::LABEL).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// RFC 5322 §3.2.3.
fn is_atext(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b)
}

/// A name as it may stand in an error text: nothing that moves a terminal's cursor, and not a page of it.
fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}
