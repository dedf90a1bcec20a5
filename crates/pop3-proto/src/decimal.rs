//! Numbers as text, without the machinery of `core::fmt`: a listing of 100 000 messages writes 200 000 of them.

use alloc::vec::Vec;

/// Appends `number` in decimal digits.
pub(crate) fn decimal(out: &mut Vec<u8>, number: u64) {
    // u64::MAX has 20 digits.
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use std::string::ToString;

    #[test]
    fn reads_as_the_standard_librarys() {
        for number in [0, 1, 9, 10, 11, 99, 100, 12_345, 4_294_967_296, u64::MAX - 1, u64::MAX] {
            let mut out = Vec::from(*b"x");
            super::decimal(&mut out, number);
            assert_eq!(out.get(1..), Some(number.to_string().as_bytes()));
        }
    }
}
