//! The way of a client that sends mail.

use accounts::{Bar, Resolution, Service};
use daemon_kit::config::{Auth, Listener, Protocol, Relay};
use relay_policy::{Destination, Identity, Network, Verdict, Why};

use super::{Client, Login, Walk, ports, spoken, virus_check};

pub(super) fn walk(client: &Client<'_>, listener: &Listener, walk: &mut Walk) {
    let Some(identity) = identity(client, listener, walk) else { return };
    if !virus_check::walk(client, listener, identity, walk) {
        return;
    }
    let network = if client.is_inside() { Network::Inside } else { Network::Outside };
    match &client.to {
        Some((to, resolution)) => {
            let (destination, says) = destination(resolution);
            walk.pass("destination", format!("{to}: {says}"));
            verdict(client, listener, (network, identity, destination), to, walk);
            if matches!(resolution, Resolution::NoPostmaster) {
                walk.change("the operator: yubin domain set DOMAIN postmaster=LOGIN");
            }
        }
        None => {
            for (what, destination) in
                [("mail for a mailbox here", Destination::Mailbox), ("mail elsewhere", Destination::Foreign)]
            {
                verdict(client, listener, (network, identity, destination), what, walk);
            }
        }
    }
}

/// Who the client is to the policy; none: it does not come so far.
fn identity(client: &Client<'_>, listener: &Listener, walk: &mut Walk) -> Option<Identity> {
    let mechanisms: Vec<_> = listener.mechanisms.iter().map(|mechanism| mechanism.as_str()).collect();
    let offered = format!("AUTH {} ({})", listener.auth, mechanisms.join(" "));
    match (&client.login, listener.auth) {
        (Some(_), Auth::Off) => {
            walk.fail("auth", "AUTH is not offered here");
            walk.change(format!("the client: SMTP AUTH on port {}", relaying_ports(client, listener)));
        }
        (Some(Login::Unknown(hint)), _) => {
            walk.fail("auth", hint);
            walk.end("the login", false, "auth", spoken_failed());
            walk.change("the client: the login as first issued, and nothing else, as user name of SMTP AUTH");
            return None;
        }
        (Some(Login::Known(account)), _) => {
            let login = &account.account.login;
            if let Some(bar) = account.bar(Service::SmtpAuth) {
                walk.fail("account", bar.hint().to_string());
                walk.end("the login", false, bar.word(), spoken_failed());
                walk.change(registered(login, &bar));
                return None;
            }
            walk.pass("auth", format!("{offered}, {login} may"));
            return Some(Identity::Authenticated);
        }
        (None, Auth::Required) => {
            walk.fail("auth", format!("{offered}: nothing is taken before a login, from inside neither"));
            walk.end("anything", false, "auth", "530 5.7.0".to_owned());
            walk.change("the client: SMTP AUTH (--account to see whether a login may)");
            return None;
        }
        (None, Auth::Off) => walk.pass("auth", "AUTH off: nobody logs in here"),
        (None, Auth::Optional) => walk.pass("auth", format!("{offered}, not used")),
    }
    Some(ticket(client, listener, walk))
}

/// Without a login there may be a ticket.
fn ticket(client: &Client<'_>, listener: &Listener, walk: &mut Walk) -> Identity {
    if !listener.relay.contains(&Relay::PopBeforeSmtp) {
        return Identity::Anonymous;
    }
    match client.tickets() {
        None => walk.fail("ticket", "POP before SMTP has ended"),
        Some(_) if client.tickets.is_empty() => {
            walk.fail("ticket", "nobody who may has fetched mail from this address a short while ago");
        }
        Some(_) => {
            walk.pass(
                "ticket",
                format!("mail was fetched from this address by {}", client.tickets.join(", ")),
            );
            return Identity::Ticket;
        }
    }
    Identity::Anonymous
}

