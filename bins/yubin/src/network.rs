//! `yubin network`: which class an address belongs to.

use std::net::IpAddr;

use clap::Subcommand;
use daemon_kit::config::{INSIDE, Listener, Protocol, Relay};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts};

/// What to do with networks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say which classes an address belongs to, and what that means at each listener
    #[command(after_help = EXAMPLES)]
    Test {
        /// IPv4 or IPv6
        address: IpAddr,
    },
}

const EXAMPLES: &str = "\
The classes are those of [networks] in the configuration; the longest prefix
decides. Daemons read them again at SIGHUP.

Example:
  yubin network test 192.0.2.7";

/// What there is to see, in output.
#[derive(Debug, Serialize)]
struct Shown {
    address: IpAddr,
    classes: Vec<Class>,
    inside: bool,
    relay_without_login: Vec<String>,
    barred_from: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Class {
    name: String,
    prefix_length: u8,
}

/// Does it.
pub(crate) fn run(settings: &Settings, command: &Command, output: Output) -> Result<(), Failure> {
    let Command::Test { address } = *command;
    let config = &settings.config;
    let networks = &config.networks;
    let inside = networks.contains(INSIDE, address);
    let barred = |listener: &Listener| listener.barred.iter().any(|class| networks.contains(class, address));
    let relays = |listener: &Listener| inside && listener.relay.contains(&Relay::Inside) && !barred(listener);
    let at = |wanted: &dyn Fn(&Listener) -> bool| -> Vec<String> {
        let listeners = config.listeners.iter().filter(|listener| wanted(listener));
        listeners.flat_map(|listener| listener.addresses.iter().map(|at| at.socket.to_string())).collect()
    };
    let classes = networks.classes_of(address);
    let shown = Shown {
        address,
        classes: classes
            .map(|(name, prefix_length)| Class { name: name.to_owned(), prefix_length })
            .collect(),
        inside,
        relay_without_login: at(&|listener| listener.protocol == Protocol::Smtp && relays(listener)),
        barred_from: at(&barred),
    };
    output.print(&shown, as_text)
}

fn as_text(shown: &Shown) -> String {
    let none = |list: Vec<String>| if list.is_empty() { String::from("none") } else { list.join("\n") };
    let classes =
        shown.classes.iter().map(|Class { name, prefix_length }| format!("{name} (by a /{prefix_length})"));
    facts(&[
        ("address", shown.address.to_string()),
        ("classes", none(classes.collect())),
        ("relays without login at", none(shown.relay_without_login.clone())),
        ("barred from", none(shown.barred_from.clone())),
    ])
}
