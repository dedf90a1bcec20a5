//! What MAIL and RCPT said besides the addresses. Whoever sends the message on says it again.

/// What MAIL said besides the reverse-path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// BODY: what the message consists of, where the sender said so (RFC 6152).
    pub body: Option<Body>,
    /// SMTPUTF8: addresses or header are beyond ASCII (RFC 6531 §3.4).
    pub utf8: bool,
    /// RET: how much of the message comes back in a report (RFC 3461 §4.3).
    pub ret: Option<Return>,
    /// ENVID: the sender's name of the envelope, in xtext as it came (RFC 3461 §4.4).
    pub envelope_id: Option<String>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            pub(super) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub(super) fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// BODY (RFC 6152). A body without lines is not taken.
    Body:
    /// Lines of ASCII.
    SevenBit = "7BIT",
    /// Lines of octets.
    EightBitMime = "8BITMIME"
}

words! {
    /// RET (RFC 3461 §4.3).
    Return:
    /// All of the message.
    Full = "FULL",
    /// Its header.
    Headers = "HDRS"
}

/// NOTIFY (RFC 3461 §4.1). All false is `NEVER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notify {
    /// That it is delivered.
    pub success: bool,
    /// That it cannot be delivered.
    pub failure: bool,
    /// That it takes long.
    pub delay: bool,
}

impl Notify {
    fn words(&mut self) -> [(&mut bool, &'static str); 3] {
        [(&mut self.success, "SUCCESS"), (&mut self.failure, "FAILURE"), (&mut self.delay, "DELAY")]
    }

    pub(super) fn encode(mut self) -> String {
        let words: Vec<&str> =
            self.words().into_iter().filter(|(on, _)| **on).map(|(_, word)| word).collect();
        if words.is_empty() { String::from("NEVER") } else { words.join(",") }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut notify = Self { success: false, failure: false, delay: false };
        if text == "NEVER" {
            return Some(notify);
        }
        for word in text.split(',') {
            let (on, _) = notify.words().into_iter().find(|(_, known)| *known == word)?;
            *on = true;
        }
        Some(notify)
    }
}
