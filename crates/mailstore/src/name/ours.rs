//! A name of our own, as the numbers that it is made of.

use super::MAX_UNIQUE_ID;
use crate::unique;

/// `<seconds>.M<microseconds>[P<process>Q<count>]R<random>.<host>,S=<stored>[,W=<wire>][<flags>]`, see [`crate::Namer`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Ours<'n> {
    /// Microseconds since 1970.
    pub(crate) arrival: u64,
    /// Of a name that was made at delivery; the queue makes its names of its ids, without.
    pub(crate) process: Option<u64>,
    pub(crate) count: u64,
    /// Eight base-32 digits at delivery, sixteen from the queue.
    pub(crate) random: u128,
    pub(crate) host: &'n [u8],
    pub(crate) stored: u64,
    pub(crate) wire: Option<u64>,
    /// From the colon on.
    pub(crate) flags: &'n [u8],
}

/// Base-32 digits of a name that the queue made, or of one that was made at delivery.
pub(crate) const fn random_digits(queued: bool) -> u32 {
    if queued { 16 } else { 8 }
}

impl<'n> Ours<'n> {
    /// `None` if the name is not ours, or in any way not as we would write it: what is read is written again the same.
    pub(crate) fn parse(name: &'n [u8]) -> Option<Self> {
        let mut rest = Rest(name);
        let seconds = rest.number()?;
        rest.text(b".M")?;
        let arrival = seconds.checked_mul(1_000_000)?.checked_add(rest.six_digits()?)?;
        let (process, count, random) = match rest.text(b"P") {
            Some(()) => {
                let process = rest.number()?;
                rest.text(b"Q")?;
                let count = rest.number()?;
                rest.text(b"R")?;
                (Some(process), count, u128::from(rest.eight_base32()?))
            }
            None => {
                rest.text(b"R")?;
                let (high, low) = (rest.eight_base32()?, rest.eight_base32()?);
                (None, 0, u128::from(high) << 40 | u128::from(low))
            }
        };
        rest.text(b".")?;
        let host = rest.host();
        if name.len() - rest.0.len() > MAX_UNIQUE_ID {
            return None;
        }
        rest.text(b",S=")?;
        let stored = rest.number()?;
        let wire = match rest.text(b",W=") {
            Some(()) => Some(rest.number()?),
            None => None,
        };
        let Rest(flags) = rest;
        let at_end = flags.first().is_none_or(|&octet| octet == b':');
        at_end.then_some(Self { arrival, process, count, random, host, stored, wire, flags })
    }

    /// Octets on the wire.
    pub(crate) fn octets(&self) -> u64 {
        self.wire.unwrap_or(self.stored)
    }

    /// Appends the unique part.
    pub(crate) fn unique(&self, name: &mut Vec<u8>) {
        decimal(name, self.arrival / 1_000_000, 1);
        name.extend_from_slice(b".M");
        decimal(name, self.arrival % 1_000_000, 6);
        if let Some(process) = self.process {
            name.push(b'P');
            decimal(name, process, 1);
            name.push(b'Q');
            decimal(name, self.count, 1);
        }
        name.push(b'R');
        for digit in (0..random_digits(self.process.is_none())).rev() {
            name.push(unique::digit((self.random >> (5 * digit)) as u8));
        }
        name.push(b'.');
        name.extend_from_slice(self.host);
    }

    /// Appends all of the name.
    pub(crate) fn name(&self, name: &mut Vec<u8>) {
        self.unique(name);
        name.extend_from_slice(b",S=");
        decimal(name, self.stored, 1);
        if let Some(wire) = self.wire {
            name.extend_from_slice(b",W=");
            decimal(name, wire, 1);
        }
        name.extend_from_slice(self.flags);
    }
}

/// What of a name is not read yet. One pass and no text in between: a maildrop may have 100 000 names.
struct Rest<'n>(&'n [u8]);

impl<'n> Rest<'n> {
    /// Of a length that the compiler knows: one comparison, no call.
    fn text<const N: usize>(&mut self, text: &[u8; N]) -> Option<()> {
        let (start, rest) = self.0.split_first_chunk()?;
        (start == text).then(|| self.0 = rest)
    }

    /// As we write numbers: no zero before other digits.
    fn number(&mut self) -> Option<u64> {
        let (mut number, mut digits) = (0_u64, 0);
        for octet in self.0 {
            let digit = octet.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            number = number.wrapping_mul(10).wrapping_add(digit.into());
            digits += 1;
        }
        let (text, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        match text {
            [] | [b'0', _, ..] => None,
            // So many always fit.
            _ if digits <= 19 => Some(number),
            _ => str::from_utf8(text).ok()?.parse().ok(),
        }
    }

    fn six_digits(&mut self) -> Option<u64> {
        let (digits, rest) = self.0.split_at_checked(6)?;
        self.0 = rest;
        let digit =
            |number: u64, &octet: &u8| octet.is_ascii_digit().then(|| number * 10 + u64::from(octet - b'0'));
        digits.iter().try_fold(0, digit)
    }

    fn eight_base32(&mut self) -> Option<u64> {
        let (digits, rest) = self.0.split_at_checked(8)?;
        self.0 = rest;
        digits.iter().try_fold(0, |value, &octet| Some(value << 5 | u64::from(unique::value(octet)?)))
    }

    /// Up to the first octet that no host of ours has: a comma begins a field, which may say another id.
    fn host(&mut self) -> &'n [u8] {
        let foreign = |octet: &u8| !octet.is_ascii_graphic() || matches!(octet, b',' | b':');
        let (host, rest) = self.0.split_at(self.0.iter().position(foreign).unwrap_or(self.0.len()));
        self.0 = rest;
        host
    }
}

/// Whether two texts of names are one. Most flags are empty: to compare two empty slices by the C library's function costs some 100 ns where
/// it loads under a mask, for they point nowhere.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

/// Appends a number with at least `width` digits: without the machinery of `core::fmt`, for 100 000 names have 500 000 of them.
fn decimal(text: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        if number == 0 && used >= width {
            break;
        }
        *digit += (number % 10) as u8;
        number /= 10;
        used += 1;
    }
    text.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}
