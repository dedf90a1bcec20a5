//! The text of a report: RFC 3464 in a multipart/report of RFC 6522.

use std::fmt::Write as _;
use std::io;

use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use mail_queue::{Envelope, Remote};
use smtp_proto::Xtext;

use super::config::Language;
use super::letter;
use super::limits;
use super::report::Occasion;
use super::schedule::arrived;

/// All that a report tells.
pub(crate) struct About<'a> {
    pub(crate) hostname: &'a str,
    pub(crate) language: Language,
    /// Seconds since 1970.
    pub(crate) now: u64,
    pub(crate) to: &'a str,
    pub(crate) envelope: &'a Envelope,
    pub(crate) occasion: Occasion,
    pub(crate) lines: Vec<Line<'a>>,
    /// The message or its header, as it would have left.
    pub(crate) original: &'a [u8],
    /// All of the message is in `original`.
    pub(crate) whole: bool,
}

/// A recipient in a report.
pub(crate) struct Line<'a> {
    pub(crate) remote: &'a Remote,
    /// What was last heard of it: another host's reply, or a status code and our own words.
    pub(crate) text: &'a str,
    /// `mx1.example.com [192.0.2.1]:25`, or empty.
    pub(crate) host: &'a str,
}

/// Whether a report for this address goes in UTF-8 (RFC 6533), to a host that takes that. All others are of seven bits, which every
/// host takes.
pub(crate) fn is_wide(to: &str) -> bool {
    !to.is_ascii()
}

/// The whole message, with CRLF.
pub(crate) fn compose(about: &About<'_>) -> io::Result<Vec<u8>> {
    let wide = is_wide(about.to);
    let (kind, bits) =
        if wide { ("message/global-delivery-status", "8bit") } else { ("message/delivery-status", "7bit") };
    let parts = vec![
        MimePart::new(ContentType::new("text/plain").attribute("charset", "utf-8"), words(about)),
        part(kind, bits, status(about).into_bytes()),
        returned(about),
    ];
    let report = ContentType::new("multipart/report").attribute("report-type", "delivery-status");
    let report = MimePart::new(report, BodyPart::Multipart(parts));
    // RFC 2045 §6.4: as much as its widest part.
    let report = if wide { report.transfer_encoding("8bit") } else { report };
    MessageBuilder::new()
        .from(("Mail Delivery System", format!("MAILER-DAEMON@{}", about.hostname).as_str()))
        .to(about.to)
        .subject(subject(about))
        .date(i64::try_from(about.now).unwrap_or_default())
        .message_id(format!("{}@{}", mail_queue::QueueId::new(), about.hostname))
        // RFC 3834 §5: nobody's holiday message answers.
        .header("Auto-Submitted", Raw::new("auto-replied"))
        .body(report)
        .write_to_vec()
}

fn part(kind: &'static str, encoding: &'static str, contents: impl Into<Vec<u8>>) -> MimePart<'static> {
    MimePart::new(ContentType::new(kind), BodyPart::Binary(contents.into().into()))
        .transfer_encoding(encoding)
}

