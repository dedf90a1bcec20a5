//! How many may be inside: in all, and from one address.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits;

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The daemon has as many sessions as it may have.
    Full,
    /// This address has as many sessions as one may have.
    FullForAddress,
}

impl Refusal {
    /// One stable word for the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "connections",
            Self::FullForAddress => "connections_per_address",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "too many connections",
            Self::FullForAddress => "too many connections from your address",
        })
    }
}

/// Counts who is inside.
#[derive(Debug)]
pub(crate) struct Gate {
    most: Option<u32>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
    refused: u64,
    told: Option<Instant>,
}

/// A place inside; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    address: IpAddr,
}

impl Gate {
    pub(crate) fn new(most: Option<u32>) -> Arc<Self> {
        Arc::new(Self { most, inside: Mutex::default() })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more from `address`, of whom `most_per_address` may be inside.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        most_per_address: Option<u32>,
    ) -> Result<Place, Refusal> {
        let address = network(address);
        let mut inside = self.inside();
        if self.most.is_some_and(|most| inside.total >= most) {
            return Err(Refusal::Full);
        }
        let count = inside.by_address.get(&address).copied().unwrap_or(0);
        if most_per_address.is_some_and(|most| count >= most) {
            return Err(Refusal::FullForAddress);
        }
        inside.by_address.insert(address, count + 1);
        inside.total += 1;
        Ok(Place { gate: self.clone(), address })
    }

    /// Counts a refusal; gives the number of those that nobody was told of, at most once a second, so that a flood of
    /// connections does not become a flood of log lines.
    pub(crate) fn count_refusal(&self) -> Option<u64> {
        let mut inside = self.inside();
        inside.refused += 1;
        let now = Instant::now();
        if inside.told.is_some_and(|told| now.duration_since(told) < Duration::from_secs(1)) {
            return None;
        }
        inside.told = Some(now);
        Some(std::mem::take(&mut inside.refused))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.total = inside.total.saturating_sub(1);
        if let Some(count) = inside.by_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                inside.by_address.remove(&self.address);
            }
        }
    }
}

/// What counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mask = u128::MAX << (128 - u32::from(limits::IPV6_PREFIX));
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_counted_in_all_and_by_address() {
        let gate = Gate::new(Some(3));
        let first = gate.enter(address("192.0.2.1"), Some(2)).unwrap();
        let _second = gate.enter(address("::ffff:192.0.2.1"), Some(2)).unwrap();
        assert_eq!(gate.enter(address("192.0.2.1"), Some(2)).unwrap_err(), Refusal::FullForAddress);
        let _third = gate.enter(address("192.0.2.2"), Some(2)).unwrap();
        assert_eq!(gate.enter(address("192.0.2.3"), Some(2)).unwrap_err(), Refusal::Full);
        drop(first);
        let _fourth = gate.enter(address("192.0.2.1"), Some(2)).unwrap();
    }

    #[test]
    fn p_28_one_ipv6_customer_is_a_64() {
        let gate = Gate::new(None);
        let _first = gate.enter(address("2001:db8:1:2::1"), Some(1)).unwrap();
        assert!(gate.enter(address("2001:db8:1:2:ffff::9"), Some(1)).is_err());
        let _other = gate.enter(address("2001:db8:1:3::1"), Some(1)).unwrap();
    }

    #[test]
    fn nothing_is_kept_of_those_who_left() {
        let gate = Gate::new(None);
        drop(gate.enter(address("192.0.2.1"), None));
        assert!(gate.inside().by_address.is_empty());
        assert_eq!(gate.inside().total, 0);
    }

    #[test]
    fn a_flood_of_refusals_is_told_once() {
        let gate = Gate::new(None);
        assert_eq!(gate.count_refusal(), Some(1));
        assert_eq!((gate.count_refusal(), gate.count_refusal()), (None, None));
    }
}
