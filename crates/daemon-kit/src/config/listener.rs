//! `[[listener]]`: one door, and the rules between its settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use ipnet::IpNet;
use toml::de::DeValue;

use super::fault::{Collector, Position, Wrong};
use super::limits::{self, SessionLimits};
use super::networks::{INSIDE, Networks};
use super::section::{At, Read, Section};
use super::smtp::{self, Smtp};
use super::trace::{self, Trace};
use super::value::{HostName, Scalar, word};

/// One door: where it listens and what it asks of those who come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Who answers.
    pub protocol: Protocol,
    /// Where; at least one.
    pub addresses: Vec<Address>,
    /// The load balancers that connect here for their clients and say so with a PROXY header; where there are some, nobody else is
    /// let in. Empty: clients connect themselves, and a PROXY header is rubbish.
    pub proxy_protocol: Vec<IpNet>,
    /// Whether and when the connection is encrypted.
    pub tls: TlsMode,
    /// Whether clients log in. POP3: always [`Auth::Required`].
    pub auth: Auth,
    /// SASL mechanisms that are offered; empty with [`Auth::Off`].
    pub mechanisms: Vec<Mechanism>,
    /// Whether a password may cross the network in clear text (AUTH PLAIN and LOGIN, USER/PASS); false under implicit TLS,
    /// where there is no clear text.
    pub clear_text_auth: bool,
    /// Whether POP3 offers APOP.
    pub apop: bool,
    /// Who may send to other places through SMTP.
    pub relay: Vec<Relay>,
    /// Network classes whose members are turned away.
    pub barred: Vec<String>,
    /// The service's name: in the greeting, and the domain of `<postmaster>`.
    pub hostname: String,
    /// Whose customers log in here, in lower case; without one, the default brand's.
    pub brand: Option<String>,
    /// What one session may do.
    pub limits: SessionLimits,
    /// What SMTP writes before a message.
    pub trace: Trace,
    /// What SMTP alone has.
    pub smtp: Smtp,
}

impl Listener {
    /// Its name and port, for people: `mx.example.jp:465`.
    #[must_use]
    pub fn place(&self) -> String {
        let port = self.addresses.first().map_or(0, |address| address.socket.port());
        format!("{}:{port}", self.hostname)
    }
}

/// An address and the place in the file that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// IP address and port; port 0 lets the system choose.
    pub socket: SocketAddr,
    /// For "port in use".
    pub position: Position,
}

/// `protocol`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `"smtp"`: receiving and submission.
    Smtp,
    /// `"pop3"`
    Pop3,
}

/// `tls`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// `"none"`: clear text only.
    None,
    /// `"starttls"`: clear text that a client may turn into TLS (STARTTLS, STLS).
    Starttls,
    /// `"starttls-required"`: clear text that a client must turn into TLS before anything else is done.
    StarttlsRequired,
    /// `"implicit"`: TLS from the first byte.
    Implicit,
}

/// `auth`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `"off"`: not offered.
    Off,
    /// `"optional"`: who logs in may do more.
    Optional,
    /// `"required"`: nothing is taken before a login.
    Required,
}

/// `mechanisms`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// `"PLAIN"` (RFC 4616)
    Plain,
    /// `"LOGIN"`
    Login,
}

/// `relay`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    /// `"authenticated"`: who has logged in.
    Authenticated,
    /// `"inside"`: who comes from the network class of that name.
    Inside,
    /// `"pop-before-smtp"`: who has fetched mail from the same address a short while ago.
    PopBeforeSmtp,
}

macro_rules! words {
    ($type:ident, $example:literal: $($word:literal = $variant:ident),+) => {
        impl $type {
            /// The word that stands for it in the file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Scalar for $type {
            const EXAMPLE: &'static str = $example;

            fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
                word(value, &[$(($word, Self::$variant)),+])
            }
        }
    };
}

pub(super) use words;

words!(Protocol, "\"smtp\" or \"pop3\"": "smtp" = Smtp, "pop3" = Pop3);
words!(TlsMode, "\"none\", \"starttls\", \"starttls-required\" or \"implicit\"":
    "none" = None, "starttls" = Starttls, "starttls-required" = StarttlsRequired, "implicit" = Implicit);
words!(Auth, "\"off\", \"optional\" or \"required\"": "off" = Off, "optional" = Optional, "required" = Required);
words!(Mechanism, "[\"PLAIN\", \"LOGIN\"]": "PLAIN" = Plain, "LOGIN" = Login);
words!(Relay, "[\"authenticated\", \"inside\", \"pop-before-smtp\"]":
    "authenticated" = Authenticated, "inside" = Inside, "pop-before-smtp" = PopBeforeSmtp);

