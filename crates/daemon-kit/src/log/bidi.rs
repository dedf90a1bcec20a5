//! Characters that turn the direction of writing around (UAX #9): with one of them a sender's address or another host's reply would read on
//! a terminal as what it is not, and would take the rest of the line along.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// Whether it says, unseen, in which direction others are to be shown.
pub(super) fn is_bidi_control(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with each of them as `\u202e`, which is how JSON may write it, too.
#[must_use]
pub fn escape_bidi(text: &str) -> Cow<'_, str> {
    if !text.contains(is_bidi_control) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match is_bidi_control(char) {
            // Writing to a String does not fail.
            true => _ = write!(escaped, "\\u{:04x}", u32::from(char)),
            false => escaped.push(char),
        }
    }
    Cow::Owned(escaped)
}

/// Lines of JSON on their way to `W`, which come whole.
pub(super) struct Escaped<W>(pub(super) W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Escaped<W> {
    type Writer = Escaped<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Escaped(self.0.make_writer())
    }
}

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match str::from_utf8(line).map(escape_bidi) {
            Ok(Cow::Owned(escaped)) => self.0.write_all(escaped.as_bytes()).map(|()| line.len()),
            Ok(Cow::Borrowed(_)) | Err(_) => self.0.write(line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_the_direction_is_written_out_and_nothing_else() {
        for char in ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            let escaped = escape_bidi(&format!("a{char}b")).into_owned();
            assert_eq!(escaped, format!("a\\u{:04x}b", u32::from(char)));
        }
        for text in ["", "taro@mx.example.jp", "山田 \u{200b}\u{2010}\u{2065}\u{206a}", "שלום"] {
            assert!(matches!(escape_bidi(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
