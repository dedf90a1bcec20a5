//! What a submitted message lacks: `Date` and `Message-ID` (RFC 6409 §8). Nothing else of a message is touched.

use jiff::Zoned;

use super::words::date;

/// The fields that a submitted message lacks. `header` is its header as far as it was read; one that goes on beyond may hold them
/// still and is left alone.
pub(crate) fn complete(header: &[u8], queue_id: &str, node: &str, now: &Zoned, out: &mut Vec<u8>) {
    if !has_field(header, b"Message-ID") {
        out.extend_from_slice(format!("Message-ID: <{queue_id}@{node}>\r\n").as_bytes());
    }
    if !has_field(header, b"Date") {
        out.extend_from_slice(format!("Date: {}\r\n", date(now)).as_bytes());
    }
}

/// Where the header of a message ends: behind its last line, before the empty one. `None` while it is still going on. The octets
/// before `searched` were looked at already.
pub(crate) fn header_end(message: &[u8], searched: usize) -> Option<usize> {
    // The end may have come in part before.
    let from = searched.saturating_sub(b"\r\n\r".len());
    match message.starts_with(b"\r\n") {
        true => Some(0),
        false => memchr::memmem::find(message.get(from..)?, b"\r\n\r\n").map(|at| from + at + 2),
    }
}

fn has_field(header: &[u8], name: &[u8]) -> bool {
    header.split_inclusive(|&octet| octet == b'\n').any(|line| {
        let Some((start, rest)) = line.split_at_checked(name.len()) else { return false };
        start.eq_ignore_ascii_case(name) && rest.trim_ascii_start().starts_with(b":")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2006-12-25T03:43:58+09:00[Asia/Tokyo]".parse().unwrap()
    }

    #[test]
    fn h_11_submission_adds_what_is_missing_and_nothing_else() {
        let added = |header: &[u8]| {
            let mut out = Vec::new();
            complete(header, "01ABC", "mx.example.jp", &now(), &mut out);
            String::from_utf8(out).unwrap()
        };
        let (id, date) =
            ("Message-ID: <01ABC@mx.example.jp>\r\n", "Date: Mon, 25 Dec 2006 03:43:58 +0900 (JST)\r\n");
        assert_eq!(added(b""), format!("{id}{date}"));
        assert_eq!(added(b"date : x\r\n"), id);
        assert_eq!(added(b"X: y\r\nMESSAGE-ID:\r\n <1@x>\r\n"), date);
        assert_eq!(added(b"Date: x\r\nMessage-ID: y\r\n"), "");
        assert_eq!(added(b"Dates: x\r\nX-Message-ID: y\r\n"), format!("{id}{date}"));
    }

    #[test]
    fn a_header_ends_before_the_empty_line() {
        for (message, end) in [
            (&b""[..], None),
            (b"\r\nbody", Some(0)),
            (b"A: b\r\n\r\nbody", Some(6)),
            (b"A: b\r\n", None),
            (b"A: b\r\nC: d\r\n\r\n", Some(12)),
        ] {
            assert_eq!(header_end(message, 0), end, "{}", message.escape_ascii());
            let found =
                (0..=message.len()).find_map(|come| header_end(&message[..come], come.saturating_sub(1)));
            assert_eq!(found, end, "{} octet by octet", message.escape_ascii());
        }
    }
}
