use std::fmt::Write;
use std::string::String;

use super::*;

const NETWORKS: [Network; 2] = [Network::Inside, Network::Outside];
const IDENTITIES: [Identity; 2] = [Identity::Anonymous, Identity::Authenticated];
const DESTINATIONS: [Destination; 3] = [Destination::Foreign, Destination::Mailbox, Destination::UnknownUser];

/// Every row for listeners, each by its name.
fn rows(listeners: &[(&str, Listener)]) -> String {
    let mut rows = String::from("listener                    network  identity       destination  verdict\n");
    for (name, listener) in listeners {
        for network in NETWORKS {
            for identity in IDENTITIES {
                for destination in DESTINATIONS {
                    let verdict = recipient(*listener, network, identity, destination);
                    let [network, identity, destination, verdict] = [
                        std::format!("{network:?}"),
                        std::format!("{identity:?}"),
                        std::format!("{destination:?}"),
                        std::format!("{verdict:?}"),
                    ];
                    writeln!(rows, "{name:<27} {network:<8} {identity:<14} {destination:<12} {verdict}")
                        .unwrap();
                }
            }
        }
    }
    rows
}

const NOBODY: Listener = Listener { relay_authenticated: false, relay_inside: false };
const ACCOUNTS: Listener = Listener { relay_authenticated: true, relay_inside: false };
const NETWORK: Listener = Listener { relay_authenticated: false, relay_inside: true };
const BOTH: Listener = Listener { relay_authenticated: true, relay_inside: true };

#[test]
fn the_golden_file_shows_every_row() {
    let rows = rows(&[
        ("[]", NOBODY),
        ("[\"authenticated\"]", ACCOUNTS),
        ("[\"inside\"]", NETWORK),
        ("[\"authenticated\", \"inside\"]", BOTH),
    ]);
    assert_eq!(rows, include_str!("../policy/recipient.txt"), "\n{rows}");
}

/// What holds of the whole table, whatever its rows become.
#[test]
fn nobody_relays_without_a_permission() {
    for listener in [NOBODY, ACCOUNTS, NETWORK, BOTH] {
        for network in NETWORKS {
            for identity in IDENTITIES {
                let relays = matches!(
                    recipient(listener, network, identity, Destination::Foreign),
                    Verdict::Accept(_)
                );
                let permitted = (listener.relay_authenticated && identity == Identity::Authenticated)
                    || (listener.relay_inside && network == Network::Inside);
                assert_eq!(relays, permitted, "{listener:?} {network:?} {identity:?}");
            }
        }
    }
}
