//! How numbers and texts are packed.

/// Packs.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn octet(&mut self, octet: u8) {
        self.0.push(octet);
    }

    /// Seven bits an octet, the lowest first; the highest bit says that more follow.
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// A number that is near another, above or below it.
    pub(super) fn near(&mut self, other: u64, number: u64) {
        let distance = number.wrapping_sub(other).cast_signed();
        // Zigzag: 0, -1, 1, -2, …
        self.number((distance << 1 ^ distance >> 63).cast_unsigned());
    }

    /// The last `octets` octets of a number.
    pub(super) fn low(&mut self, number: u128, octets: usize) {
        let number = number.to_le_bytes();
        self.0.extend_from_slice(number.get(..octets).unwrap_or(&number));
    }

    /// At most 255 octets.
    pub(super) fn text(&mut self, text: &[u8]) {
        let text = text.get(..255).unwrap_or(text);
        self.0.push(text.len() as u8);
        self.0.extend_from_slice(text);
    }

    /// A text of at most 255 octets, as what differs from another: how much of the other's beginning and end it has.
    pub(super) fn differing(&mut self, other: &[u8], text: &[u8]) {
        let same = |(a, b): &(&u8, &u8)| a == b;
        let start = other.iter().zip(text).take_while(same).count();
        let (other, text) = (other.get(start..).unwrap_or_default(), text.get(start..).unwrap_or_default());
        let end = other.iter().rev().zip(text.iter().rev()).take_while(same).count();
        self.0.extend_from_slice(&[start as u8, end as u8]);
        self.text(text.get(..text.len() - end).unwrap_or_default());
    }

    pub(super) fn finish(self) -> Box<[u8]> {
        self.0.into()
    }
}

/// Unpacks what [`Writer`] packed; behind the end there are zeros.
pub(super) struct Reader<'l>(&'l [u8]);

impl<'l> Reader<'l> {
    pub(super) fn new(packed: &'l [u8]) -> Self {
        Self(packed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn octet(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    pub(super) fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let octet = self.octet();
            number |= u64::from(octet & 0x7F) << shift;
            if octet < 0x80 {
                break;
            }
        }
        number
    }

    pub(super) fn near(&mut self, other: u64) -> u64 {
        let zigzag = self.number();
        other.wrapping_add((zigzag >> 1) ^ (zigzag & 1).wrapping_neg())
    }

    pub(super) fn low(&mut self, octets: usize) -> u128 {
        let mut number = [0; 16];
        for (to, from) in number.iter_mut().zip(self.take(octets)) {
            *to = *from;
        }
        u128::from_le_bytes(number)
    }

    pub(super) fn text(&mut self) -> &'l [u8] {
        let octets = self.octet();
        self.take(octets.into())
    }

    /// Makes the next text of the last one.
    pub(super) fn differing(&mut self, text: &mut Vec<u8>) {
        let (start, end) = (self.octet().into(), usize::from(self.octet()));
        let between = self.text();
        let upto = text.len().saturating_sub(end).max(start).min(text.len());
        text.splice(start.min(text.len())..upto, between.iter().copied());
    }

    fn take(&mut self, octets: usize) -> &'l [u8] {
        let (taken, rest) = self.0.split_at_checked(octets).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }
}
