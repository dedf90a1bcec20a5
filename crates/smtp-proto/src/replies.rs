//! Every reply that the server speaks of itself, in the order of their codes. RFC 5321 §4.2, RFC 3463, RFC 4954 §6, RFC 3207 §4.

use crate::reply::{Enhanced, Reply};

macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident = $code:literal $enhanced:tt $text:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Reply = Reply::of($code, Enhanced $enhanced, $text);)*

        /// All of them, for the test of their order.
        #[cfg(test)]
        pub(crate) const ALL: &[Reply] = &[$($name),*];
    };
}

/// Behind the host's name. RFC 5321 §4.3.1: ESMTP says that EHLO is understood.
pub(crate) const GREETING: Reply = Reply::bare(220, "ESMTP Yubin");
pub(crate) const HELLO: Reply = Reply::bare(250, "at your service");
pub(crate) const CHALLENGE: Reply = Reply::bare(334, "");
pub(crate) const BODY_GO_AHEAD: Reply = Reply::bare(354, "End data with <CR><LF>.<CR><LF>");

replies! {
    /// Those that every session has; what it offers besides comes behind.
    HELP = 214 (2, 0, 0) "Commands: EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP";
    STARTTLS_GO_AHEAD = 220 (2, 0, 0) "Ready to start TLS";
    /// Behind the host's name.
    CLOSING = 221 (2, 0, 0) "closing";
    AUTHENTICATED = 235 (2, 7, 0) "Authentication succeeded";
    DONE = 250 (2, 0, 0) "OK";
    MESSAGE_ACCEPTED = 250 (2, 6, 0) "Message accepted";
    RECIPIENT_OK = 250 (2, 1, 5) "Recipient OK";
    SENDER_OK = 250 (2, 1, 0) "Sender OK";
    /// RFC 5321 §3.5.3: neither yes nor no.
    CANNOT_VERIFY = 252 (2, 1, 5) "Cannot verify the user, but will take mail for it";
    TOO_MANY_ERRORS = 421 (4, 7, 0) "Too many errors, closing";
    TOO_MANY_IDLE_COMMANDS = 421 (4, 7, 0) "Too many commands without a message, closing";
    TOO_MANY_TRANSACTIONS = 421 (4, 7, 0) "Too many messages in one session, come again";
    HTTP_SPOKEN = 421 (4, 7, 0) "This is SMTP, not HTTP, closing";
    TOO_MANY_RECIPIENTS = 452 (4, 5, 3) "Too many recipients; send the message again to the others";
    AUTH_LINE_TOO_LONG = 500 (5, 5, 6) "Authentication exchange line is too long";
    BARE_LF_COMMAND = 500 (5, 5, 2) "Command lines end with CR LF, this one with a bare LF";
    COMMAND_UNKNOWN = 500 (5, 5, 1) "Command not recognized";
    LINE_TOO_LONG = 500 (5, 5, 2) "Line too long";
    NOT_UTF8 = 500 (5, 5, 2) "The line is neither ASCII nor UTF-8";
    ARGUMENT_MISSING = 501 (5, 5, 4) "An argument is missing";
    ARGUMENT_UNEXPECTED = 501 (5, 5, 4) "This command takes no argument";
    AUTH_CANCELLED = 501 (5, 7, 0) "Authentication cancelled";
    AUTH_MALFORMED = 501 (5, 5, 2) "The response does not follow the mechanism's form";
    AUTH_NOT_BASE64 = 501 (5, 5, 2) "The response is not base64";
    BAD_CLIENT_NAME = 501 (5, 5, 4) "A name of printable characters is wanted";
    BAD_PARAMETER = 501 (5, 5, 4) "A parameter has a bad value or comes twice";
    BAD_RECIPIENT = 501 (5, 1, 3) "Syntax: RCPT TO:<address>";
    BAD_SENDER = 501 (5, 1, 7) "Syntax: MAIL FROM:<address>";
    UNREADABLE_CHUNK = 501 (5, 5, 4) "Syntax: BDAT size [LAST]; closing";
    AUTH_NOT_OFFERED = 502 (5, 5, 1) "Authentication is not offered here";
    COMMAND_NOT_IMPLEMENTED = 502 (5, 5, 1) "Command not implemented";
    STARTTLS_NOT_OFFERED = 502 (5, 5, 1) "STARTTLS is not offered here";
    ALREADY_AUTHENTICATED = 503 (5, 5, 1) "Already authenticated";
    ALREADY_ENCRYPTED = 503 (5, 5, 1) "TLS is already active";
    /// RFC 3030 §3.
    BINARY_WITHOUT_CHUNKS = 503 (5, 5, 1) "BODY=BINARYMIME goes with BDAT";
    /// RFC 3030 §2: BDAT and DATA do not mix.
    CHUNKS_HAVE_BEGUN = 503 (5, 5, 1) "Chunks have begun, go on with BDAT or say RSET";
    HELLO_FIRST = 503 (5, 5, 1) "Say EHLO first";
    MAIL_FIRST = 503 (5, 5, 1) "Say MAIL first";
    NESTED_MAIL = 503 (5, 5, 1) "A transaction is open already";
    NOT_IN_TRANSACTION = 503 (5, 5, 1) "Not while a transaction is open";
    MECHANISM_UNKNOWN = 504 (5, 5, 4) "Authentication mechanism not offered";
    AUTH_REQUIRED = 530 (5, 7, 0) "Authentication required";
    TLS_REQUIRED = 530 (5, 7, 0) "Say STARTTLS first";
    ENCRYPTION_REQUIRED = 538 (5, 7, 11) "Encryption is required for this authentication mechanism";
    /// RFC 5321 §2.3.8 and §4.1.1.4 know CR and LF as a pair only.
    BARE_CR = 550 (5, 6, 11) "The message holds a bare CR";
    BARE_LF = 550 (5, 6, 11) "The message holds a bare LF";
    /// RFC 6531 §3.5, without the SMTPUTF8 parameter, or where it is not offered.
    ADDRESS_NOT_ASCII = 553 (5, 6, 7) "Addresses beyond ASCII need SMTPUTF8";
    MESSAGE_TOO_BIG = 552 (5, 3, 4) "The message is bigger than the limit";
    BYTES_BEHIND_STARTTLS = 554 (5, 5, 1) "Octets came behind STARTTLS, closing";
    NO_VALID_RECIPIENTS = 554 (5, 5, 1) "No valid recipients";
    PARAMETER_UNKNOWN = 555 (5, 5, 4) "Parameter not recognized or not offered";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_codes() {
        assert!(ALL.is_sorted_by_key(|reply| reply.code().get() / 10));
    }
}
