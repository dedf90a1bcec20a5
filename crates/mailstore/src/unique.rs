//! What makes a name unique: a clock that never repeats in this process, and randomness from the kernel.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::rand::{GetRandomFlags, getrandom};

/// Microseconds since 1970, each call later than the one before, in all threads of this process.
///
/// A clock that is set back does not repeat a value: the count goes on from the last one until the clock has caught up.
pub fn micros() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    later_than(&LAST, u64::try_from(now.as_micros()).unwrap_or(u64::MAX))
}

fn later_than(last: &AtomicU64, now: u64) -> u64 {
    let step = |last: u64| Some(now.max(last.saturating_add(1)));
    match last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
        Ok(before) | Err(before) => now.max(before.saturating_add(1)),
    }
}

/// Sixty-four random bits from the kernel: two processes never share them, not even parent and forked child.
pub fn random() -> u64 {
    let mut bytes = [0; 8];
    // This can fail only on a kernel without the call; time, process and counter still keep names apart then.
    let _ = getrandom(&mut bytes, GetRandomFlags::empty());
    u64::from_ne_bytes(bytes)
}

/// Digits without I, L, O and U, so that nobody misreads one on the telephone; in the order of their values.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The last `digits` base-32 digits of `value`, most significant first: texts of one length sort as their values do.
pub fn base32(value: u64, digits: u32) -> String {
    let digit = |at: u32| char::from(digit(value.checked_shr(at * 5).unwrap_or(0) as u8));
    (0..digits).rev().map(digit).collect()
}

/// The digit for the last five bits.
pub(crate) fn digit(value: u8) -> u8 {
    DIGITS.get(usize::from(value & 31)).copied().unwrap_or(b'0')
}

/// The value of base-32 digits; `None` for anything else and for more than 64 bits.
pub fn parse_base32(text: &str) -> Option<u64> {
    text.bytes().try_fold(0_u64, |value, byte| Some(value.checked_mul(32)? | u64::from(self::value(byte)?)))
}

/// The value of a digit.
pub(crate) fn value(digit: u8) -> Option<u8> {
    VALUES.get(usize::from(digit)).copied().filter(|&value| value < 32)
}

/// The value of each digit; 32 for what is none.
const VALUES: [u8; 128] = {
    let mut values = [32; 128];
    let (mut rest, mut value): (&[u8], u8) = (DIGITS, 0);
    while let [digit, behind @ ..] = rest {
        if let Some((_, [place, ..])) = values.split_at_mut_checked(*digit as usize) {
            *place = value;
        }
        (rest, value) = (behind, value + 1);
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_survives_a_clock_step() {
        let last = AtomicU64::new(0);
        assert_eq!(later_than(&last, 1_000), 1_000);
        assert_eq!(later_than(&last, 1_000), 1_001, "the same instant twice");
        assert_eq!(later_than(&last, 5), 1_002, "the clock was set back");
        assert_eq!(later_than(&last, 2_000), 2_000, "the clock has caught up");
    }

    #[test]
    fn base32_sorts_as_numbers_do() {
        assert_eq!(base32(0, 3), "000");
        assert_eq!(base32(31, 1), "Z");
        assert_eq!(base32(32, 2), "10");
        assert_eq!(base32(u64::MAX, 13), "FZZZZZZZZZZZZ");
        let (a, b) = (micros(), micros());
        assert!(base32(a, 11) < base32(b, 11));
        assert_eq!(parse_base32(&base32(a, 13)), Some(a));
        assert_eq!(parse_base32("I"), None);
        assert_eq!(parse_base32("ZZZZZZZZZZZZZ"), None, "65 bits");
    }
}