/// What the rest of the file says.
pub(super) struct Given<'g> {
    pub(super) hostname: Option<&'g str>,
    pub(super) limits: &'g limits::Given,
    pub(super) trace: &'g Trace,
    pub(super) certificates: bool,
    pub(super) apop_key: bool,
    /// Where it can be, as a value to write.
    pub(super) apop_key_place: String,
    pub(super) pop_before_smtp: bool,
    pub(super) virus_check: bool,
    /// None where they are faulty.
    pub(super) networks: Option<&'g Networks>,
}

/// None means that a fault was reported.
pub(super) fn read_all(sections: Vec<Section<'_>>, given: &Given<'_>) -> Option<Vec<Arc<Listener>>> {
    let mut places = Places::default();
    let listeners: Vec<_> =
        sections.into_iter().map(|section| read(section, given, &mut places).map(Arc::new)).collect();
    listeners.into_iter().collect()
}

fn read(section: Section<'_>, given: &Given<'_>, places: &mut Places) -> Option<Listener> {
    let faults = section.faults();
    let at_first = faults.count();
    let settings = Settings::take(&section);
    let each_is_right = faults.count() == at_first;

    let addresses = addresses(&section, places);
    let balancers = balancers(&section);
    let barred = barred(&section, given);
    let brand = brand(&section);
    let hostname = section.optional::<HostName>("hostname").given().map(|at| at.value.0);
    let protocol = settings.protocol.as_ref().map(|at| at.value);
    let limits = section.table("limits").given().map(|at| limits::session(at.value, given.limits, protocol));

    let trace = section.table("trace").given();
    if let Some(at) = trace.as_ref().filter(|_| protocol == Some(Protocol::Pop3)) {
        let what = "`trace` belongs to SMTP, this listener is pop3";
        faults.report_absence(&at.span, Wrong::new(what, "nothing (remove the section)"));
    }
    let trace = trace.map_or_else(|| given.trace.clone(), |at| trace::read(at.value, given.trace));

    let before_unknown = faults.count();
    let span = section.span().clone();
    section.finish();
    let protocol = protocol?;
    // The rules between settings are judged only where each setting alone is right: a mistyped word must not bring a second
    // fault that vanishes with the first.
    if each_is_right && faults.count() == before_unknown {
        settings.check(protocol, &span, given, faults);
    }

    if let (Some(relay), Some(addresses)) = (&settings.relay, &addresses)
        && let Some(span) = relaying(&relay.value, Relay::PopBeforeSmtp)
        && let Some(port) = addresses.iter().map(|at| at.socket.port()).find(|port| matches!(port, 465 | 587))
    {
        let what = format!("port {port} is for who logs in; POP before SMTP is for port 25");
        faults.report_absence(span, Wrong::new(what, "relay without \"pop-before-smtp\""));
    }
    let auth = settings.auth.as_ref().map_or(default_auth(protocol), |at| at.value);
    let offered = auth != Auth::Off;
    let mechanisms =
        settings.mechanisms.map_or(vec![Mechanism::Plain, Mechanism::Login], |at| values(at.value));
    let accounts = if offered { vec![Relay::Authenticated] } else { Vec::new() };
    let relay = settings.relay.map_or(accounts, |at| values(at.value));
    Some(Listener {
        protocol,
        addresses: addresses?,
        proxy_protocol: balancers,
        tls: settings.tls.map_or(TlsMode::None, |at| at.value),
        auth,
        mechanisms: if offered { mechanisms } else { Vec::new() },
        clear_text_auth: settings.clear_text_auth.is_some_and(|at| at.value),
        apop: settings.apop.is_some_and(|at| at.value),
        relay: if protocol == Protocol::Smtp { relay } else { Vec::new() },
        barred,
        hostname: hostname.or_else(|| given.hostname.map(str::to_owned))?,
        brand,
        limits: limits.as_ref().unwrap_or(given.limits).resolve(protocol),
        trace,
        smtp: settings.smtp.resolve(given.virus_check && protocol == Protocol::Smtp),
    })
}

/// Where `relay` says it.
fn relaying(relay: &[At<Relay>], whom: Relay) -> Option<&Range<usize>> {
    relay.iter().find(|at| at.value == whom).map(|at| &at.span)
}

/// Port 25 takes mail from strangers, so SMTP asks for no login unless told to; a mailbox is never open.
fn default_auth(protocol: Protocol) -> Auth {
    match protocol {
        Protocol::Smtp => Auth::Off,
        Protocol::Pop3 => Auth::Required,
    }
}

fn values<T>(items: Vec<At<T>>) -> Vec<T> {
    items.into_iter().map(|at| at.value).collect()
}

