//! Domains beyond ASCII.

use std::borrow::Cow;

/// A domain as the accounts have it: an international one in its A-labels (RFC 6531 §3.2). `None` for what is only mapped to a name, as
/// full-width letters are: a name has one way to be written (RFC 5891 §4.4), and what looks like one of ours is not.
pub(crate) fn in_ascii(domain: &str) -> Option<Cow<'_, str>> {
    if domain.is_ascii() {
        return Some(Cow::Borrowed(domain));
    }
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let (unicode, valid) = idna::domain_to_unicode(&ascii);
    (valid.is_ok() && unicode.eq_ignore_ascii_case(domain)).then_some(Cow::Owned(ascii))
}

#[cfg(test)]
mod tests {
    use super::in_ascii;

    #[test]
    fn a_domain_beyond_ascii_is_looked_up_by_its_a_labels_and_what_looks_alike_is_another() {
        for (written, found) in [
            ("Example.jp", Some("Example.jp")),
            ("\u{4f8b}\u{3048}.jp", Some("xn--r8jz45g.jp")),
            ("\u{4f8b}\u{3048}.JP", Some("xn--r8jz45g.jp")),
            // Letters of another script, in full width, and with what cannot be seen.
            ("ex\u{430}mple.jp", Some("xn--exmple-4nf.jp")),
            ("example\u{ff0e}jp", None),
            ("\u{ff45}xample.jp", None),
            ("exam\u{ad}ple.jp", None),
            ("exam\u{200b}ple.jp", None),
            // The same letters, taken apart.
            ("\u{304b}\u{3099}.jp", None),
        ] {
            assert_eq!(in_ascii(written).as_deref(), found, "{written:?}");
        }
    }
}
