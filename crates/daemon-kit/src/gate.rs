//! How many may be inside: in all, from one address, and from one network.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use crate::config::{Limits, SessionLimits};
use crate::limits;
use crate::memory::{Memory, MemoryFull, Share};

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It comes from a network class that this listener turns away.
    Barred,
    /// The daemon has as many sessions as it may have.
    Full,
    /// This address has as many sessions as one may have.
    FullForAddress,
    /// This network has as many sessions as one may have.
    FullForNetwork,
    /// The buffers of all sessions hold as much as they may.
    Memory,
}

impl Refusal {
    /// One stable word for the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Barred => "barred",
            Self::Full => "connections",
            Self::FullForAddress => "connections_per_address",
            Self::FullForNetwork => "connections_per_network",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Barred => "not from your network",
            Self::Full => "too many connections",
            Self::FullForAddress => "too many connections from your address",
            Self::FullForNetwork => "too many connections from your network",
            Self::Memory => "out of memory",
        })
    }
}

/// Counts who is inside.
#[derive(Debug)]
pub(crate) struct Gate {
    most: Option<u32>,
    prefixes: (u8, u8),
    memory: Arc<Memory>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    total: u32,
    by_address: Counts<IpAddr>,
    by_network: Counts<IpNet>,
}

/// A place inside; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    /// Who has it, once that is known.
    address: Option<IpAddr>,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.connections,
            prefixes: limits.network_prefixes,
            memory: Memory::new(limits.memory),
            inside: Mutex::default(),
        })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn memory(&self) -> Arc<Memory> {
        self.memory.clone()
    }

    /// A place, and a share of the memory, for one more of whom nothing is known yet.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<(Place, Share), Refusal> {
        let mut inside = self.inside();
        if self.most.is_some_and(|most| inside.total >= most) {
            return Err(Refusal::Full);
        }
        let share = self.memory.newcomer().map_err(|MemoryFull| Refusal::Memory)?;
        inside.total += 1;
        Ok((Place { gate: self.clone(), address: None }, share))
    }

    /// What counts as one address, and as one network.
    fn ranges(&self, address: IpAddr) -> (IpAddr, IpNet) {
        let cut =
            |prefix| IpNet::new(address, prefix).map_or(IpNet::from(address), |network| network.trunc());
        let (ipv4, ipv6) = self.prefixes;
        match address {
            IpAddr::V4(_) => (address, cut(ipv4)),
            IpAddr::V6(_) => (cut(limits::IPV6_PREFIX).addr(), cut(ipv6)),
        }
    }
}

impl Place {
    /// It is for `address`, if there may be one more of there.
    pub(crate) fn give_to(&mut self, address: IpAddr, limits: &SessionLimits) -> Result<(), Refusal> {
        let address = address.to_canonical();
        let (one, network) = self.gate.ranges(address);
        let mut inside = self.gate.inside();
        let full = |count: u32, most: Option<u32>| most.is_some_and(|most| count >= most);
        if full(inside.by_address.of(&one), limits.connections_per_address) {
            return Err(Refusal::FullForAddress);
        }
        if full(inside.by_network.of(&network), limits.connections_per_network) {
            return Err(Refusal::FullForNetwork);
        }
        inside.by_address.add(one);
        inside.by_network.add(network);
        self.address = Some(address);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.total = inside.total.saturating_sub(1);
        if let Some(address) = self.address {
            let (one, network) = self.gate.ranges(address);
            inside.by_address.remove(&one);
            inside.by_network.remove(&network);
        }
    }
}

/// How many of each; nothing is kept of those of whom there is none.
#[derive(Debug)]
struct Counts<K>(HashMap<K, u32>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Counts<K> {
    fn of(&self, key: &K) -> u32 {
        self.0.get(key).copied().unwrap_or(0)
    }

    fn add(&mut self, key: K) {
        *self.0.entry(key).or_insert(0) += 1;
    }

    fn remove(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Protocol;

    fn gate(connections: Option<u32>) -> Arc<Gate> {
        Gate::new(&Limits {
            connections,
            network_prefixes: limits::NETWORK_PREFIXES,
            memory: None,
            drain: limits::DRAIN,
        })
    }

    fn enter(gate: &Arc<Gate>, address: &str, limits: &SessionLimits) -> Result<Place, Refusal> {
        let (mut place, _) = gate.enter()?;
        place.give_to(address.parse().unwrap(), limits)?;
        Ok(place)
    }

    fn most(per_address: u32, per_network: u32) -> SessionLimits {
        SessionLimits {
            connections_per_address: Some(per_address),
            connections_per_network: Some(per_network),
            ..SessionLimits::default_for(Protocol::Smtp)
        }
    }

    #[test]
    fn places_are_counted_in_all_and_by_address() {
        let (gate, limits) = (gate(Some(3)), most(2, 100));
        let first = enter(&gate, "192.0.2.1", &limits).unwrap();
        let _second = enter(&gate, "::ffff:192.0.2.1", &limits).unwrap();
        assert_eq!(enter(&gate, "192.0.2.1", &limits).unwrap_err(), Refusal::FullForAddress);
        let _third = enter(&gate, "192.0.2.2", &limits).unwrap();
        assert_eq!(enter(&gate, "192.0.2.3", &limits).unwrap_err(), Refusal::Full);
        drop(first);
        let _fourth = enter(&gate, "192.0.2.1", &limits).unwrap();
    }

    #[test]
    fn p_28_one_ipv6_customer_is_a_64() {
        let (gate, limits) = (gate(None), most(1, 100));
        let _first = enter(&gate, "2001:db8:1:2::1", &limits).unwrap();
        assert!(enter(&gate, "2001:db8:1:2:ffff::9", &limits).is_err());
        let _other = enter(&gate, "2001:db8:1:3::1", &limits).unwrap();
    }

    #[test]
    fn a_network_has_so_many_places_whatever_address_asks() {
        let (gate, limits) = (gate(None), most(1, 2));
        let first = enter(&gate, "192.0.2.1", &limits).unwrap();
        let _second = enter(&gate, "192.0.2.255", &limits).unwrap();
        assert_eq!(enter(&gate, "192.0.2.9", &limits).unwrap_err(), Refusal::FullForNetwork);
        let _neighbour = enter(&gate, "192.0.3.9", &limits).unwrap();
        drop(first);
        let _third = enter(&gate, "192.0.2.9", &limits).unwrap();
        let _six: Vec<_> = ["2001:db8:1:1::1", "2001:db8:1:2::1"]
            .map(|address| enter(&gate, address, &limits).unwrap())
            .into();
        assert_eq!(enter(&gate, "2001:db8:1:ffff::1", &limits).unwrap_err(), Refusal::FullForNetwork);
    }

    #[test]
    fn nothing_is_kept_of_those_who_left() {
        let (gate, limits) = (gate(None), most(1, 1));
        drop(enter(&gate, "192.0.2.1", &limits).unwrap());
        drop(gate.enter().unwrap());
        let inside = gate.inside();
        assert!(inside.by_address.0.is_empty() && inside.by_network.0.is_empty());
        assert_eq!(inside.total, 0);
    }
}
