//! Service names: which ports each has, under which certificate, and what a customer may do at each.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use crate::harness::Service;
use crate::harness::daemon::Daemon;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, Door, KENJI, Site};
use crate::harness::smtp::Smtp;
use crate::harness::wire::Wire;

/// The hosts of a provider that has several, each at an address of its own.
const POP: (&str, Ipv4Addr) = ("pop.example.jp", Ipv4Addr::new(127, 0, 1, 1));
const MAIL: (&str, Ipv4Addr) = ("mail.example.jp", Ipv4Addr::new(127, 0, 1, 2));
const MAILS: (&str, Ipv4Addr) = ("mails.example.jp", Ipv4Addr::new(127, 0, 1, 3));
const MAILSSL: (&str, Ipv4Addr) = ("mailssl.example.jp", Ipv4Addr::new(127, 0, 1, 4));

/// Which ports answer at which host.
const PORTS: [((&str, Ipv4Addr), &[u16]); 4] =
    [(POP, &[110, 995]), (MAIL, &[25, 465, 587]), (MAILS, &[25, 465, 587]), (MAILSSL, &[465])];

/// A provider with these hosts; the ports are the standard ones and an offset, the same at each host.
struct Provider {
    offset: u16,
    _smtpd: Daemon,
    _pop3d: Daemon,
    site: Site,
}

impl Provider {
    fn start() -> Self {
        let offset = free_offset();
        let site = Site::with_users();
        let general = Site::configuration();
        let general = general.split("\n[[listener]]").next().unwrap();
        site.configure(&(general.to_owned() + &PORTS.map(|host| listeners(host, offset)).concat()));
        let start = |program, count| {
            let daemon = Daemon::start(program, &mut site.command(program), []);
            daemon.wait_for_events("listener_ready", count);
            daemon
        };
        let (smtpd, pop3d) = (start(Program::Smtpd, 7), start(Program::Pop3d, 2));
        Self { offset, _smtpd: smtpd, _pop3d: pop3d, site }
    }

    fn address(&self, (_, ip): (&str, Ipv4Addr), port: u16) -> SocketAddr {
        (ip, port + self.offset).into()
    }

    /// A greeted session, its certificate checked against the host's own name where the port begins with TLS.
    fn smtp(&self, host: (&str, Ipv4Addr), port: u16) -> (Smtp, String) {
        let wire = Wire::clear(self.address(host, port));
        let mut wire = if port == 465 { self.site.secure_as(wire, host.0) } else { wire };
        let greeting = String::from_utf8(wire.next_line().unwrap()).unwrap();
        (Smtp { wire }, greeting)
    }
}

fn listeners(((name, ip), ports): ((&str, Ipv4Addr), &[u16]), offset: u16) -> String {
    let listener = |port: &u16| {
        let settings = match port {
            25 => "protocol = \"smtp\"\nauth = \"optional\"\nclear_text_auth = true",
            465 => "protocol = \"smtp\"\ntls = \"implicit\"\nauth = \"required\"",
            587 => "protocol = \"smtp\"\nauth = \"required\"\nclear_text_auth = true",
            995 => "protocol = \"pop3\"\ntls = \"implicit\"",
            _ => "protocol = \"pop3\"\nclear_text_auth = true",
        };
        format!("\n[[listener]]\naddress = \"{ip}:{}\"\nhostname = \"{name}\"\n{settings}\n", port + offset)
    };
    ports.iter().map(listener).collect()
}

/// One at which every port is free at every host.
fn free_offset() -> u16 {
    let start = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let free = |offset: &u16| {
        PORTS.iter().all(|((_, ip), _)| {
            [25, 110, 465, 587, 995].iter().all(|port| TcpListener::bind((*ip, port + offset)).is_ok())
        })
    };
    (start..start + 1_000).find(free).expect("no free ports")
}

#[test]
fn p_17_a_host_answers_at_its_ports_and_at_no_other() {
    let provider = Provider::start();
    for (host, ports) in PORTS {
        for port in [25, 110, 465, 587, 995] {
            let answers = TcpStream::connect(provider.address(host, port)).is_ok();
            assert_eq!(answers, ports.contains(&port), "{} {port}", host.0);
        }
    }
    let (mut smtp, _) = provider.smtp(MAILSSL, 465);
    smtp.hello();
    smtp.authenticate(&AYUMI);
    smtp.send_mail(AYUMI.address, &[KENJI.address], b"Subject: over TLS\r\n\r\n");
    smtp.quit();
}

#[test]
fn p_18_p_20_mail_and_mails_have_the_same_ports_with_the_same_rules_and_each_its_name() {
    let provider = Provider::start();
    for host in [MAIL, MAILS] {
        for port in [25, 465, 587] {
            let (mut smtp, greeting) = provider.smtp(host, port);
            assert!(greeting.starts_with(&format!("220 {} ", host.0)), "{greeting}");
            let hello = smtp.hello();
            assert_eq!(hello.lines[0].split(' ').next(), Some(host.0));
            assert!(!hello.offers("STARTTLS"), "{port}: {hello:?}");
            assert_eq!(hello.mechanisms(), ["LOGIN", "PLAIN"]);
            if port != 25 {
                smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "530 5.7.0");
            }
            smtp.authenticate(&AYUMI);
            smtp.send_mail(AYUMI.address, &[KENJI.address], b"Subject: by each port\r\n\r\n");
            smtp.quit();
        }
    }
}

#[test]
fn p_19_one_name_and_one_certificate_for_both_daemons_and_both_take_the_next() {
    let mut service = Service::start();
    for door in [Door::Submissions, Door::Pop3s] {
        drop(service.site.secure(Wire::clear(service.address(door))));
    }
    service.site.renew_certificate();
    for daemon in [&service.smtpd, &service.pop3d] {
        daemon.hang_up();
        daemon.wait_for_events("reloaded", 1);
    }
    // The client knows the new authority and no other.
    service.smtp(Door::Submissions).quit();
    service.mailbox(&KENJI).quit();
}

#[test]
fn p_24_behind_a_network_that_blocks_port_25_the_other_ports_give_the_same() {
    let service = Service::start();
    let mut offered = Vec::new();
    for door in Door::SMTP {
        let mut smtp = service.smtp(door);
        let hello = smtp.hello();
        let mut lines: Vec<String> = hello.lines[1..].to_vec();
        lines.retain(|line| line != "STARTTLS");
        lines.sort();
        offered.push(lines);
        smtp.authenticate(&AYUMI);
        for from in [AYUMI.address, AYUMI.alias] {
            smtp.send_mail(from, &[KENJI.address, AYUMI.alias], b"Subject: the same\r\n\r\n");
        }
        smtp.quit();
    }
    assert!(offered.windows(2).all(|pair| pair[0] == pair[1]), "{offered:#?}");
    assert_eq!(service.fetch(&KENJI).len(), 6);
    assert_eq!(service.fetch(&AYUMI).len(), 6);
}