/// Whoever is one says for whom it speaks: everybody would be whom they like.
fn balancers(section: &Section<'_>) -> Vec<IpNet> {
    let networks = section.list::<IpNet>("proxy_protocol").given().map(|at| at.value).unwrap_or_default();
    for At { value, span } in networks.iter().filter(|at| at.value.prefix_len() == 0) {
        let what = format!("{value} would let everybody say where they come from");
        section.report(span, Wrong::new(what, "the addresses of your balancers"));
    }
    values(networks)
}

fn brand(section: &Section<'_>) -> Option<String> {
    let at = section.optional::<String>("brand").given()?;
    let brand = at.value.to_ascii_lowercase();
    if !brand.is_empty() && brand.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Some(brand);
    }
    let what = "a brand's name has letters, digits, '-', '.' and '_'";
    section.report(&at.span, Wrong::new(what, "brand = \"asahi\", one of: yubin brand list"));
    None
}

fn barred(section: &Section<'_>, given: &Given<'_>) -> Vec<String> {
    let classes = section.list::<String>("barred").given().map(|at| at.value).unwrap_or_default();
    for At { value, span } in &classes {
        if given.networks.is_some_and(|networks| !networks.has(value)) {
            let what = format!("there is no class \"{}\" in [networks]", value.escape_debug());
            section.report(span, Wrong::new(what, format!("{value} = [\"10.0.0.0/8\"] there")));
        }
    }
    values(classes)
}

fn addresses(section: &Section<'_>, places: &mut Places) -> Option<Vec<Address>> {
    let example = "\"0.0.0.0:25\" (or a list of addresses)";
    match section.list::<SocketAddr>("address") {
        Read::Faulty => None,
        Read::Absent => {
            section.report_missing("address", example);
            None
        }
        Read::Given(list) if list.value.is_empty() => {
            section.report(
                &list.span,
                Wrong::new("the list of addresses is empty", format!("address = {example}")),
            );
            None
        }
        Read::Given(list) => {
            let at = |at: At<SocketAddr>| {
                let position = section.faults().position(&at.span);
                places.claim(&at, position, section);
                Address { socket: at.value, position }
            };
            Some(list.value.into_iter().map(at).collect())
        }
    }
}

/// Which addresses are taken by which line.
#[derive(Default)]
struct Places(BTreeMap<SocketAddr, Position>);

impl Places {
    fn claim(&mut self, at: &At<SocketAddr>, position: Position, section: &Section<'_>) {
        let overlap = |taken: &SocketAddr| {
            let (mine, other) = (at.value.ip(), taken.ip());
            let everywhere = mine.is_unspecified() || other.is_unspecified();
            taken.port() == at.value.port()
                && mine.is_ipv4() == other.is_ipv4()
                && (mine == other || everywhere)
        };
        if at.value.port() == 0 {
            return;
        }
        if let Some((taken, first)) = self.0.iter().find(|(taken, _)| overlap(taken)) {
            let what = format!("{} is already taken by {taken} in line {}", at.value, first.line);
            section.report(&at.span, Wrong::new(what, "another address or port, or remove one of the two"));
        }
        self.0.entry(at.value).or_insert(position);
    }
}

/// The settings that depend on each other, each with its place.
struct Settings {
    protocol: Option<At<Protocol>>,
    tls: Option<At<TlsMode>>,
    auth: Option<At<Auth>>,
    mechanisms: Option<At<Vec<At<Mechanism>>>>,
    clear_text_auth: Option<At<bool>>,
    apop: Option<At<bool>>,
    relay: Option<At<Vec<At<Relay>>>>,
    smtp: smtp::Given,
}

impl Settings {
    fn take(section: &Section<'_>) -> Self {
        Self {
            protocol: section.required("protocol", Protocol::EXAMPLE),
            tls: section.optional("tls").given(),
            auth: section.optional("auth").given(),
            mechanisms: section.list("mechanisms").given(),
            clear_text_auth: section.optional("clear_text_auth").given(),
            apop: section.optional("apop").given(),
            relay: section.list("relay").given(),
            smtp: smtp::Given::take(section),
        }
    }

    /// Reports settings that contradict each other. `heading` is where the listener stands.
    fn check(&self, protocol: Protocol, heading: &Range<usize>, given: &Given<'_>, faults: &Collector<'_>) {
        if let Some(at) = self.tls.as_ref().filter(|at| at.value != TlsMode::None && !given.certificates) {
            let what = "TLS needs a certificate, and the file has none";
            report(faults, &at.span, what, "[[certificate]] with chain and key");
        }
        match protocol {
            Protocol::Smtp => self.check_smtp(given, faults),
            Protocol::Pop3 => self.check_pop3(given, faults),
        }
        let auth = self.auth.as_ref().map_or(default_auth(protocol), |at| at.value);
        self.check_relay(auth, given, faults);
        if auth == Auth::Off {
            self.check_without_auth(faults);
        } else {
            self.check_auth(protocol, heading, faults);
        }
    }