fn destination(resolution: &Resolution) -> (Destination, String) {
    let (destination, says) = match resolution {
        Resolution::Barred(_) => (Destination::Barred, "a domain where nobody has mail"),
        Resolution::Disabled => (Destination::Disabled, "a mailbox here that takes no mail"),
        Resolution::Mailbox(mailbox) => {
            return (Destination::Mailbox, format!("a mailbox here, of {}", mailbox.login));
        }
        Resolution::NoPostmaster => (Destination::Unready, "a duty of the domain, and nobody is appointed"),
        Resolution::NotOurs => (Destination::Foreign, "not a domain of ours"),
        Resolution::UnknownUser => {
            (Destination::UnknownUser, "a domain of ours, and nobody there of that name")
        }
        Resolution::Unready => (Destination::Unready, "a mailbox here that takes no mail yet"),
    };
    (destination, says.to_owned())
}

/// Asks the policy.
fn verdict(
    client: &Client<'_>,
    listener: &Listener,
    (network, identity, destination): (Network, Identity, Destination),
    what: &str,
    walk: &mut Walk,
) {
    let policy = smtpd::policy(listener);
    let why = match relay_policy::recipient(policy, network, identity, destination) {
        Verdict::Accept(why) if destination == Destination::Foreign && !client.config.outbound.enabled => {
            let reply = client.worded(listener, smtpd::NOT_SENT_FROM_HERE);
            walk.end(what, false, why.name(), spoken(&reply));
            walk.change("the operator: enabled = true in [outbound]");
            return;
        }
        Verdict::Accept(why) => return walk.end(what, true, why.name(), None),
        Verdict::Refuse(why) => why,
    };
    let reply = match &client.to {
        Some((_, Resolution::NoPostmaster)) => smtpd::NO_POSTMASTER,
        _ => smtpd::refusal_of(why),
    };
    let reply = client.worded(listener, reply);
    walk.end(what, false, why.name(), spoken(&reply));
    remedy(client, listener, why, walk);
}

/// What would have helped.
fn remedy(client: &Client<'_>, listener: &Listener, why: Why, walk: &mut Walk) {
    match why {
        Why::RelayNeedsAuthentication | Why::RelayDenied => {
            walk.change(format!("the client: SMTP AUTH on port {}", relaying_ports(client, listener)));
            if listener.relay.contains(&Relay::PopBeforeSmtp) && client.tickets().is_some() {
                walk.change("the client: fetch mail by POP3 first, from the same address");
            }
            if listener.relay.contains(&Relay::Inside) {
                walk.change("the operator, if the line is the provider's own: its network into `inside` in [networks]");
            }
        }
        Why::UnknownUser => walk.change("the operator, if it shall exist: yubin address add ADDRESS LOGIN"),
        Why::MailboxDisabled => walk.change("the operator: yubin account resume LOGIN"),
        Why::MailboxUnready if matches!(client.to, Some((_, Resolution::Unready))) => {
            walk.change("the operator, when its mail is here: yubin account resume LOGIN");
        }
        Why::DomainBarred => walk.change("the client: an address of the recipient in another domain"),
        Why::MailboxUnready
        | Why::LocalMailbox
        | Why::RelayAfterPop
        | Why::RelayForAccount
        | Why::RelayForNetwork
        | Why::ReportReturned => {}
    }
}

/// Where who has logged in may send to other domains, from this address.
fn relaying_ports(client: &Client<'_>, at: &Listener) -> String {
    ports(client.config, |listener| {
        listener.protocol == Protocol::Smtp
            && listener.brand == at.brand
            && listener.relay.contains(&Relay::Authenticated)
            && !listener.barred.iter().any(|class| client.is_member(class))
    })
}

/// The command that lifts a bar.
pub(super) fn registered(login: &str, bar: &Bar) -> String {
    match bar {
        Bar::ServiceOff(service) => {
            format!("the operator: yubin account set {login} {}=on", service.word())
        }
        Bar::Suspended(_) | Bar::Staged | Bar::Closing => {
            format!("the operator: yubin account resume {login}")
        }
    }
}

/// In the words of the configuration, or none; the number is the same for all.
fn spoken_failed() -> String {
    "535 5.7.8".to_owned()
}
