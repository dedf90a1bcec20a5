//! Paths and mailboxes: RFC 5321 §4.1.2 and §4.1.3, with the UTF-8 of RFC 6531 §3.3.

use alloc::borrow::Cow;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while_m_n, take_while1};
use nom::character::complete::satisfy;
use nom::combinator::{map, map_opt, opt, recognize, rest, value, verify};
use nom::multi::many0_count;
use nom::sequence::{delimited, preceded, separated_pair, terminated};

use super::{Class, Parsed, mark, utf8_non_ascii, whole};

/// RFC 5321 §4.5.3.1.1, in octets.
const LONGEST_LOCAL_PART: usize = 64;
/// RFC 5321 §4.5.3.1.2, in octets.
const LONGEST_DOMAIN: usize = 255;
/// RFC 1035 §2.3.4, in octets.
const LONGEST_LABEL: usize = 63;

/// Where a message is to go back to when it cannot be delivered: the argument of MAIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReversePath<'i> {
    /// `<>`: nowhere. Reports travel so (RFC 5321 §4.5.5).
    Null,
    /// A mailbox.
    Mailbox(Mailbox<'i>),
}

impl<'i> ReversePath<'i> {
    /// `Reverse-path = Path / "<>"`
    pub(crate) fn parse(input: &'i str) -> Parsed<'i, Self> {
        alt((value(Self::Null, tag("<>")), map(path, Self::Mailbox))).parse(input)
    }
}

impl fmt::Display for ReversePath<'_> {
    /// Without the angle brackets; empty for the null path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Mailbox(mailbox) => mailbox.fmt(f),
        }
    }
}

/// Where a message is to go: the argument of RCPT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForwardPath<'i> {
    /// A mailbox.
    Mailbox(Mailbox<'i>),
    /// `<postmaster>`, in any case, without a domain: this host's own (RFC 5321 §4.1.1.3).
    Postmaster,
}

impl<'i> ForwardPath<'i> {
    /// `( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path )`
    pub(crate) fn parse(input: &'i str) -> Parsed<'i, Self> {
        let postmaster =
            value(Self::Postmaster, delimited(mark(b'<'), tag_no_case("postmaster"), mark(b'>')));
        alt((map(path, Self::Mailbox), postmaster)).parse(input)
    }
}

impl fmt::Display for ForwardPath<'_> {
    /// Without the angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox(mailbox) => mailbox.fmt(f),
            Self::Postmaster => f.write_str("postmaster"),
        }
    }
}

/// An address: it cannot hold octets that would break a line or a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox<'i> {
    local_part: LocalPart<'i>,
    domain: Domain<'i>,
}

impl<'i> Mailbox<'i> {
    /// Reads `local-part@domain`, without angle brackets. `None` when it is no mailbox of RFC 5321.
    pub fn parse(text: &'i str) -> Option<Self> {
        whole(mailbox, text)
    }

    /// What stands before the `@`.
    pub const fn local_part(&self) -> LocalPart<'i> {
        self.local_part
    }

    /// What stands behind the `@`.
    pub const fn domain(&self) -> Domain<'i> {
        self.domain
    }

    /// Whether it can travel without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.local_part.0.is_ascii() && self.domain.as_str().is_ascii()
    }
}

impl fmt::Display for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part.0, self.domain.as_str())
    }
}

/// A local part, as it was written: quoted or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalPart<'i>(&'i str);

impl<'i> LocalPart<'i> {
    /// As written, with quotes where there were some.
    pub const fn as_str(&self) -> &'i str {
        self.0
    }

    /// What it means: `"a\ b"` and `"a b"` are the same local part, and so are `"ab"` and `ab` (RFC 5321 §4.1.2).
    pub fn unquoted(&self) -> Cow<'i, str> {
        let Some(inner) = self.0.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
            return Cow::Borrowed(self.0);
        };
        if !inner.contains('\\') {
            return Cow::Borrowed(inner);
        }
        let mut characters = inner.chars();
        let mut plain = alloc::string::String::with_capacity(inner.len());
        while let Some(character) = characters.next() {
            plain.extend(if character == '\\' { characters.next() } else { Some(character) });
        }
        Cow::Owned(plain)
    }
}

/// What stands behind the `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain<'i> {
    /// A name in the domain system, as it was written.
    Name(DomainName<'i>),
    /// An address in brackets.
    Literal(AddressLiteral<'i>),
}

/// A name of at most 255 octets in labels of letters, digits and hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DomainName<'i>(&'i str);

impl<'i> Domain<'i> {
    /// As it was written, brackets included.
    pub const fn as_str(&self) -> &'i str {
        match self {
            Self::Name(DomainName(text)) | Self::Literal(AddressLiteral(text)) => text,
        }
    }
}

/// `address-literal`: a host by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressLiteral<'i>(&'i str);

