//! A name of our own, as the numbers that it is made of.

use crate::name::MAX_UNIQUE_ID;
use crate::unique;

use super::wire::{Reader, Writer};

/// `<seconds>.M<microseconds>[P<process>Q<count>]R<random>.<host>,S=<stored>[,W=<wire>][<flags>]`, see [`crate::Namer`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Ours<'l> {
    /// Microseconds since 1970.
    arrival: u64,
    /// Of a name that was made at delivery; the queue makes its names of its ids, without.
    process: Option<u64>,
    count: u64,
    /// Eight base-32 digits at delivery, sixteen from the queue.
    random: u128,
    host: &'l [u8],
    stored: u64,
    wire: Option<u64>,
    /// From the colon on.
    flags: &'l [u8],
}

const QUEUED: u8 = 4;
const SAME_PROCESS: u8 = 8;
const SAME_HOST: u8 = 16;
const SAME_FLAGS: u8 = 32;
const WIRE: u8 = 64;

const fn random_digits(queued: bool) -> u32 {
    if queued { 16 } else { 8 }
}

impl<'l> Ours<'l> {
    /// `None` if the name is not ours, or in any way not as we would write it. `again` is room to write it again.
    pub(super) fn parse(name: &'l [u8], again: &mut Vec<u8>) -> Option<Self> {
        let text = str::from_utf8(name).ok()?;
        let (unique, rest) = text.split_once(",S=").filter(|(unique, _)| unique.len() <= MAX_UNIQUE_ID)?;
        let (sizes, flags) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
        let (stored, wire) = match sizes.split_once(",W=") {
            Some((stored, wire)) => (stored, Some(wire.parse().ok()?)),
            None => (sizes, None),
        };
        let (seconds, rest) = unique.split_once(".M")?;
        let (micros, rest) = rest.split_at_checked(6)?;
        let (made, host) = rest.split_once('.')?;
        let (process, count, random) = match made.strip_prefix('P') {
            Some(made) => {
                let (process, made) = made.split_once('Q')?;
                let (count, random) = made.split_once('R')?;
                (Some(process.parse().ok()?), count.parse().ok()?, random)
            }
            None => (None, 0, made.strip_prefix('R')?),
        };
        let seconds: u64 = seconds.parse().ok()?;
        let ours = Self {
            arrival: seconds.checked_mul(1_000_000)?.checked_add(micros.parse().ok()?)?,
            process,
            count,
            random: unbase32(random)?,
            host: host.as_bytes(),
            stored: stored.parse().ok()?,
            wire,
            flags: flags.as_bytes(),
        };
        // Leading zeros, other fields, other letters: all of it shows here.
        again.clear();
        ours.name(again);
        // A comma begins a field, which may say another id.
        let host_is_one = host.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b',' | b':'));
        (again == name && host_is_one).then_some(ours)
    }

    /// Packed, behind `head`.
    pub(super) fn write(&self, mut head: u8, last: &Ours<'_>, rows: &mut Writer) {
        let mut flag = |bit: u8, set: bool| {
            head |= if set { bit } else { 0 };
            set
        };
        let queued = flag(QUEUED, self.process.is_none());
        let same_process = flag(SAME_PROCESS, self.process == last.process);
        let same_host = flag(SAME_HOST, self.host == last.host);
        let same_flags = flag(SAME_FLAGS, self.flags == last.flags);
        flag(WIRE, self.wire.is_some());
        rows.octet(head);
        rows.near(last.arrival, self.arrival);
        if let Some(process) = self.process {
            if !same_process {
                rows.number(process);
            }
            rows.near(last.count, self.count);
        }
        rows.low(self.random, random_octets(queued));
        if !same_host {
            rows.text(self.host);
        }
        rows.number(self.stored);
        if let Some(wire) = self.wire {
            rows.near(self.stored, wire);
        }
        if !same_flags {
            rows.text(self.flags);
        }
    }

    /// What stands behind `head`.
    pub(super) fn read(head: u8, last: &Self, rows: &mut Reader<'l>) -> Self {
        let is = |bit: u8| head & bit != 0;
        let arrival = rows.near(last.arrival);
        let process = match (is(QUEUED), is(SAME_PROCESS)) {
            (true, _) => None,
            (false, true) => last.process,
            (false, false) => Some(rows.number()),
        };
        let count = if is(QUEUED) { 0 } else { rows.near(last.count) };
        let random = rows.low(random_octets(is(QUEUED)));
        let host = if is(SAME_HOST) { last.host } else { rows.text() };
        let stored = rows.number();
        let wire = is(WIRE).then(|| rows.near(stored));
        let flags = if is(SAME_FLAGS) { last.flags } else { rows.text() };
        Self { arrival, process, count, random, host, stored, wire, flags }
    }

    pub(super) fn octets(&self) -> u64 {
        self.wire.unwrap_or(self.stored)
    }

    /// Appends the unique part.
    pub(super) fn unique(&self, name: &mut Vec<u8>) {
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
    pub(super) fn name(&self, name: &mut Vec<u8>) {
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

/// Base-32 digits hold five bits each.
const fn random_octets(queued: bool) -> usize {
    (random_digits(queued) as usize * 5).div_ceil(8)
}

fn unbase32(digits: &str) -> Option<u128> {
    let value = |digits: &str| unique::parse_base32(digits).map(u128::from);
    let (first, second) = digits.split_at_checked(8)?;
    match second.len() {
        0 => value(first),
        8 => Some(value(first)? << 40 | value(second)?),
        _ => None,
    }
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
