//! The network classes of a running daemon: read again at SIGHUP, and looked up at each use.

use std::net::IpAddr;

use crate::config::Networks;
use crate::live::Live;

/// The classes in use; clones share them.
#[derive(Clone, Debug, Default)]
pub struct LiveNetworks(Live<Networks>);

impl LiveNetworks {
    pub(crate) fn new(networks: Networks) -> Self {
        Self(Live::new(networks))
    }

    pub(crate) fn replace(&self, networks: Networks) {
        self.0.replace(networks);
    }

    /// Whether the address belongs to the class now.
    pub fn contains(&self, class: &str, address: IpAddr) -> bool {
        self.0.now().contains(class, address)
    }
}