    fn tls(&self) -> TlsMode {
        self.tls.as_ref().map_or(TlsMode::None, |at| at.value)
    }

    fn check_smtp(&self, given: &Given<'_>, faults: &Collector<'_>) {
        if let Some(at) = &self.apop {
            report(faults, &at.span, "APOP belongs to POP3, this listener is smtp", REMOVE);
        }
        if !given.virus_check {
            self.smtp.check_without_scanner(faults);
        }
    }

    fn check_pop3(&self, given: &Given<'_>, faults: &Collector<'_>) {
        if let Some(at) = &self.auth {
            report(faults, &at.span, "`auth` belongs to SMTP; POP3 always asks for a login", REMOVE);
        }
        if let Some(at) = &self.relay {
            report(faults, &at.span, "`relay` belongs to SMTP, this listener is pop3", REMOVE);
        }
        if let Some(at) = self.apop.as_ref().filter(|at| at.value) {
            if !given.apop_key {
                let what = "APOP needs the key that seals its secrets";
                let remedy = format!("apop_key = {} in [accounts]", given.apop_key_place);
                report(faults, &at.span, what, &remedy);
            }
            if self.tls() == TlsMode::StarttlsRequired {
                report(faults, &at.span, "APOP begins before TLS, and TLS is required first", REMOVE);
            }
        }
        self.smtp.check_absent(faults);
    }

    /// Who may send by a class or a ticket that there is none of.
    fn check_relay(&self, auth: Auth, given: &Given<'_>, faults: &Collector<'_>) {
        let Some(At { value: relay, .. }) = &self.relay else { return };
        if let Some(span) = relaying(relay, Relay::Inside)
            && given.networks.is_some_and(|networks| !networks.has(INSIDE))
        {
            let what = "nobody is inside: [networks] has no such class";
            report(faults, span, what, "inside = [\"10.0.0.0/8\"] in [networks]");
        }
        if let Some(span) = relaying(relay, Relay::PopBeforeSmtp) {
            if !given.pop_before_smtp {
                let what = "no login opens a ticket: there is no section [pop_before_smtp]";
                report(faults, span, what, "[pop_before_smtp]");
            }
            if auth == Auth::Required {
                let what = "AUTH is required here, a ticket would not help";
                report(faults, span, what, "relay without \"pop-before-smtp\"");
            }
        }
    }

    /// What speaks of logging in, where nobody can.
    fn check_without_auth(&self, faults: &Collector<'_>) {
        let spans = [
            self.mechanisms.as_ref().map(|at| &at.span),
            self.clear_text_auth.as_ref().map(|at| &at.span),
            self.relay.as_ref().and_then(|at| relaying(&at.value, Relay::Authenticated)),
        ];
        for span in spans.into_iter().flatten() {
            let remedy = "auth = \"optional\" or \"required\" beside it, or remove the line";
            report(faults, span, "this speaks of logging in, and `auth` is \"off\"", remedy);
        }
        self.smtp.check_without_auth(faults);
    }

    /// Whether those who shall log in can, and what crosses the network in clear text.
    fn check_auth(&self, protocol: Protocol, heading: &Range<usize>, faults: &Collector<'_>) {
        if protocol == Protocol::Smtp
            && let Some(at) = self.mechanisms.as_ref().filter(|at| at.value.is_empty())
        {
            let what = "nobody can log in without a mechanism";
            report(faults, &at.span, what, "mechanisms = [\"PLAIN\", \"LOGIN\"]");
        }
        let said = |setting: &Option<At<bool>>| setting.as_ref().is_some_and(|at| at.value);
        match (self.tls(), &self.clear_text_auth) {
            (TlsMode::Implicit, Some(at)) => {
                report(faults, &at.span, "there is no clear text under implicit TLS", REMOVE);
            }
            (TlsMode::StarttlsRequired, Some(at)) if at.value => {
                let what = "nothing is done in clear text here: TLS is required first";
                report(faults, &at.span, what, REMOVE);
            }
            (TlsMode::None, clear_text) if !said(clear_text) && !said(&self.apop) => {
                let span = self.auth.as_ref().map_or(heading, |at| &at.span);
                let what =
                    "nobody can log in here: there is no TLS, and passwords in clear text are not allowed";
                let remedy = "tls = \"starttls\" or \"implicit\", or clear_text_auth = true";
                report(faults, span, what, remedy);
            }
            _ => {}
        }
    }
}

const REMOVE: &str = "nothing (remove the line)";

fn report(faults: &Collector<'_>, span: &Range<usize>, what: &str, remedy: &str) {
    faults.report_absence(span, Wrong::new(what, remedy));
}
