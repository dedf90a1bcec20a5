//! Where a client comes from: who relays without a login, and who is turned away.

use std::net::Ipv4Addr;

use crate::harness::Service;
use crate::harness::pop3::Pop3;
use crate::harness::programs::Program;
use crate::harness::site::{Door, KENJI, Site};
use crate::harness::smtp::Smtp;
use crate::harness::wire::Wire;
use crate::profiles::asahi;

/// A customer's line, the provider's own WiMAX that counts as outside, a line of au Hikari, and the rest of the world.
const CUSTOMER: Ipv4Addr = Ipv4Addr::new(127, 8, 0, 5);
const WIMAX: Ipv4Addr = Ipv4Addr::new(127, 8, 128, 5);
const AU_HIKARI: Ipv4Addr = Ipv4Addr::new(127, 9, 0, 5);
const WORLD: Ipv4Addr = Ipv4Addr::new(127, 10, 0, 5);

const CLASSES: &str = "\n[networks]\nwimax = \"127.8.128.0/17\"\ninside = [\"127.8.0.0/16\", \"!wimax\"]\n\
                       au-hikari = \"127.9.0.0/16\"\n";

/// As an access provider has it: port 25 relays from inside, and is barred to lines that have it blocked anyway.
fn configuration() -> String {
    let port_25 = "auth = \"optional\"\nclear_text_auth = true\nrelay = [\"authenticated\", \"inside\"]\nbarred = \"au-hikari\"\n";
    sending_out(&Site::configuration_with(CLASSES)).replacen(
        "auth = \"optional\"\nclear_text_auth = true\n",
        port_25,
        1,
    )
}

/// With a way out; whatever takes it waits in the queue.
fn sending_out(configuration: &str) -> String {
    configuration.replacen("enabled = false", "smarthost = \"127.0.0.1:1\"", 1)
}

fn provider() -> Service {
    let site = Site::with_users();
    site.configure(&configuration());
    Service::serve(site)
}

fn from(source: Ipv4Addr, service: &Service, door: Door) -> Wire {
    let wire = Wire::clear_from(source, service.address(door));
    if door.is_implicit_tls() { service.site.secure(wire) } else { wire }
}

/// Greeted, and with an open transaction.
fn sending(source: Ipv4Addr, service: &Service) -> Smtp {
    let mut smtp = Smtp::greeted(from(source, service, Door::Mx));
    smtp.hello();
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    smtp
}

#[test]
fn n_02_from_outside_and_from_the_networks_own_wimax_nothing_is_relayed_and_it_is_said_what_to_do() {
    let service = provider();
    for source in [WIMAX, WORLD] {
        let mut smtp = sending(source, &service);
        let refused = smtp.ask("RCPT TO:<someone@example.com>", "550 5.7.1");
        let text = refused.lines.concat();
        assert!(text.contains("SMTP AUTH") && text.contains("465") && text.contains("587"), "{text}");
        smtp.ask(&format!("RCPT TO:<{}>", KENJI.address), "250");
        smtp.quit();
    }
}

#[test]
fn p_25_a_barred_network_is_told_which_ports_are_for_it_and_these_work() {
    let service = provider();
    let mut refused = Wire::clear_from(AU_HIKARI, service.address(Door::Mx));
    let line = String::from_utf8(refused.next_line().unwrap()).unwrap();
    assert!(line.starts_with("554 5.7.1 ") && line.contains("465 or 587"), "{line}");
    assert_eq!(refused.rest(), b"");
    for door in [Door::Submission, Door::Submissions] {
        let mut smtp = Smtp::greeted(from(AU_HIKARI, &service, door));
        smtp.hello();
        smtp.authenticate(&KENJI);
        smtp.send_mail(KENJI.address, &[KENJI.address], b"Subject: from home\r\n\r\n");
        smtp.quit();
    }
    assert_eq!(service.fetch(&KENJI).len(), 2);
}

#[test]
fn n_06_networks_are_read_again_at_sighup_and_hold_from_the_next_recipient_on() {
    let service = provider();
    let mut smtp = sending(WORLD, &service);
    smtp.ask("RCPT TO:<someone@example.com>", "550 5.7.1");
    let wider = configuration().replace("\"127.8.0.0/16\"", "\"127.8.0.0/16\", \"127.10.0.0/16\"");
    service.site.configure(&wider);
    service.smtpd.hang_up();
    service.smtpd.wait_for_events("reloaded", 1);
    smtp.wire.line("RCPT TO:<someone@example.com>");
    let taken = smtp.reply();
    assert!(!taken.is("550 5.7.1"), "{taken:?}");

    // A file with faults changes nothing.
    service.site.configure(&wider.replace("!wimax", "!wimx"));
    service.smtpd.hang_up();
    service.smtpd.wait_for_events("reload_refused", 1);
    smtp.wire.line("RCPT TO:<someone.else@example.com>");
    let taken = smtp.reply();
    assert!(!taken.is("550 5.7.1"), "{taken:?}");
    smtp.quit();

    // What is not taken over is named.
    service.site.configure(&wider.replacen("hostname =", "node = \"mx1.example.jp\"\nhostname =", 1));
    service.smtpd.hang_up();
    service.smtpd.wait_for("restart_needed", |event| (event["settings"] == "node").then_some(()));
}

