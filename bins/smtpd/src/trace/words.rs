//! What others say of themselves, in words that cannot become anything else in a header.

use std::net::IpAddr;

use jiff::Zoned;

/// RFC 5322 §3.3, with the zone's name as a comment where it has one.
pub(super) fn date(now: &Zoned) -> String {
    let zone = now.strftime("%Z").to_string();
    let date = now.strftime("%a, %d %b %Y %H:%M:%S %z");
    match zone.chars().all(|c| c.is_ascii_alphabetic()) {
        true => format!("{date} ({zone})"),
        false => date.to_string(),
    }
}

/// An address literal of RFC 5321 §4.1.3.
pub(super) fn literal(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

/// A client names itself as it likes: what is neither a host's name nor a literal loses what makes it something else.
pub(super) fn client_name(name: &str) -> String {
    let in_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let in_literal = |c: char| in_name(c) || c == ':';
    let tame = |text: &str, allowed: &dyn Fn(char) -> bool| -> String {
        text.chars().map(|c| if allowed(c) { c } else { '?' }).collect()
    };
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => format!("[{}]", tame(inside, &in_literal)),
        None => tame(name, &in_name),
    }
}

/// A text inside a comment (RFC 5322 §3.2.2): what could end it is quoted, what could break the line is gone.
pub(super) fn comment(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' | ')' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push('?'),
            c => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h_06_a_date_has_its_zones_name_where_there_is_one() {
        for (moment, written) in [
            ("2006-12-25T03:43:58+09:00[Asia/Tokyo]", "Mon, 25 Dec 2006 03:43:58 +0900 (JST)"),
            ("2006-07-05T03:43:58-04:00[America/New_York]", "Wed, 05 Jul 2006 03:43:58 -0400 (EDT)"),
            ("2006-12-25T03:43:58Z[UTC]", "Mon, 25 Dec 2006 03:43:58 +0000 (UTC)"),
            // An offset is no name.
            ("2006-12-25T03:43:58-03:00[-03:00]", "Mon, 25 Dec 2006 03:43:58 -0300"),
            ("2006-12-25T03:43:58+05:45[Asia/Kathmandu]", "Mon, 25 Dec 2006 03:43:58 +0545"),
        ] {
            assert_eq!(date(&moment.parse().unwrap()), written);
        }
    }

    #[test]
    fn a_clients_name_stays_one_word() {
        for (said, written) in [
            ("pc_1.example.jp", "pc_1.example.jp"),
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
            ("[]", "[]"),
            ("a]b[c", "a?b?c"),
            ("[a[b]", "[a?b]"),
            ("pc (by evil.example with ESMTP id 1)", "pc??by?evil.example?with?ESMTP?id?1?"),
            ("a;b,c<d>e\"f\\g@h", "a?b?c?d?e?f?g?h"),
            ("\u{90f5}\u{4fbf}", "??"),
            ("pc\r\nX: y", "pc??X??y"),
        ] {
            assert_eq!(client_name(said), written);
        }
    }

    #[test]
    fn a_comment_ends_where_it_shall() {
        assert_eq!(comment("a) b (c\\\r\n"), "a\\) b \\(c\\\\??");
    }
}
