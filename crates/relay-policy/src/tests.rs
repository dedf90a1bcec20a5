use std::fmt::Write;
use std::string::String;
use std::vec::Vec;

use super::*;

const NETWORKS: [Network; 2] = [Network::Inside, Network::Outside];
const IDENTITIES: [Identity; 3] = [Identity::Anonymous, Identity::Ticket, Identity::Authenticated];
const DESTINATIONS: [Destination; 7] = [
    Destination::Barred,
    Destination::Disabled,
    Destination::Foreign,
    Destination::Mailbox,
    Destination::Returned,
    Destination::UnknownUser,
    Destination::Unready,
];

/// Every listener, with its `relay` as the configuration writes it.
fn listeners() -> Vec<(String, Listener)> {
    let all = (0..8).map(|bits| Listener {
        relay_authenticated: bits & 1 != 0,
        relay_pop_before_smtp: bits & 2 != 0,
        relay_inside: bits & 4 != 0,
    });
    let name = |listener: &Listener| {
        let words = [
            (listener.relay_authenticated, "authenticated"),
            (listener.relay_pop_before_smtp, "pop-before-smtp"),
            (listener.relay_inside, "inside"),
        ];
        let words: Vec<&str> = words.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
        std::format!("[{}]", words.join(", "))
    };
    all.map(|listener| (name(&listener), listener)).collect()
}

#[test]
fn the_golden_file_shows_every_row() {
    let mut rows = String::from(
        "relay                                     network  identity       destination  verdict\n",
    );
    for (name, listener) in listeners() {
        for network in NETWORKS {
            for identity in IDENTITIES {
                for destination in DESTINATIONS {
                    let verdict = recipient(listener, network, identity, destination);
                    let [network, identity, destination, verdict] = [
                        std::format!("{network:?}"),
                        std::format!("{identity:?}"),
                        std::format!("{destination:?}"),
                        std::format!("{verdict:?}"),
                    ];
                    writeln!(rows, "{name:<41} {network:<8} {identity:<14} {destination:<12} {verdict}")
                        .unwrap();
                }
            }
        }
    }
    assert_eq!(rows, include_str!("../policy/recipient.txt"), "\n{rows}");
}

/// What holds of the whole table, whatever its rows become.
#[test]
fn nobody_relays_without_a_permission() {
    for (name, listener) in listeners() {
        for network in NETWORKS {
            for identity in IDENTITIES {
                let verdict = recipient(listener, network, identity, Destination::Foreign);
                let permitted = (listener.relay_authenticated && identity == Identity::Authenticated)
                    || (listener.relay_pop_before_smtp && identity == Identity::Ticket)
                    || (listener.relay_inside && network == Network::Inside);
                assert_eq!(
                    matches!(verdict, Verdict::Accept(_)),
                    permitted,
                    "{name} {network:?} {identity:?}"
                );
            }
        }
    }
}

/// Every row, as `policy/sender.txt` has it.
#[test]
fn s_16_the_golden_file_shows_every_sender() {
    let mut rows = String::from("sender_rights  owns   verdict\n");
    for rights in [SenderRights::Off, SenderRights::Warn, SenderRights::Rewrite, SenderRights::Reject] {
        for owns in [false, true] {
            let (word, verdict) = (std::format!("{rights:?}").to_lowercase(), sender(rights, owns));
            writeln!(rows, "{word:<14} {owns:<6} {verdict:?}").unwrap();
        }
    }
    assert_eq!(rows, include_str!("../policy/sender.txt"), "\n{rows}");
}

/// Every row, as `policy/virus_check.txt` has it.
#[test]
fn v_02_the_golden_file_shows_whose_messages_are_looked_through() {
    let mut rows = String::from("virus_check    sender           recipient  verdict\n");
    for (word, checked) in [
        ("off", Checked::Off),
        ("received", Checked::Received),
        ("contract", Checked::Contract),
        ("contract-only", Checked::ContractOnly),
        ("always", Checked::Always),
    ] {
        for sender in [Sender::Stranger, Sender::Unnamed, Sender::WithoutContract, Sender::WithContract] {
            for (recipient, has) in [("without", false), ("with", true)] {
                let (sender_word, verdict) = (std::format!("{sender:?}"), virus_check(checked, sender, has));
                writeln!(rows, "{word:<14} {sender_word:<16} {recipient:<10} {verdict:?}").unwrap();
            }
        }
    }
    assert_eq!(rows, include_str!("../policy/virus_check.txt"), "\n{rows}");
}
