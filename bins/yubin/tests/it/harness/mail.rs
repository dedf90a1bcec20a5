//! Messages to send, and what they must be when they come back.

use std::fmt::Write as _;

/// A message with a name for the moment when it does not come back as it was.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) name: String,
    /// CRLF line endings, the last line included.
    pub(crate) octets: Vec<u8>,
}

impl Message {
    fn new(name: &str, header: &str, body: impl AsRef<[u8]>) -> Self {
        let mut octets = format!("{header}\r\n\r\n").into_bytes();
        octets.extend_from_slice(body.as_ref());
        assert!(octets.ends_with(b"\r\n"), "{name}");
        Self { name: name.to_owned(), octets }
    }
}

/// A header as mail programs write it; with `Date` and `Message-ID`, so that submission has nothing to add.
const HEADER: &str = "From: Ayumi <ayumi@mx.example.jp>\r\n\
    To: kenji@mx.example.jp\r\n\
    Date: Mon, 25 Dec 2006 03:43:58 +0900 (JST)\r\n\
    Message-ID: <20061225034358.1@client.example.jp>\r\n\
    MIME-Version: 1.0";

/// What a service must carry unharmed: one message for each thing that goes wrong in practice.
pub(crate) fn samples() -> Vec<Message> {
    let longest_line = "l".repeat(998);
    vec![
        // "Konnichiwa" in a subject and a body, with the escapes that switch to JIS X 0208 and back (RFC 1468).
        Message::new(
            "iso-2022-jp",
            &format!(
                "{HEADER}\r\nSubject: =?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?=\r\n\
                 Content-Type: text/plain; charset=ISO-2022-JP\r\nContent-Transfer-Encoding: 7bit"
            ),
            b"\x1b$B$3$s$K$A$O\x1b(B\r\n\r\n\x1b$B$5$h$&$J$i\x1b(B\r\n",
        ),
        Message::new(
            "utf-8",
            &format!(
                "{HEADER}\r\nSubject: =?UTF-8?B?44GT44KT44Gr44Gh44Gv?=\r\n\
                 Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit"
            ),
            "こんにちは、世界。\r\n𠮷野家で🍣を食べた。\r\n",
        ),
        Message::new(
            "dots",
            &format!("{HEADER}\r\nSubject: dots"),
            ".\r\n..\r\n...\r\n.hidden\r\n..hidden\r\nin.side.\r\n.\r\n\r\n.\r\n",
        ),
        Message::new("empty body", &format!("{HEADER}\r\nSubject: nothing"), ""),
        Message::new(
            "line of 998 octets",
            &format!("{HEADER}\r\nSubject: long"),
            format!("{longest_line}\r\n"),
        ),
    ]
}

/// A message with an attachment of 50 MiB.
pub(crate) fn large() -> Message {
    const OCTETS: usize = 50 << 20;
    const LINE: usize = 57;
    let header = format!(
        "{HEADER}\r\nSubject: large\r\nContent-Type: application/octet-stream\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"large.bin\""
    );
    let mut body = String::with_capacity(OCTETS / LINE * 78 + 78);
    // Not random, but with no two lines alike: a lost or doubled piece shows.
    for line in 0..OCTETS.div_ceil(LINE) {
        let _ = write!(body, "{line:0>76}\r\n");
    }
    Message::new("50 MiB attachment", &header, body)
}

/// What the server put before a message, and the message behind it.
#[derive(Debug)]
pub(crate) struct Delivered<'m> {
    /// The value of `Return-Path`.
    pub(crate) return_path: String,
    /// The value of the first `Received`, unfolded.
    pub(crate) received: String,
    pub(crate) message: &'m [u8],
}

/// Takes the trace headers off; they must be there, in the order that RFC 5321 §4.4 asks for.
pub(crate) fn behind_trace(delivered: &[u8]) -> Delivered<'_> {
    let (return_path, rest) = field(delivered, "Return-Path");
    let (received, message) = field(rest, "Received");
    Delivered { return_path, received, message }
}

fn field<'m>(message: &'m [u8], name: &str) -> (String, &'m [u8]) {
    let shown = || String::from_utf8_lossy(&message[..message.len().min(400)]).into_owned();
    let mut end = 0;
    loop {
        let line = message[end..].iter().position(|byte| *byte == b'\n');
        end += line.unwrap_or_else(|| panic!("no {name}: {}", shown())) + 1;
        if !message[end..].starts_with(b"\t") && !message[end..].starts_with(b" ") {
            break;
        }
    }
    let (field, rest) = message.split_at(end);
    let text = String::from_utf8(field.to_vec()).unwrap();
    let value = text.strip_prefix(name).and_then(|rest| rest.strip_prefix(": "));
    let value = value.unwrap_or_else(|| panic!("{name} expected: {}", shown()));
    let unfolded: Vec<_> = value.trim_end().split("\r\n").map(str::trim_start).collect();
    (unfolded.join(" "), rest)
}

/// Whether a message came back as it was sent; a difference is shown by its first octets, for messages are long.
pub(crate) fn assert_same(sent: &Message, came: &[u8], how: &str) {
    if sent.octets == came {
        return;
    }
    let at = sent.octets.iter().zip(came).take_while(|(a, b)| a == b).count();
    let around = |octets: &[u8]| {
        let from = at.saturating_sub(40);
        octets[from..octets.len().min(at + 40)].escape_ascii().to_string()
    };
    panic!(
        "{} by {how}: sent {} octets, got {}; they differ at octet {at}:\nsent …{}…\ngot  …{}…",
        sent.name,
        sent.octets.len(),
        came.len(),
        around(&sent.octets),
        around(came)
    );
}
