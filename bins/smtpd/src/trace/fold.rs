//! A header field in lines that anyone can read.

/// RFC 5322 §2.1.1 recommends lines of at most 78 octets. One of them stays free for what [`Folded::close`] puts behind a word.
const LINE: usize = 78 - 1;

/// A field that breaks its lines between words.
pub(super) struct Folded {
    text: String,
    line: usize,
}

impl Folded {
    pub(super) fn new(name: &str) -> Self {
        Self { text: name.to_owned(), line: name.len() }
    }

    /// A word that stays whole, however long it is.
    pub(super) fn word(&mut self, word: &str) {
        self.make_room(word.len() + 1);
        self.text.extend([" ", word]);
        self.line += word.len() + 1;
    }

    /// Words that stay on one line if one line can hold them.
    pub(super) fn phrase(&mut self, words: &[&str]) {
        let length = words.iter().map(|word| word.len() + 1).sum();
        if length <= LINE {
            self.make_room(length);
        }
        words.iter().for_each(|word| self.word(word));
    }

    fn make_room(&mut self, length: usize) {
        // Not behind the name: a line with nothing but that would be worse than one that is too long.
        if !self.text.ends_with(':') && self.line + length > LINE {
            self.text.push_str("\r\n");
            self.line = 0;
        }
    }

    pub(super) fn close(&mut self, with: char) {
        self.text.push(with);
        self.line += with.len_utf8();
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}
