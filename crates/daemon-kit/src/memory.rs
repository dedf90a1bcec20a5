//! A bound on what all sessions together hold in their buffers.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits;

/// What all sessions of a server may hold.
#[derive(Debug)]
pub(crate) struct Memory {
    most: u64,
    held: AtomicU64,
}

/// The bound is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the buffers of all sessions hold as much as they may")]
pub struct MemoryFull;

impl Memory {
    pub(crate) fn new(most: Option<NonZeroU64>) -> Arc<Self> {
        Arc::new(Self { most: most.map_or(u64::MAX, u64::from), held: AtomicU64::new(0) })
    }

    /// The share of somebody new: for them there is less, so that those inside can finish.
    pub(crate) fn newcomer(self: &Arc<Self>) -> Result<Share, MemoryFull> {
        let most = self.most / 100 * limits::MEMORY_FOR_NEWCOMERS;
        self.hold(limits::SESSION_MEMORY, most)?;
        Ok(Share { memory: self.clone(), octets: limits::SESSION_MEMORY })
    }

    /// A share for those inside.
    pub(crate) fn share(self: &Arc<Self>, octets: u64) -> Result<Share, MemoryFull> {
        self.hold(octets, self.most)?;
        Ok(Share { memory: self.clone(), octets })
    }

    fn hold(&self, octets: u64, most: u64) -> Result<(), MemoryFull> {
        let more = |held: u64| held.checked_add(octets).filter(|held| *held <= most);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map(drop).map_err(|_| MemoryFull)
    }
}

/// What one holder has of the memory; given back when this is dropped.
#[derive(Debug)]
pub struct Share {
    memory: Arc<Memory>,
    octets: u64,
}

impl Share {
    /// From now on has `octets`.
    ///
    /// # Errors
    /// [`MemoryFull`] when that is more than before and there is not so much; nothing has changed then.
    pub(crate) fn set(&mut self, octets: u64) -> Result<(), MemoryFull> {
        match octets.checked_sub(self.octets) {
            Some(0) => {}
            Some(more) => self.memory.hold(more, self.memory.most)?,
            None => {
                self.memory.held.fetch_sub(self.octets - octets, Ordering::Relaxed);
            }
        }
        self.octets = octets;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.held.fetch_sub(self.octets, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_new_comes_in_while_those_inside_have_room_left() {
        let memory = Memory::new(NonZeroU64::new(10 * limits::SESSION_MEMORY));
        let mut inside: Vec<Share> = std::iter::from_fn(|| memory.newcomer().ok()).collect();
        assert_eq!(inside.len(), 7);
        assert_eq!(inside[0].set(4 * limits::SESSION_MEMORY), Ok(()));
        assert_eq!(inside[1].set(2 * limits::SESSION_MEMORY), Err(MemoryFull));
        assert!(memory.share(1).is_err());
        assert_eq!(inside[0].set(1), Ok(()));
        assert!(memory.share(limits::SESSION_MEMORY).is_ok());
        drop(inside);
        assert_eq!(memory.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn without_a_bound_there_is_always_room() {
        assert!(Memory::new(None).share(1 << 40).is_ok());
    }
}
