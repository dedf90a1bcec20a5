//! The providers' profiles as they are shipped in `examples/`: each loaded whole, its addresses, paths and names put to this machine,
//! and played as the provider's guide tells a customer to try it.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use daemon_kit::config::{Auth, Config, Listener, Protocol, SendingLimits, TlsMode, VirusChecked};
use regex::Regex;
use relay_policy::{Destination, Identity, Network, Verdict, recipient};

use crate::harness::daemon::Daemon;
use crate::harness::mail::{behind_trace, samples};
use crate::harness::pop3::Pop3;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, KENJI, Site};
use crate::harness::smtp::Smtp;
use crate::harness::wire::Wire;

const PROFILES: [&str; 4] = ["asahi", "editnet", "editnet-2006", "modern"];

/// A customer's line, and one that is nobody's.
const INSIDE: Ipv4Addr = Ipv4Addr::new(127, 8, 0, 5);
const WIMAX: Ipv4Addr = Ipv4Addr::new(127, 8, 0, 200);
const AU_HIKARI: Ipv4Addr = Ipv4Addr::new(127, 9, 0, 5);
const WORLD: Ipv4Addr = Ipv4Addr::new(127, 10, 0, 5);

pub(crate) fn shipped(profile: &str) -> String {
    let path = format!("{}/../../examples/{profile}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap()
}

/// The last octet of a host's address in the file: 0 where it is "any".
fn host(name: &str) -> u8 {
    match name.split('.').next().unwrap() {
        "pop" => 10,
        "mail" => 20,
        "mails" => 30,
        "mailssl" => 40,
        _ => 0,
    }
}

/// Each address and port of the file has a loopback address of its own, and the system chooses the port.
fn place(host: u8, port: u16) -> Ipv4Addr {
    Ipv4Addr::new(127, 2, host, u8::try_from(port % 251).unwrap())
}

/// The text with nothing changed but where it is and what it is called.
fn put_here(text: &str, site: &Site) -> String {
    let here = site.path("").display().to_string();
    let here = here.trim_end_matches('/');
    let mut text = text
        .replace("/var/lib/yubin", here)
        .replace("/etc/yubin", here)
        .replace("edit.ne.jp", "example.jp")
        .replace("asahi-net.or.jp", "example.jp")
        .replace("198.51.100.", "127.8.0.")
        .replace("203.0.113.", "127.9.0.");
    text = Regex::new(r#", "\[[0-9a-f:]+\]:[0-9]+""#).unwrap().replace_all(&text, "").into_owned();
    let address = Regex::new(r#""(?:0\.0\.0|192\.0\.2)\.([0-9]+):([0-9]+)""#).unwrap();
    let here = |found: &regex::Captures<'_>| {
        format!("\"{}:0\"", place(found[1].parse().unwrap(), found[2].parse().unwrap()))
    };
    address.replace_all(&text, here).into_owned()
}

/// A provider that runs a profile.
struct Provider {
    smtpd: Daemon,
    pop3d: Daemon,
    /// What the guide calls the servers for sending and for receiving.
    names: [&'static str; 2],
    // Last, so that the daemons are gone before their files are.
    site: Site,
}

impl Provider {
    fn with(profile: &str) -> Self {
        let site = Site::with_users();
        site.configure(&put_here(&shipped(profile), &site));
        site.yubin(&["check"]);
        let [smtpd, pop3d] = [Program::Smtpd, Program::Pop3d]
            .map(|program| Daemon::start(program, &mut site.command(program), []));
        let names = match profile {
            "asahi" => ["mail.example.jp", "pop.example.jp"],
            _ => ["mx.example.jp"; 2],
        };
        Self { smtpd, pop3d, names, site }
    }

    fn wire(&self, daemon: &Daemon, source: Ipv4Addr, name: &str, port: u16) -> Wire {
        let ip = IpAddr::from(place(host(name), port));
        let address = daemon.wait_for(&format!("a listener at {ip}"), |event| {
            let address: SocketAddr = event["address"].as_str()?.parse().ok()?;
            (event["event"] == "listener_ready" && address.ip() == ip).then_some(address)
        });
        let wire = Wire::clear_from(source, address);
        if matches!(port, 465 | 995) { self.site.secure_as(wire, name) } else { wire }
    }

    /// A greeted session at the sending host, its certificate checked strictly where the port begins with TLS.
    fn smtp(&self, source: Ipv4Addr, port: u16) -> Smtp {
        Smtp::greeted(self.wire(&self.smtpd, source, self.names[0], port))
    }

    fn pop3(&self, source: Ipv4Addr, port: u16) -> Pop3 {
        Pop3::greeted(self.wire(&self.pop3d, source, self.names[1], port))
    }

    /// What RCPT says to a client without a login that writes to another domain.
    fn relays(&self, source: Ipv4Addr) -> bool {
        let mut smtp = self.smtp(source, 25);
        smtp.hello();
        smtp.ask("MAIL FROM:<friend@example.org>", "250");
        smtp.wire.line("RCPT TO:<someone@example.com>");
        let answer = smtp.reply();
        assert!(answer.is("250") || answer.is("550 5.7.1"), "{answer:?}");
        smtp.quit();
        answer.is("250")
    }

    /// What the guides tell a customer who has set everything up: send yourself a message by 465 with AUTH, read it by 995, look
    /// at `Received`, which is returned unfolded.
    fn check_oneself(&self) -> String {
        let mut smtp = self.smtp(WORLD, 465);
        assert_eq!(smtp.hello().mechanisms(), ["LOGIN", "PLAIN"]);
        smtp.authenticate(&AYUMI);
        smtp.send_mail(AYUMI.alias, &[AYUMI.alias], &samples()[0].octets);
        smtp.quit();
        let mut pop3 = self.pop3(WORLD, 995);
        pop3.login(&AYUMI);
        assert_eq!(pop3.count(), 1);
        let message = pop3.retrieve(1);
        pop3.quit();
        let delivered = behind_trace(&message);
        assert_eq!(delivered.message, samples()[0].octets);
        delivered.received
    }
}

fn assert_matches(pattern: &str, text: &str) {
    assert!(Regex::new(&format!("^{pattern}$")).unwrap().is_match(text), "{pattern}\n{text}");
}

#[test]
fn h_08_the_self_check_of_editnets_guide_with_both_of_its_profiles() {
    for profile in ["editnet", "editnet-2006"] {
        let received = Provider::with(profile).check_oneself();
        let template = concat!(
            r"from client\.example\.org \(\[127\.10\.0\.5\]\) \(authenticated bits=0\) ",
            r"by shizuka\.example\.jp \(8\.13\.6/8\.13\.6\) with ESMTP id [^ ]+ ",
            r"\(version=TLSv1\.[23] cipher=TLS_[A-Z0-9_]+ bits=(128|256) verify=NO\) ",
            r"for <ayumi@mx\.example\.jp>; ",
            r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} \+0900 \(JST\) ",
            r"\(envelope-from ayumi@mx\.example\.jp\)",
        );
        assert_matches(template, &received);
    }
}

#[test]
fn the_self_check_with_asahi_and_with_modern() {
    for (profile, node) in [("asahi", r"mail\.example\.jp"), ("modern", r"mx\.example\.jp")] {
        let received = Provider::with(profile).check_oneself();
        let template = format!(
            r"from client\.example\.org \(\[127\.10\.0\.5\]\) by {node} \(Yubin\) with ESMTPSA id .* for <ayumi@mx\.example\.jp> tls .*"
        );
        assert_matches(&template, &received);
    }
}

#[test]
fn p_01_p_02_p_06_p_09_p_10_the_ports_of_editnets_table() {
    let provider = Provider::with("editnet");
    // 25 and 587: STARTTLS, and AUTH before it and behind it.
    for port in [25, 587] {
        let mut smtp = provider.smtp(WORLD, port);
        let hello = smtp.hello();
        assert!(hello.offers("STARTTLS"), "{port}: {hello:?}");
        assert_eq!(hello.mechanisms(), ["LOGIN", "PLAIN"]);
        if port == 587 {
            smtp.ask("MAIL FROM:<friend@example.org>", "530 5.7.0");
        }
        let mut smtp = smtp.start_tls(&provider.site);
        let hello = smtp.hello();
        assert!(!hello.offers("STARTTLS"), "{port}: {hello:?}");
        smtp.authenticate(&AYUMI);
        smtp.send_mail(AYUMI.address, &[KENJI.address], &samples()[0].octets);
        smtp.quit();
    }
    // 110 in clear text from inside and from outside; 995; neither with STLS or APOP.
    for (source, port) in [(INSIDE, 110), (WORLD, 110), (WORLD, 995)] {
        let mut pop3 = provider.pop3(source, port);
        assert!(!pop3.greeting.contains('<'), "{}", pop3.greeting);
        let capabilities = pop3.list("CAPA");
        assert!(!capabilities.iter().any(|line| line == "STLS"), "{port}: {capabilities:?}");
        pop3.ask("STLS", "-ERR");
        pop3.login(&KENJI);
        assert_eq!(pop3.count(), 2);
        pop3.quit();
    }
}

#[test]
fn p_12_p_13_no_stls_and_r_02_r_03_apop_beside_user_and_pass_at_asahis_pop_host() {
    let provider = Provider::with("asahi");
    for (port, apop) in [(110, true), (995, false)] {
        let mut pop3 = provider.pop3(WORLD, port);
        assert_eq!(pop3.greeting.contains('<'), apop, "{}", pop3.greeting);
        let capabilities = pop3.list("CAPA");
        assert!(!capabilities.iter().any(|line| line == "STLS"), "{port}: {capabilities:?}");
        pop3.ask("STLS", "-ERR");
        if apop {
            let line = crate::maildrop::apop(&pop3.greeting, &KENJI);
            pop3.ask(&line, "+OK");
            pop3.quit();
            pop3 = provider.pop3(WORLD, port);
        }
        pop3.login(&KENJI);
        pop3.quit();
    }
}

/// Without a login, by port 25: from inside always; from outside by no profile, but for who has fetched mail.
#[test]
fn b_02_n_01_n_03_who_relays_by_port_25_in_each_profile() {
    for (profile, inside, after_pop) in [
        ("asahi", true, true),
        ("editnet", true, false),
        ("editnet-2006", true, true),
        ("modern", false, false),
    ] {
        let provider = Provider::with(profile);
        assert_eq!(provider.relays(INSIDE), inside, "{profile}");
        if profile.starts_with("editnet") {
            assert!(!provider.relays(WIMAX), "{profile}");
        }
        assert!(!provider.relays(WORLD), "{profile}");
        let mut pop3 = provider.pop3(WORLD, 995);
        pop3.login(&KENJI);
        pop3.quit();
        assert_eq!(provider.relays(WORLD), after_pop, "{profile}");
    }
}

#[test]
fn p_25_au_hikari_is_barred_from_port_25_of_asahi_and_sends_by_the_others() {
    let provider = Provider::with("asahi");
    for name in ["mail.example.jp", "mails.example.jp"] {
        let mut refused = provider.wire(&provider.smtpd, AU_HIKARI, name, 25);
        let line = String::from_utf8(refused.next_line().unwrap()).unwrap();
        assert!(line.starts_with("554 5.7.1 ") && line.contains("465 or 587"), "{line}");
        for port in [465, 587] {
            let mut smtp = Smtp::greeted(provider.wire(&provider.smtpd, AU_HIKARI, name, port));
            smtp.hello();
            smtp.authenticate(&AYUMI);
            smtp.quit();
        }
    }
}

/// `yubin init` needs no configuration, and writes one that is complete but for what is the operator's own.
#[test]
fn init_writes_each_profile_and_never_over_a_file() {
    let site = Site::new();
    for profile in PROFILES {
        let directory = site.path(&format!("as {profile}"));
        let run = |arguments: &[&str]| {
            let mut command = Program::Yubin.command();
            let output = command.args(arguments).arg(&directory).output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        assert_eq!(run(&["init", "--profile", profile]), (Some(0), String::new()));
        let config = directory.join("yubin.toml");
        let written = std::fs::read_to_string(&config).unwrap();
        let comments = |text: &str| text.matches('#').count();
        assert_eq!(comments(&written), comments(&shipped(profile)));
        let (code, said) = run(&["init", "--profile", "modern"]);
        assert!(code == Some(1) && said.contains("is left as it is"), "{said}");
        assert_eq!(std::fs::read_to_string(&config).unwrap(), written);

        for name in ["cert.pem", "key.pem"] {
            std::fs::copy(site.path(name), directory.join(name)).unwrap();
        }
        let mine = written.replace("/var/lib/yubin/", "").replace("sqlite:/", "sqlite:");
        let mine = mine.replace("edit.ne.jp", "example.jp").replace("asahi-net.or.jp", "example.jp");
        std::fs::write(&config, mine).unwrap();
        let mut check = Program::Yubin.command();
        let checked = check.arg("--config").arg(&config).args(["check", "--create"]).output().unwrap();
        assert!(checked.status.success(), "{profile}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn o_05_d_16_the_providers_profiles_limit_no_sending_and_send_nothing_on() {
    for profile in PROFILES {
        let site = Site::new();
        let here = site.path("").display().to_string();
        let here = here.trim_end_matches('/');
        site.configure(&shipped(profile).replace("/var/lib/yubin", here).replace("/etc/yubin", here));
        let config = Config::load(site.path("yubin.toml")).unwrap();
        assert_eq!(config.forwarding, None, "{profile}");
        assert_eq!(config.sending_limits == SendingLimits::default(), profile != "modern", "{profile}");
    }
}

#[test]
fn a_profile_is_under_60_lines() {
    for profile in PROFILES {
        let text = shipped(profile);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let count = lines.count();
        assert!(count < 60, "{profile}: {count}");
    }
}

#[test]
fn the_golden_files_show_every_row_of_each_profile() {
    for profile in PROFILES {
        let site = Site::with_users();
        // The addresses stay: the file is read, and nothing listens.
        let here = site.path("").display().to_string();
        let here = here.trim_end_matches('/');
        site.configure(&shipped(profile).replace("/var/lib/yubin", here).replace("/etc/yubin", here));
        let config = Config::load(site.path("yubin.toml")).unwrap();
        let mut shown = format!("Every listener of examples/{profile}.toml, and for whom it takes mail.\n");
        for listener in &config.listeners {
            show(&mut shown, listener);
        }
        let golden = format!("{}/../../crates/relay-policy/policy/{profile}.txt", env!("CARGO_MANIFEST_DIR"));
        let golden =
            std::fs::read_to_string(&golden).unwrap_or_else(|error| panic!("{golden}: {error}\n{shown}"));
        assert!(golden == shown, "{profile} is now:\n{shown}");
    }
}

const COLUMNS: [(&str, Destination); 6] = [
    ("mailbox", Destination::Mailbox),
    ("foreign", Destination::Foreign),
    ("unknown user", Destination::UnknownUser),
    ("disabled", Destination::Disabled),
    ("unready", Destination::Unready),
    ("barred domain", Destination::Barred),
];

fn show(shown: &mut String, listener: &Listener) {
    let sockets: Vec<_> = listener.addresses.iter().map(|address| address.socket.to_string()).collect();
    let mut rules = vec![format!("TLS {}", listener.tls)];
    if listener.protocol == Protocol::Smtp {
        let mechanisms: Vec<_> = listener.mechanisms.iter().map(ToString::to_string).collect();
        rules.push(format!("AUTH {} {}", listener.auth, mechanisms.join(" ")).trim_end().to_owned());
    }
    if listener.apop {
        rules.push("APOP".to_owned());
    }
    if listener.tls != TlsMode::Implicit && listener.auth != Auth::Off {
        let allowed = if listener.clear_text_auth { "allowed" } else { "refused" };
        rules.push(format!("passwords in clear text {allowed}"));
    }
    if !listener.barred.is_empty() {
        rules.push(format!("barred to {}", listener.barred.join(" ")));
    }
    if listener.smtp.virus_check != VirusChecked::Off {
        rules.push(format!("virus check {}", listener.smtp.virus_check));
    }
    writeln!(
        shown,
        "\n{} {} at {}\n{}",
        listener.protocol,
        listener.hostname,
        sockets.join(" "),
        rules.join(", ")
    )
    .unwrap();
    if listener.protocol == Protocol::Smtp {
        table(shown, listener);
    }
}

/// A row for each client, a column for each destination, and the rule in the cell; what is refused is in brackets.
fn table(shown: &mut String, listener: &Listener) {
    let mut line = |cells: [&str; 8]| {
        let [network, identity, cells @ ..] = cells;
        let [mailbox, foreign, rest @ ..] = cells;
        let rest = rest.map(|cell| format!("{cell:<19}")).concat();
        let line = format!("  {network:<8} {identity:<14} {mailbox:<16} {foreign:<28} {rest}");
        writeln!(shown, "{}", line.trim_end()).unwrap();
    };
    let heads = COLUMNS.map(|(head, _)| head);
    line(["network", "client", heads[0], heads[1], heads[2], heads[3], heads[4], heads[5]]);
    let policy = smtpd::policy(listener);
    for network in [Network::Inside, Network::Outside] {
        for identity in [Identity::Anonymous, Identity::Ticket, Identity::Authenticated] {
            let cells = COLUMNS.map(|(_, destination)| match identity {
                // MAIL is refused before anything is asked of the table.
                Identity::Anonymous | Identity::Ticket if listener.auth == Auth::Required => {
                    "(log in first)".to_owned()
                }
                Identity::Authenticated if listener.auth == Auth::Off => "(cannot log in)".to_owned(),
                _ => match recipient(policy, network, identity, destination) {
                    Verdict::Accept(why) => why.name().to_owned(),
                    Verdict::Refuse(why) => format!("({})", why.name()),
                },
            });
            let [network, identity] = [format!("{network:?}"), format!("{identity:?}")];
            let [a, b, c, d, e, f] = cells.each_ref().map(String::as_str);
            line([&network, &identity, a, b, c, d, e, f]);
        }
    }
}
