//! Which hosts take mail for a destination: RFC 5321 §5.1, RFC 7505.

use std::net::IpAddr;
use std::sync::Arc;

use smtp_proto::{Domain, Mailbox};

use super::book::Key;
use super::config::{Login, OutboundConfig, TlsPolicy};
use super::outcome::Outcome;
use super::resolve::{NoAnswer, Resolver};
use super::schedule::mix;

/// The way to a destination, before anybody is asked.
#[derive(Debug, Clone)]
pub(crate) struct Nexthop {
    pub(crate) key: Key,
    pub(crate) way: Way,
    pub(crate) port: u16,
    pub(crate) tls: TlsPolicy,
    /// TLS begins at once.
    pub(crate) implicit: bool,
    pub(crate) login: Option<Login>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// The MX hosts of a domain.
    Exchanges(String),
    /// One host.
    Host(String),
    /// One address.
    Literal(IpAddr),
    /// A domain that no mail can go to.
    Nowhere,
}

/// A host that may take the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name, for TLS and the log; of a literal address, that.
    pub(crate) name: String,
    /// Empty: they are still to be asked for.
    pub(crate) addresses: Vec<IpAddr>,
}

/// The way of a recipient.
pub(crate) fn nexthop(config: &OutboundConfig, address: &str) -> Nexthop {
    let mailbox = Mailbox::parse(address);
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
    let route = config.routes.iter().find(|route| route.fits(&domain));
    let tls = route.and_then(|route| route.tls).unwrap_or(config.tls);
    let relay = match route {
        Some(route) => route.relay.as_ref(),
        None => config.smarthost.as_ref(),
    };
    if let Some(relay) = relay {
        let bare = relay.host.trim_start_matches('[').trim_end_matches(']');
        let way = bare.parse().map_or_else(|_| Way::Host(relay.host.clone()), Way::Literal);
        // A password goes to the host that it is for, and to nobody who says that he is that host (RFC 8314 §5.1).
        let tls = if relay.login.is_some() { TlsPolicy::Verify } else { tls };
        // One key for all that goes there the same way, so that they share its sessions and its troubles.
        // Who we are there is part of the way: a session speaks for one login.
        let name = relay.login.as_ref().map_or(String::new(), |login| format!("/{}", login.name));
        let key = Arc::from(format!("{}:{}/{tls:?}{name}", relay.host, relay.port));
        let (port, implicit, login) = (relay.port, relay.implicit_tls, relay.login.clone());
        return Nexthop { key, way, port, tls, implicit, login };
    }
    let way = match mailbox.map(|mailbox| mailbox.domain()) {
        Some(Domain::Literal(literal)) => literal.address().map_or(Way::Nowhere, Way::Literal),
        Some(Domain::Name(_)) => ascii(&domain).map_or(Way::Nowhere, Way::Exchanges),
        None => Way::Nowhere,
    };
    Nexthop { key: Arc::from(domain), way, port: config.port, tls, implicit: false, login: None }
}

/// The name as the DNS knows it (RFC 5890 §2.3.2.1).
fn ascii(domain: &str) -> Option<String> {
    if domain.is_ascii() {
        return Some(domain.to_owned());
    }
    let name = hickory_resolver::proto::rr::Name::from_utf8(domain).ok()?;
    Some(name.to_ascii().trim_end_matches('.').to_owned())
}

/// The hosts in the order in which they are to be asked; or what is the matter with the destination.
///
/// `seed`: for the order of hosts with the same preference.
pub(crate) async fn targets(
    resolver: &dyn Resolver,
    way: &Way,
    hostname: &str,
    seed: u64,
) -> Result<Vec<Target>, Outcome> {
    let named = |name: String| Target { name, addresses: Vec::new() };
    match way {
        Way::Literal(address) => Ok(vec![Target { name: format!("[{address}]"), addresses: vec![*address] }]),
        Way::Host(host) => Ok(vec![named(host.clone())]),
        Way::Nowhere => Err(Outcome::failed((5, 1, 3), "the address is not one that mail can be sent to")),
        Way::Exchanges(domain) => match resolver.exchanges(domain).await {
            Ok(exchanges) => Ok(order(exchanges, domain, hostname, seed)?.into_iter().map(named).collect()),
            // RFC 5321 §5.1: without an MX record, the domain itself is the host.
            Err(NoAnswer::NoRecords) => Ok(vec![named(domain.clone())]),
            Err(NoAnswer::NoSuchName) => {
                Err(Outcome::failed((5, 1, 2), format!("there is no such domain as {domain}")))
            }
            Err(NoAnswer::Trouble(why)) => {
                Err(Outcome::deferred((4, 4, 3), format!("{domain} cannot be looked up now: {why}")))
            }
        },
    }
}