impl AddressLiteral<'_> {
    /// The address; `None` for a General-address-literal, whose tag nobody has registered yet.
    pub fn address(&self) -> Option<IpAddr> {
        let inside = self.0.strip_prefix('[')?.strip_suffix(']')?;
        whole(ip_address_literal, inside)
    }
}

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`: source routes are taken and ignored (RFC 5321 §4.1.1.3 and appendix C).
fn path(input: &str) -> Parsed<'_, Mailbox<'_>> {
    delimited(mark(b'<'), preceded(opt(terminated(source_route, mark(b':'))), mailbox), mark(b'>'))
        .parse(input)
}

/// `A-d-l = At-domain *( "," At-domain )`, `At-domain = "@" Domain`
fn source_route(input: &str) -> Parsed<'_, ()> {
    let at_domain = |input| preceded(mark(b'@'), domain_name).parse(input);
    value((), (at_domain, many0_count((mark(b','), at_domain)))).parse(input)
}

/// `Mailbox = Local-part "@" ( Domain / address-literal )`
fn mailbox(input: &str) -> Parsed<'_, Mailbox<'_>> {
    let domain = alt((map(address_literal, Domain::Literal), map(domain_name, Domain::Name)));
    map(separated_pair(local_part, mark(b'@'), domain), |(local_part, domain)| Mailbox { local_part, domain })
        .parse(input)
}

/// `Local-part = Dot-string / Quoted-string`
fn local_part(input: &str) -> Parsed<'_, LocalPart<'_>> {
    map(verify(alt((dot_string, quoted_string)), |text: &str| text.len() <= LONGEST_LOCAL_PART), LocalPart)
        .parse(input)
}

/// `Dot-string = Atom *("." Atom)`
fn dot_string(input: &str) -> Parsed<'_, &str> {
    recognize((atom, many0_count((mark(b'.'), atom)))).parse(input)
}

/// `Atom = 1*atext`, `atext =/ UTF8-non-ascii`
fn atom(input: &str) -> Parsed<'_, &str> {
    static ATEXT: Class = Class::alphanumeric_and(b"!#$%&'*+-/=?^_`{|}~");
    ATEXT.run(input)
}

/// `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`
fn quoted_string(input: &str) -> Parsed<'_, &str> {
    recognize(delimited(mark(b'"'), many0_count(alt((qtext, quoted_pair))), mark(b'"'))).parse(input)
}

/// `qtextSMTP = %d32-33 / %d35-91 / %d93-126 / UTF8-non-ascii`
fn qtext(input: &str) -> Parsed<'_, ()> {
    let plain = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~') || utf8_non_ascii(c);
    value((), satisfy(plain)).parse(input)
}

/// `quoted-pairSMTP = %d92 %d32-126`
fn quoted_pair(input: &str) -> Parsed<'_, ()> {
    value((), (mark(b'\\'), satisfy(|c| matches!(c, ' '..='~')))).parse(input)
}

/// `Domain = sub-domain *("." sub-domain)`
fn domain_name(input: &str) -> Parsed<'_, DomainName<'_>> {
    let name = recognize((sub_domain, many0_count((mark(b'.'), sub_domain))));
    map(verify(name, |text: &str| text.len() <= LONGEST_DOMAIN), DomainName).parse(input)
}

/// `sub-domain = Let-dig [Ldh-str] / U-label`. An underscore is taken, too: hosts have it, whatever the RFC says.
fn sub_domain(input: &str) -> Parsed<'_, &str> {
    static LABEL: Class = Class::alphanumeric_and(b"-_");
    let label = |text: &&str| {
        let octets = text.as_bytes();
        octets.len() <= LONGEST_LABEL && !octets.starts_with(b"-") && !octets.ends_with(b"-")
    };
    verify(|input| LABEL.run(input), label).parse(input)
}

/// `address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"`
fn address_literal(input: &str) -> Parsed<'_, AddressLiteral<'_>> {
    let inside = take_while_m_n(1, LONGEST_DOMAIN, |c| matches!(c, '!'..='Z' | '^'..='~'));
    let known = |text: &&str| {
        whole(ip_address_literal, text).is_some() || whole(general_address_literal, text).is_some()
    };
    map(recognize(delimited(mark(b'['), verify(inside, known), mark(b']'))), AddressLiteral).parse(input)
}

/// `IPv4-address-literal / IPv6-address-literal`, `IPv6-address-literal = "IPv6:" IPv6-addr`
fn ip_address_literal(input: &str) -> Parsed<'_, IpAddr> {
    let ipv6 = map_opt(preceded(tag_no_case("IPv6:"), rest), |text: &str| text.parse::<Ipv6Addr>().ok());
    let ipv4 = map_opt(rest, |text: &str| text.parse::<Ipv4Addr>().ok());
    alt((map(ipv6, IpAddr::V6), map(ipv4, IpAddr::V4))).parse(input)
}

