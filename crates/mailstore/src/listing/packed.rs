//! A name of our own, packed relative to the one before.

use crate::name::ours::{Ours, random_digits, same};

use super::wire::{Reader, Writer};

const QUEUED: u8 = 4;
const SAME_PROCESS: u8 = 8;
const SAME_HOST: u8 = 16;
const SAME_FLAGS: u8 = 32;
const WIRE: u8 = 64;

/// Packed, behind `head`.
pub(super) fn write(ours: &Ours<'_>, mut head: u8, last: &Ours<'_>, rows: &mut Writer) {
    let mut flag = |bit: u8, set: bool| {
        head |= if set { bit } else { 0 };
        set
    };
    let queued = flag(QUEUED, ours.process.is_none());
    let same_process = flag(SAME_PROCESS, ours.process == last.process);
    let same_host = flag(SAME_HOST, same(ours.host, last.host));
    let same_flags = flag(SAME_FLAGS, same(ours.flags, last.flags));
    flag(WIRE, ours.wire.is_some());
    rows.octet(head);
    rows.near(last.arrival, ours.arrival);
    if let Some(process) = ours.process {
        if !same_process {
            rows.number(process);
        }
        rows.near(last.count, ours.count);
    }
    rows.low(ours.random, random_octets(queued));
    if !same_host {
        rows.text(ours.host);
    }
    rows.number(ours.stored);
    if let Some(wire) = ours.wire {
        rows.near(ours.stored, wire);
    }
    if !same_flags {
        rows.text(ours.flags);
    }
}

/// What stands behind `head`.
pub(super) fn read<'l>(head: u8, last: &Ours<'l>, rows: &mut Reader<'l>) -> Ours<'l> {
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
    Ours { arrival, process, count, random, host, stored, wire, flags }
}

/// Base-32 digits hold five bits each.
const fn random_octets(queued: bool) -> usize {
    (random_digits(queued) as usize * 5).div_ceil(8)
}
