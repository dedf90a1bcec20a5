//! The network classes of a running daemon: read again at SIGHUP, and looked up at each use.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use crate::config::Networks;

/// The classes in use; clones share them.
#[derive(Clone, Debug, Default)]
pub struct LiveNetworks(Arc<RwLock<Arc<Networks>>>);

impl LiveNetworks {
    pub(crate) fn new(networks: Networks) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(networks))))
    }

    pub(crate) fn replace(&self, networks: Networks) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(networks);
    }

    /// Whether the address belongs to the class now.
    pub fn contains(&self, class: &str, address: IpAddr) -> bool {
        let networks = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        networks.contains(class, address)
    }
}