/// `General-address-literal = Standardized-tag ":" 1*dcontent`, but for IPv6, whose addresses must be addresses.
fn general_address_literal(input: &str) -> Parsed<'_, ()> {
    let tag = verify(take_while1(|c: char| c.is_ascii_alphanumeric() || c == '-'), |tag: &str| {
        !tag.ends_with('-') && !tag.eq_ignore_ascii_case("IPv6")
    });
    value((), (tag, mark(b':'), take_while1(|c| matches!(c, '!'..='Z' | '^'..='~')))).parse(input)
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mailboxes() {
        let long = format!("{}@example.jp", "a".repeat(64));
        let good = [
            "hanako@example.jp",
            "a.b.c@example.jp",
            "a+tag@x",
            "!#$%&'*+-/=?^_`{|}~@example.jp",
            "\"a b\"@example.jp",
            "\"a\\\"b\\ \"@example.jp",
            "\"\"@example.jp",
            "\"@\"@example.jp",
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
            "a@[ipv6:::ffff:192.0.2.1]",
            "a@[x-net:anything]",
            "a@host_1.example.jp",
            "\u{82b1}\u{5b50}@\u{4f8b}.jp",
            &long,
        ];
        for text in good {
            let mailbox = Mailbox::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(mailbox.to_string(), text);
        }
        let longer = format!("{}@example.jp", "a".repeat(65));
        let long_label = format!("a@{}.jp", "a".repeat(64));
        let long_domain = format!("a@{}", ["a"; 129].join("."));
        let bad = [
            "",
            "@",
            "a",
            "a@",
            "@a",
            "a@b@c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a b@c",
            "a@b c",
            "a@-b",
            "a@b-",
            "a@b..c",
            "a@b.",
            "a@[192.0.2]",
            "a@[IPv6:1::2::3]",
            "a@[IPv6:x]",
            "a@[]",
            "a@[x:]",
            "\"a@b",
            "\"a\"b@c",
            "\"a\rb\"@c",
            "a\0@b",
            "<a@b>",
            "a@[192.0.2.1",
            "\"\\\u{82b1}\"@b",
            &longer,
            &long_label,
            &long_domain,
        ];
        for text in bad {
            assert_eq!(Mailbox::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn paths() {
        let mailbox = Mailbox::parse("a@b").unwrap();
        for text in ["<a@b>", "<@x:a@b>", "<@x,@y.jp:a@b>"] {
            assert_eq!(whole(ReversePath::parse, text), Some(ReversePath::Mailbox(mailbox)), "{text}");
            assert_eq!(whole(ForwardPath::parse, text), Some(ForwardPath::Mailbox(mailbox)), "{text}");
        }
        assert_eq!(whole(ReversePath::parse, "<>"), Some(ReversePath::Null));
        assert_eq!(whole(ForwardPath::parse, "<PostMaster>"), Some(ForwardPath::Postmaster));
        for text in [
            "",
            "a@b",
            "<a@b",
            "a@b>",
            "<a@b>>",
            "<<a@b>",
            "<>>>>>",
            "< a@b>",
            "<a@b >",
            "<@x a@b>",
            "<@x:>",
            "<postmaster",
        ] {
            assert_eq!(whole(ReversePath::parse, text), None, "{text}");
            assert_eq!(whole(ForwardPath::parse, text), None, "{text}");
        }
        assert_eq!(whole(ForwardPath::parse, "<>"), None);
        assert_eq!(whole(ReversePath::parse, "<postmaster>"), None);
    }

    #[test]
    fn quotes_mean_nothing() {
        for (written, meant) in
            [("ab", "ab"), ("\"ab\"", "ab"), ("\"a\\b\"", "ab"), ("\"a\\\\b\"", "a\\b"), ("\"\"", "")]
        {
            assert_eq!(whole(local_part, written).unwrap().unquoted(), meant);
        }
    }

    #[test]
    fn literals_are_addresses() {
        let address = |text| match Mailbox::parse(text).unwrap().domain() {
            Domain::Literal(literal) => literal.address(),
            Domain::Name(_) => panic!("{text} is no literal"),
        };
        assert_eq!(address("a@[192.0.2.1]"), Some([192, 0, 2, 1].into()));
        assert_eq!(address("a@[IPv6:::1]"), Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(address("a@[tag:x]"), None);
    }

    proptest! {
        /// What is no mailbox is refused without a panic, and what is one comes back as it was written.
        #[test]
        fn parsing_undoes_writing(text in "\\PC{0,40}|[a\"\\\\ .]{1,8}@[a.\\[\\]:1-]{1,12}") {
            if let Some(mailbox) = Mailbox::parse(&text) {
                prop_assert_eq!(mailbox.to_string(), text);
            }
        }
    }
}