/// What is given back. RFC 2046 §5.2.1 lets no message be encoded, so one that cannot go as it is gives its header alone; RFC 6522 §4
/// lets that be, by quoted-printable.
fn returned(about: &About<'_>) -> MimePart<'static> {
    let wide = |octets: &[u8]| is_wide(about.to) && str::from_utf8(octets).is_ok();
    if about.whole {
        if is_seven_bit(about.original) {
            return part("message/rfc822", "7bit", about.original);
        }
        if wide(about.original) {
            return part("message/global", "8bit", about.original);
        }
    }
    match if about.whole { letter::header(about.original) } else { about.original } {
        header if is_seven_bit(header) => part("text/rfc822-headers", "7bit", header),
        header if wide(header) => part("message/global-headers", "8bit", header),
        header => part("text/rfc822-headers", "quoted-printable", encodify::qp::BODY.encode(header)),
    }
}

/// RFC 2045 §2.7.
fn is_seven_bit(octets: &[u8]) -> bool {
    octets.is_ascii()
        && !octets.contains(&0)
        && octets.split(|octet| *octet == b'\n').all(|line| line.len() <= limits::REPORTED_LINE)
}

fn subject(about: &About<'_>) -> &'static str {
    match (about.language, about.occasion) {
        (Language::English, Occasion::Failed) => "Undelivered mail returned to sender",
        (Language::English, Occasion::Delayed { .. }) => "Your mail is delayed",
        (Language::English, Occasion::Delivered) => "Your mail was delivered",
        (Language::English, Occasion::Relayed) => "Your mail was handed on",
        (Language::Japanese, Occasion::Failed) => "メールをお届けできませんでした",
        (Language::Japanese, Occasion::Delayed { .. }) => "メールの配送が遅れています",
        (Language::Japanese, Occasion::Delivered) => "メールをお届けしました",
        (Language::Japanese, Occasion::Relayed) => "メールを相手先のサーバへ渡しました",
    }
}

/// The part for people.
fn words(about: &About<'_>) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = match (about.language, about.occasion) {
        (Language::English, Occasion::Failed) => write!(
            text,
            "This is the mail system at {}.\r\n\r\nYour message could not be delivered to the recipients below. It will not be\r\ntried again. What the other side said stands behind each of them.\r\n",
            about.hostname
        ),
        (Language::English, Occasion::Delayed { until }) => write!(
            text,
            "This is the mail system at {}.\r\n\r\nYour message could not be delivered to the recipients below yet. It will be\r\ntried until {}. YOU NEED NOT SEND IT AGAIN.\r\n",
            about.hostname,
            date(until)
        ),
        (Language::English, Occasion::Delivered) => write!(
            text,
            "This is the mail system at {}.\r\n\r\nAs you asked to be told: your message is in the mailboxes of the recipients\r\nbelow. Whether they read it is not known here.\r\n",
            about.hostname
        ),
        (Language::English, Occasion::Relayed) => write!(
            text,
            "This is the mail system at {}.\r\n\r\nAs you asked to be told: your message was handed on for the recipients below,\r\nto a mail system that sends no reports of its own.\r\n",
            about.hostname
        ),
        (Language::Japanese, Occasion::Failed) => write!(
            text,
            "{} のメールシステムからのお知らせです。\r\n\r\n次の宛先にメールをお届けできませんでした。再送は行いません。\r\n各宛先の下に、相手側からの応答を示します。\r\n",
            about.hostname
        ),
        (Language::Japanese, Occasion::Delayed { until }) => write!(
            text,
            "{} のメールシステムからのお知らせです。\r\n\r\n次の宛先にはまだメールをお届けできていません。{} まで配送を\r\n繰り返します。もう一度お送りいただく必要はありません。\r\n",
            about.hostname,
            date(until)
        ),
        (Language::Japanese, Occasion::Delivered) => write!(
            text,
            "{} のメールシステムからのお知らせです。\r\n\r\nご依頼により、次の宛先のメールボックスへお届けしたことをお知らせします。\r\n受取人がお読みになったかどうかは、こちらではわかりません。\r\n",
            about.hostname
        ),
        (Language::Japanese, Occasion::Relayed) => write!(
            text,
            "{} のメールシステムからのお知らせです。\r\n\r\nご依頼により、次の宛先へのメールを相手先のサーバへ渡したことをお知らせします。\r\n相手先のサーバからは配送の通知がありません。\r\n",
            about.hostname
        ),
    };
    for Line { remote, text: said, host } in &about.lines {
        let _ = write!(text, "\r\n<{}>\r\n", remote.address);
        if !host.is_empty() {
            let _ = write!(text, "    {host}\r\n");
        }
        let _ = write!(text, "    {said}\r\n");
    }
    text
}

/// The part for programs (RFC 3464 §2; RFC 6533 §3 of addresses beyond ASCII).
fn status(about: &About<'_>) -> String {
    let (mut text, wide) = (String::new(), is_wide(about.to));
    if let Some(id) = about.envelope.parameters.envelope_id.as_deref().and_then(Xtext::parse) {
        let id = String::from_utf8_lossy(&id.decoded()).into_owned();
        let _ = write!(text, "Original-Envelope-Id: {}\r\n", field(&id, wide));
    }
    let _ = write!(text, "Reporting-MTA: dns; {}\r\n", about.hostname);
    let _ = write!(text, "Arrival-Date: {}\r\n", date(arrived(about.envelope.queue_id)));
    let action = match about.occasion {
        Occasion::Failed => "failed",
        Occasion::Delayed { .. } => "delayed",
        Occasion::Delivered => "delivered",
        Occasion::Relayed => "relayed",
    };
    for Line { remote, text: said, host } in &about.lines {
        text.push_str("\r\n");
        if let Some((kind, address)) =
            remote.original.as_deref().and_then(|original| original.split_once(';'))
        {
            let address = original_recipient(kind, address, wide);
            if !address.is_empty() {
                let _ = write!(text, "Original-Recipient: {kind}; {address}\r\n");
            }
        }
        let _ = match remote.address.is_ascii() {
            true => write!(text, "Final-Recipient: rfc822; {}\r\n", field(&remote.address, wide)),
            false => write!(text, "Final-Recipient: utf-8; {}\r\n", utf8_address(&remote.address, wide)),
        };
        let _ = write!(text, "Action: {action}\r\nStatus: {}\r\n", code(said, about.occasion));
        if let Some(name) = host.split(' ').next().filter(|name| !name.is_empty()) {
            let _ = write!(text, "Remote-MTA: dns; {}\r\n", field(name, wide));
        }
        if is_reply(said) {
            let _ = write!(text, "Diagnostic-Code: smtp; {}\r\n", field(said, wide));
        }
        let _ = write!(text, "Last-Attempt-Date: {}\r\n", date(about.now));
        if let Occasion::Delayed { until } = about.occasion {
            let _ = write!(text, "Will-Retry-Until: {}\r\n", date(until));
        }
    }
    text
}

/// Whether a text is what another host said.
fn is_reply(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.by_ref().take(3).filter(u8::is_ascii_digit).count() == 3
        && bytes.next().is_none_or(|next| next == b' ')
}

/// The status code (RFC 3463) in a text, or what follows from the rest of it.
fn code(said: &str, occasion: Occasion) -> String {
    let is_code = |word: &&str| {
        let numbers: Vec<&str> = word.split('.').collect();
        numbers.len() == 3
            && numbers.iter().all(|it| (1..=3).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_digit()))
    };
    let found = said.split(' ').take(2).find(is_code);
    match (occasion, found) {
        // What could be tried again was, until its time was over.
        (Occasion::Failed, Some(code)) if code.starts_with('4') => String::from("4.4.7"),
        (Occasion::Failed, None) if said.starts_with('4') => String::from("4.4.7"),
        (_, Some(code)) => code.to_owned(),
        (Occasion::Failed, None) => String::from("5.0.0"),
        (Occasion::Delayed { .. }, None) => String::from("4.0.0"),
        (Occasion::Delivered | Occasion::Relayed, None) => String::from("2.0.0"),
    }
}