fn order(
    mut exchanges: Vec<(u16, String)>,
    domain: &str,
    hostname: &str,
    seed: u64,
) -> Result<Vec<String>, Outcome> {
    if let [(_, host)] = &*exchanges
        && (host == "." || host.is_empty())
    {
        // RFC 7505 §3 and §4.2.
        return Err(Outcome::failed((5, 1, 10), format!("{domain} takes no mail (its MX record says so)")));
    }
    exchanges.retain(|(_, host)| host != "." && !host.is_empty());
    // RFC 5321 §5.1: whom we are better than, or as good as, would send it back to us.
    let ours =
        exchanges.iter().filter(|(_, host)| host.eq_ignore_ascii_case(hostname)).map(|(at, _)| *at).min();
    if let Some(ours) = ours {
        exchanges.retain(|(preference, _)| *preference < ours);
        if exchanges.is_empty() {
            let why = format!("mail for {domain} comes back to this host, which does not know the domain");
            return Err(Outcome::failed((5, 4, 6), why));
        }
    }
    let mut state = seed;
    let mut keyed: Vec<(u16, u64, String)> = exchanges
        .into_iter()
        .map(|(preference, host)| {
            state = mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
            (preference, state, host)
        })
        .collect();
    keyed.sort_unstable();
    Ok(keyed.into_iter().map(|(_, _, host)| host).collect())
}

/// The addresses of a target, IPv6 and IPv4 in turn (RFC 8305 §4).
pub(crate) async fn addresses(resolver: &dyn Resolver, target: &Target) -> Result<Vec<IpAddr>, NoAnswer> {
    if !target.addresses.is_empty() {
        return Ok(target.addresses.clone());
    }
    let found = resolver.addresses(&target.name).await?;
    let (six, four): (Vec<_>, Vec<_>) = found.into_iter().partition(IpAddr::is_ipv6);
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    let mut mixed = Vec::new();
    loop {
        let pair = [six.next(), four.next()];
        if pair == [None, None] {
            return Ok(mixed);
        }
        mixed.extend(pair.into_iter().flatten());
    }
}

/// No host has an address: for good, if who is responsible says of each that there is no such host.
pub(crate) fn unreachable(domain: &str, reasons: &[NoAnswer]) -> Outcome {
    let gone = !reasons.is_empty() && reasons.iter().all(|reason| *reason == NoAnswer::NoSuchName);
    let trouble = reasons.iter().find_map(|reason| match reason {
        NoAnswer::Trouble(why) => Some(why.as_str()),
        _ => None,
    });
    match (gone, trouble) {
        (true, _) => Outcome::failed((5, 4, 4), format!("no host that takes mail for {domain} exists")),
        (false, Some(why)) => {
            Outcome::deferred((4, 4, 3), format!("the hosts of {domain} cannot be looked up now: {why}"))
        }
        (false, None) => Outcome::deferred((4, 4, 4), format!("no host of {domain} has an address")),
    }
}

#[cfg(test)]
mod tests {
    use auth_sasl::Secret;

    use super::super::config::{Relay, Route};
    use super::*;

    fn exchanges(list: &[(u16, &str)]) -> Vec<(u16, String)> {
        list.iter().map(|(preference, host)| (*preference, (*host).to_owned())).collect()
    }