#[test]
fn n_06_the_operator_asks_which_class_an_address_has() {
    let site = Site::with_users();
    site.configure(&configuration());
    let test = |address: &str| -> serde_json::Value {
        serde_json::from_str(&site.yubin(&["--json", "network", "test", address])).unwrap()
    };
    let customer = test("127.8.0.5");
    assert_eq!(customer["classes"][0]["name"], "inside");
    assert_eq!(customer["inside"], true);
    assert_eq!(customer["relay_without_login"], serde_json::json!(["127.0.0.25:0"]));
    let wimax = test("127.8.128.5");
    assert_eq!((&wimax["inside"], &wimax["classes"][0]["prefix_length"]), (&false.into(), &17.into()));
    assert_eq!(test("127.9.0.1")["barred_from"], serde_json::json!(["127.0.0.25:0"]));
    assert_eq!(test("2001:db8::1")["classes"], serde_json::json!([]));
    let text = site.yubin(&["network", "test", "::ffff:127.8.0.5"]);
    assert!(text.contains("inside (by a /16)"), "{text}");
    let output = site.run(Program::Yubin, &["network", "test", "example.jp"], "");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn n_01_a_line_of_the_provider_needs_no_login_on_port_25_and_its_wimax_does() {
    let service = provider();
    for (source, relays) in [(CUSTOMER, true), (WIMAX, false)] {
        let mut smtp = sending(source, &service);
        smtp.wire.line("RCPT TO:<someone@example.com>");
        let answer = smtp.reply();
        assert_eq!(!answer.is("550 5.7.1"), relays, "{source}: {answer:?}");
        smtp.quit();
    }
}

/// A balancer stands inside; whoever it names does not for that, and whoever it does not name does not either.
#[test]
fn n_10_a_client_that_the_balancer_does_not_name_is_not_inside_with_it() {
    let site = Site::with_users();
    let port_25 =
        "relay = [\"authenticated\", \"inside\", \"pop-before-smtp\"]\nproxy_protocol = \"127.8.0.0/16\"\n";
    let with_tickets = configuration().replacen("\n[networks]", "\n[pop_before_smtp]\n\n[networks]", 1);
    let relay = "relay = [\"authenticated\", \"inside\"]\n";
    let pop3 = "apop = true\n";
    let behind = with_tickets.replacen(relay, port_25, 1).replacen(
        pop3,
        &format!("{pop3}proxy_protocol = \"127.8.0.0/16\"\n"),
        1,
    );
    site.configure(&behind);
    let service = Service::serve(site);
    let through = |door: Door, header: &str| {
        let mut wire = Wire::clear_from(CUSTOMER, service.address(door));
        wire.bytes(header.as_bytes());
        wire
    };
    let relays = |header: &str| {
        let mut smtp = Smtp::greeted(through(Door::Mx, header));
        smtp.hello();
        smtp.ask("MAIL FROM:<friend@example.org>", "250");
        smtp.wire.line("RCPT TO:<someone@example.com>");
        smtp.reply().is("250")
    };
    const NOBODY: &str = "PROXY UNKNOWN\r\n";
    assert!(relays("PROXY TCP4 127.8.0.9 127.0.0.25 5 25\r\n"));
    assert!(!relays("PROXY TCP4 192.0.2.9 127.0.0.25 5 25\r\n"));
    assert!(!relays(NOBODY));
    // Nor does a login through it open the door for all behind it.
    let mut pop3 = Pop3::greeted(through(Door::Pop3, NOBODY));
    pop3.login(&KENJI);
    pop3.quit();
    assert!(!relays(NOBODY));
    let mut pop3 = Pop3::greeted(through(Door::Pop3, "PROXY TCP4 192.0.2.7 127.0.0.110 5 110\r\n"));
    pop3.login(&KENJI);
    pop3.quit();
    assert!(relays("PROXY TCP4 192.0.2.7 127.0.0.25 5 25\r\n"));
    assert!(!relays("PROXY TCP4 192.0.2.8 127.0.0.25 5 25\r\n"));
}

/// What a cell of the guide's table comes to: the whole connection, MAIL, or RCPT is refused with this, or the recipient is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    NoGreeting,
    Mail(&'static str),
    Rcpt(&'static str),
}

const OK: Outcome = Outcome::Rcpt("250");
const RELAY: Outcome = Outcome::Rcpt("550 5.7.1");
const AUTH: Outcome = Outcome::Mail("530 5.7.0");
const CLOSED: Outcome = Outcome::NoGreeting;

/// EditNet's ports: port, from inside, with AUTH, with TLS → to ourselves, to others.
#[rustfmt::skip]
const EDITNET: [(Door, bool, bool, bool, Outcome, Outcome); 24] = [
    // 25: everything from inside; from outside to others with AUTH only
    (Door::Mx,          true,  false, false, OK,     OK),
    (Door::Mx,          true,  false, true,  OK,     OK),
    (Door::Mx,          true,  true,  false, OK,     OK),
    (Door::Mx,          true,  true,  true,  OK,     OK),
    (Door::Mx,          false, false, false, OK,     RELAY),
    (Door::Mx,          false, false, true,  OK,     RELAY),
    (Door::Mx,          false, true,  false, OK,     OK),
    (Door::Mx,          false, true,  true,  OK,     OK),
    // 465: TLS from the first octet, and AUTH wherever one comes from
    (Door::Submissions, true,  false, false, CLOSED, CLOSED),
    (Door::Submissions, true,  false, true,  AUTH,   AUTH),
    (Door::Submissions, true,  true,  false, CLOSED, CLOSED),
    (Door::Submissions, true,  true,  true,  OK,     OK),
    (Door::Submissions, false, false, false, CLOSED, CLOSED),
    (Door::Submissions, false, false, true,  AUTH,   AUTH),
    (Door::Submissions, false, true,  false, CLOSED, CLOSED),
    (Door::Submissions, false, true,  true,  OK,     OK),
    // 587: AUTH wherever one comes from, with STARTTLS or without
    (Door::Submission,  true,  false, false, AUTH,   AUTH),
    (Door::Submission,  true,  false, true,  AUTH,   AUTH),
    (Door::Submission,  true,  true,  false, OK,     OK),
    (Door::Submission,  true,  true,  true,  OK,     OK),
    (Door::Submission,  false, false, false, AUTH,   AUTH),
    (Door::Submission,  false, false, true,  AUTH,   AUTH),
    (Door::Submission,  false, true,  false, OK,     OK),
    (Door::Submission,  false, true,  true,  OK,     OK),
];

/// Goes as far as one gets.
fn outcome(service: &Service, door: Door, inside: bool, auth: bool, tls: bool, recipient: &str) -> Outcome {
    let wire = Wire::clear_from(if inside { CUSTOMER } else { WORLD }, service.address(door));
    let wire = match (door, tls) {
        (Door::Submissions, true) => service.site.secure(wire),
        (Door::Submissions, false) => {
            let mut wire = wire;
            wire.bytes(b"EHLO client.example.org\r\n");
            assert!(!String::from_utf8_lossy(&wire.rest()).contains("220"));
            return Outcome::NoGreeting;
        }
        _ => wire,
    };
    let mut smtp = Smtp::greeted(wire);
    smtp.hello();
    if tls && door != Door::Submissions {
        smtp = smtp.start_tls(&service.site);
        smtp.hello();
    }
    if auth {
        smtp.authenticate(&KENJI);
    }
    let mut ask = |line: String, known: [&'static str; 2]| {
        smtp.wire.line(&line);
        let reply = smtp.reply();
        known.into_iter().find(|known| reply.is(known)).unwrap_or_else(|| panic!("{line}: {reply:?}"))
    };
    let sender = if auth { KENJI.address } else { "friend@example.org" };
    match ask(format!("MAIL FROM:<{sender}>"), ["250", "530 5.7.0"]) {
        "250" => Outcome::Rcpt(ask(format!("RCPT TO:<{recipient}>"), ["250", "550 5.7.1"])),
        refused => Outcome::Mail(refused),
    }
}

#[test]
fn p_03_p_04_p_07_each_port_of_editnet_from_inside_and_outside_with_and_without_auth_and_tls() {
    let service = provider();
    for (door, inside, auth, tls, to_us, to_others) in EDITNET {
        for (recipient, wanted) in [(KENJI.alias, to_us), ("someone@example.com", to_others)] {
            let got = outcome(&service, door, inside, auth, tls, recipient);
            assert_eq!(got, wanted, "{door:?} inside {inside} AUTH {auth} TLS {tls} to {recipient}");
        }
    }
}

#[test]
fn n_03_n_04_s_14_as_before_from_inside_and_with_a_login_from_anywhere() {
    let site = Site::with_users();
    let asahi = sending_out(&Site::configuration_of(asahi));
    let asahi = asahi.replacen("\n[store]", &format!("{CLASSES}\n[store]"), 1);
    let port_25 = "auth = \"optional\"\nclear_text_auth = true\n";
    site.configure(&asahi.replacen(
        port_25,
        &format!("{port_25}relay = [\"authenticated\", \"inside\"]\n"),
        1,
    ));
    let service = Service::serve(site);

    // From inside with the settings of old: port 25 without AUTH, port 110 without APOP and TLS.
    assert_eq!(outcome(&service, Door::Mx, true, false, false, "someone@example.com"), OK);
    let mut pop3 = Pop3::greeted(Wire::clear_from(CUSTOMER, service.address(Door::Pop3)));
    pop3.login(&KENJI);
    pop3.quit();

    // From anywhere with a login, by each port, and read by both.
    for (door, tls) in [(Door::Mx, false), (Door::Submission, false), (Door::Submissions, true)] {
        assert_eq!(outcome(&service, door, false, true, tls, "someone@example.com"), OK, "{door:?}");
    }
    for door in [Door::Pop3, Door::Pop3s] {
        let mut pop3 = Pop3::greeted(from(WORLD, &service, door));
        pop3.login(&KENJI);
        pop3.quit();
    }
}
