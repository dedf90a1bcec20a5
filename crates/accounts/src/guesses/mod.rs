//! Failure budgets: they slow whoever guesses passwords and leave the owner alone.
//!
//! Every claim from outside takes one from the budgets of its address, of its network and of the account; a true one gives it back.
//! When a budget is used up, claims are not looked at until some of it has leaked back: that is told from "wrong password" by the
//! client, tells nothing about the account (which need not exist), and costs no hash, and at most one question to the database: whether the
//! account is known where the claim comes from.
//!
//! An address from which an account has logged in is **known** to it, and from there only the two of them have a budget: neither
//! guessing at the account from elsewhere nor a neighbour's guessing at other accounts shuts its owner out.
//!
//! The budgets of address and network do not count the machine itself, whose webmail is everybody.
//!
//! Each process counts for itself (`tally.rs`), and all on one database together (`common.rs`): where either has no more, there is no
//! more. A login that is remembered as good, from a known address, asks nobody: where that address has no more, it is let in after its
//! turn (`turns.rs`). From elsewhere it has to wait for the budgets, or guessing at it would be free.
//!
//! Claims that are being judged reserve what they will cost if they are wrong. Where nothing but that stands in the way, a claim waits.

mod bans;
mod common;
mod known;
mod tally;
mod turns;

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::limits;
use crate::names::Login;
pub use bans::Ban;
pub(crate) use common::{Common, Visit};
use known::Known;
use tally::{Allowance, Full, Tally};
use turns::Turns;

/// Which budget has no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Budget {
    /// That of the account, for addresses from which it never logged in.
    Account,
    /// That of the address.
    Address,
    /// That of the account at an address from which it did log in.
    Known,
    /// That of the network: an IPv4 /24, an IPv6 /64.
    Prefix,
    /// None: too many came at once to be judged in time.
    Busy,
}

impl Budget {
    /// A stable word for the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Account => "account-budget",
            Self::Address => "address-budget",
            Self::Known => "known-address-budget",
            Self::Prefix => "prefix-budget",
            Self::Busy => "too-many-at-once",
        }
    }
}

/// What [`claimed`] makes, by a hash that nobody outside can compute.
type Name = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Account(Name),
    Address(IpAddr),
    Known(Name, IpAddr),
    Prefix(IpAddr),
}

impl Key {
    const fn allowance(self) -> (Self, Allowance) {
        let allowance = match self {
            Self::Account(_) => limits::GUESSES_OF_ACCOUNT,
            Self::Address(_) => limits::GUESSES_OF_ADDRESS,
            Self::Known(..) => limits::GUESSES_OF_KNOWN,
            Self::Prefix(_) => limits::GUESSES_OF_PREFIX,
        };
        (self, Allowance { burst: allowance.0, every: allowance.1 })
    }

    const fn budget(self) -> Budget {
        match self {
            Self::Account(_) => Budget::Account,
            Self::Address(_) => Budget::Address,
            Self::Known(..) => Budget::Known,
            Self::Prefix(_) => Budget::Prefix,
        }
    }
}

/// A claim that was let through, and what it reserved: nothing more, once it was judged.
#[must_use = "a claim that was judged takes what it reserved, or gives it back"]
#[derive(Debug)]
pub(crate) struct Admitted {
    pair: (Name, IpAddr),
    took: Vec<(Key, Allowance)>,
}

pub(crate) struct Guesses {
    names: RandomState,
    known: Known,
    tally: Tally<Key>,
    turns: Turns,
}

impl Guesses {
    pub(crate) fn new() -> Self {
        Self {
            names: RandomState::new(),
            known: Known::default(),
            tally: Tally::new(limits::COUNTED_GUESSERS),
            turns: Turns::default(),
        }
    }

    /// Reserves what a wrong claim will have cost: before it is known to be wrong, so that many at once cannot cost less.
    fn admit(&self, claimed: &str, from: IpAddr, now: Instant) -> Result<Admitted, Full<Key>> {
        let from = from.to_canonical();
        let name = self.names.hash_one(claimed);
        let pair = (name, place(from));
        if self.known.noted(pair, now).is_some() {
            return self.admit_known(pair, now);
        }
        match from.is_loopback() {
            true => self.take(pair, &[Key::Account(name)], now),
            false => {
                self.take(pair, &[Key::Address(from), Key::Prefix(prefix(from)), Key::Account(name)], now)
            }
        }
    }

    /// The same for one who is known to come from there.
    fn admit_known(&self, pair: (Name, IpAddr), now: Instant) -> Result<Admitted, Full<Key>> {
        self.take(pair, &[Key::Known(pair.0, pair.1)], now)
    }

    fn take(&self, pair: (Name, IpAddr), keys: &[Key], now: Instant) -> Result<Admitted, Full<Key>> {
        let took: Vec<_> = keys.iter().map(|key| key.allowance()).collect();
        self.tally.reserve(&took, now)?;
        Ok(Admitted { pair, took })
    }

    /// What another process has learnt.
    fn learn(&self, claimed: &str, from: IpAddr, now: Instant) {
        self.known.note((self.names.hash_one(claimed), place(from.to_canonical())), now);
    }

    /// The claim was true: the address is known to the account from now on. How long ago that was noted before.
    fn was_true(&self, admitted: &mut Admitted, now: Instant) -> Option<Duration> {
        let noted = self.known.noted(admitted.pair, now);
        if noted.is_none_or(|noted| noted >= limits::KNOWN_NOTED_EVERY) {
            self.known.note(admitted.pair, now);
        }
        self.was_not_judged(admitted);
        noted
    }

    /// Forgets what this process counted by itself. What all count together still holds.
    pub(crate) fn forget_counts(&self) {
        self.tally.forget();
    }

    /// The claim was wrong, or counts as if it were.
    fn was_wrong(&self, admitted: &mut Admitted) {
        self.tally.take(&std::mem::take(&mut admitted.took));
    }

    /// The claim could not be judged.
    fn was_not_judged(&self, admitted: &mut Admitted) {
        self.tally.give_back(&std::mem::take(&mut admitted.took));
    }
}

/// A login as it was claimed at a brand, whether or not there is such an account: one name, however it was written.
pub(crate) fn claimed(brand: &str, login: &str) -> String {
    match Login::parse(login) {
        Ok(login) => login.at(brand).to_string(),
        Err(_) => format!("{brand}:{login}"),
    }
}

/// What an account knows of where it was: an IPv6 host changes its address within its /64 every day.
fn place(from: IpAddr) -> IpAddr {
    match from {
        IpAddr::V4(_) => from,
        IpAddr::V6(_) => prefix(from),
    }
}

fn prefix(from: IpAddr) -> IpAddr {
    match from {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests;