/// What ORCPT said, without the encoding in which it came.
fn original_recipient(kind: &str, address: &str, wide: bool) -> String {
    if kind.eq_ignore_ascii_case("utf-8") {
        return utf8_address(&unembedded(address), wide);
    }
    Xtext::parse(address)
        .map(|xtext| field(&String::from_utf8_lossy(&xtext.decoded()), wide))
        .unwrap_or_default()
}

/// A field's text: nothing that ends a line, nor, but in UTF-8, what is beyond ASCII (RFC 3464 §2.1).
fn field(text: &str, wide: bool) -> String {
    let mut field = String::new();
    for character in text.chars() {
        if field.len() >= limits::REPORTED_FIELD {
            break;
        }
        match character {
            _ if character.is_control() => field.push('?'),
            _ if wide || character.is_ascii() => field.push(character),
            _ => embed(&mut field, character),
        }
    }
    field
}

/// `utf-8-address`, or `utf-8-addr-xtext` where everything must be ASCII (RFC 6533 §3).
fn utf8_address(address: &str, wide: bool) -> String {
    if wide {
        return field(address, wide);
    }
    let mut text = String::new();
    for character in address.chars() {
        match character {
            '+' | '=' | '\\' => embed(&mut text, character),
            _ if character.is_ascii_graphic() => text.push(character),
            _ => embed(&mut text, character),
        }
    }
    text
}

/// `EmbeddedUnicodeChar` (RFC 6533 §3).
fn embed(text: &mut String, character: char) {
    // Writing into a string cannot fail.
    let _ = write!(text, "\\x{{{:02X}}}", u32::from(character));
}

/// With its embedded characters as they are.
fn unembedded(mut address: &str) -> String {
    let mut text = String::new();
    while let Some((before, behind)) = address.split_once("\\x{") {
        text.push_str(before);
        let point = behind.split_once('}').and_then(|(digits, rest)| {
            Some((u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?, rest))
        });
        match point {
            Some((character, rest)) => {
                text.push(character);
                address = rest;
            }
            None => {
                text.push_str("\\x{");
                address = behind;
            }
        }
    }
    text + address
}

/// RFC 5322 §3.3.
fn date(time: u64) -> String {
    mail_builder::headers::date::Date::new(i64::try_from(time).unwrap_or_default()).to_rfc822()
}