    #[test]
    fn hosts_come_by_preference_and_by_chance_within() {
        let list = exchanges(&[(20, "c"), (10, "a"), (10, "b"), (30, "d")]);
        let mut firsts = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let hosts = order(list.clone(), "x", "us", seed).unwrap();
            assert_eq!(hosts[2..], ["c", "d"]);
            firsts.insert(hosts[0].clone());
        }
        assert_eq!(firsts.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn we_send_to_nobody_who_would_send_it_back() {
        let list = exchanges(&[(10, "a"), (20, "US"), (20, "b"), (30, "c")]);
        assert_eq!(order(list, "x", "us", 0), Ok(vec!["a".to_owned()]));
        let only_us = order(exchanges(&[(20, "us"), (30, "c")]), "x", "us", 0).unwrap_err();
        assert!(only_us.is_final() && only_us.status == (5, 4, 6), "{only_us:?}");
    }

    #[test]
    fn a_null_mx_is_final() {
        let null = order(exchanges(&[(0, ".")]), "x", "us", 0).unwrap_err();
        assert!(null.is_final() && null.status == (5, 1, 10), "{null:?}");
    }

    #[test]
    fn recipients_find_their_way() {
        let mut config = OutboundConfig::new("us");
        assert_eq!(nexthop(&config, "a@Example.COM").way, Way::Exchanges("example.com".into()));
        assert_eq!(nexthop(&config, "a@[192.0.2.1]").way, Way::Literal([192, 0, 2, 1].into()));
        assert_eq!(
            nexthop(&config, "a@[IPv6:2001:db8::1]").way,
            Way::Literal("2001:db8::1".parse().unwrap())
        );
        assert_eq!(nexthop(&config, "a@[x:y]").way, Way::Nowhere);
        assert_eq!(nexthop(&config, "a@郵便.jp").way, Way::Exchanges("xn--wtqs30n.jp".into()));
        let relay =
            |host: &str, port| Some(Relay { host: host.into(), port, implicit_tls: false, login: None });
        let route = |domain: &str, relay, tls| Route { domain: domain.into(), relay, tls };
        config.routes = vec![
            route("example.com", relay("inside", 2525), Some(TlsPolicy::Verify)),
            route(".example.com", relay("[192.0.2.9]", 25), None),
            route("direct.example", None, Some(TlsPolicy::Encrypt)),
        ];
        config.smarthost = relay("smart", 587);
        let way = |address: &str| {
            let nexthop = nexthop(&config, address);
            (nexthop.way, nexthop.port, nexthop.tls)
        };
        assert_eq!(way("a@example.com"), (Way::Host("inside".into()), 2525, TlsPolicy::Verify));
        assert_eq!(way("a@sub.example.com"), (Way::Literal([192, 0, 2, 9].into()), 25, TlsPolicy::May));
        assert_eq!(
            way("a@direct.example"),
            (Way::Exchanges("direct.example".into()), 25, TlsPolicy::Encrypt)
        );
        assert_eq!(way("a@elsewhere.example"), (Way::Host("smart".into()), 587, TlsPolicy::May));
        assert_eq!(nexthop(&config, "a@x.example").key, nexthop(&config, "b@y.example").key, "one smarthost");
        let as_who = |name: &str| {
            let login = Some(Login { name: name.into(), password: Secret::new(b"secret") });
            Some(Relay { host: "smart".into(), port: 587, implicit_tls: false, login })
        };
        config.routes =
            vec![route("one.example", as_who("one"), None), route("two.example", as_who("two"), None)];
        let keys = ["a@one.example", "a@two.example", "a@x.example"].map(|to| nexthop(&config, to).key);
        for policy in [TlsPolicy::None, TlsPolicy::May, TlsPolicy::Encrypt, TlsPolicy::Verify] {
            config.routes[0].tls = Some(policy);
            assert_eq!(nexthop(&config, "a@one.example").tls, TlsPolicy::Verify, "{policy:?} with a login");
        }
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2], "{keys:?}");
    }

    #[test]
    fn only_an_authoritative_no_is_for_good() {
        use NoAnswer::{NoRecords, NoSuchName, Trouble};
        let trouble = || Trouble("timed out".into());
        for (reasons, is_final) in [
            (vec![NoSuchName], true),
            (vec![NoSuchName, NoSuchName], true),
            (vec![NoSuchName, NoRecords], false),
            (vec![NoSuchName, trouble()], false),
            (vec![trouble()], false),
            (vec![], false),
        ] {
            assert_eq!(unreachable("x", &reasons).is_final(), is_final, "{reasons:?}");
        }
    }
}
