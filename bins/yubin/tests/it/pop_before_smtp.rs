//! POP before SMTP, as it was before SMTP AUTH: who has fetched mail may send from the same address for a while.

use std::net::Ipv4Addr;

use crate::harness::Service;
use crate::harness::pop3::Pop3;
use crate::harness::site::{AYUMI, Door, KENJI, Site};
use crate::harness::smtp::Smtp;
use crate::harness::wire::Wire;
use crate::maildrop::apop;
use crate::profiles::asahi;

const HOME: Ipv4Addr = Ipv4Addr::new(127, 8, 0, 5);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 8, 0, 6);

/// Port 25 with it, and what the section says; nothing is the section left out.
fn service(section: &str, relay: &str) -> Service {
    let site = Site::with_users();
    let port_25 = "auth = \"optional\"\nclear_text_auth = true\n";
    let configuration = Site::configuration_with(section);
    site.configure(&configuration.replacen(port_25, &format!("{port_25}relay = {relay}\n"), 1));
    Service::serve(site)
}

fn on(rest: &str) -> Service {
    service(&format!("\n[pop_before_smtp]\n{rest}\n"), "[\"authenticated\", \"pop-before-smtp\"]")
}

/// A POP3 session from an address.
fn pop3(source: Ipv4Addr, service: &Service, door: Door) -> Pop3 {
    let wire = Wire::clear_from(source, service.address(door));
    Pop3::greeted(if door.is_implicit_tls() { service.site.secure(wire) } else { wire })
}

/// Whether a recipient elsewhere is refused because there is no login.
fn needs_login(source: Ipv4Addr, service: &Service) -> bool {
    let mut smtp = Smtp::greeted(Wire::clear_from(source, service.address(Door::Mx)));
    smtp.hello();
    smtp.ask(&format!("MAIL FROM:<{}>", KENJI.address), "250");
    smtp.wire.line("RCPT TO:<someone@example.com>");
    let answer = smtp.reply();
    let refused = answer.is("550 5.7.1");
    assert!(!refused || answer.lines.concat().contains("SMTP AUTH"), "{answer:?}");
    smtp.quit();
    refused
}

#[test]
fn b_01_after_any_login_by_pop3_port_25_relays_from_the_same_address() {
    type Login = fn(&mut Pop3);
    let logins: [(Door, Login); 3] = [
        (Door::Pop3, |pop3| pop3.login(&KENJI)),
        (Door::Pop3, |pop3| {
            let line = apop(&pop3.greeting, &KENJI);
            pop3.ask(&line, "+OK");
        }),
        (Door::Pop3s, |pop3| pop3.login(&KENJI)),
    ];
    for (door, login) in logins {
        let service = on("");
        assert!(needs_login(HOME, &service));
        let mut session = pop3(HOME, &service, door);
        login(&mut session);
        session.quit();
        assert!(!needs_login(HOME, &service));
        assert!(needs_login(ELSEWHERE, &service));
    }
}

#[test]
fn b_02_without_the_section_nobody_relays_by_it() {
    let service = service("", "[\"authenticated\"]");
    let mut session = pop3(HOME, &service, Door::Pop3);
    session.login(&KENJI);
    session.quit();
    assert!(needs_login(HOME, &service));
}

#[test]
fn b_03_after_its_last_day_smtp_auth_is_named_instead() {
    for (until, still) in [("2013-12-31", false), ("2999-12-31", true)] {
        let service = on(&format!("until = {until}"));
        let mut session = pop3(HOME, &service, Door::Pop3);
        session.login(&KENJI);
        session.quit();
        assert_eq!(needs_login(HOME, &service), !still, "{until}");
        if still {
            let holder = |event: &serde_json::Value| {
                (event["event"] == "ticket_used").then(|| event["holders"].clone())
            };
            assert_eq!(service.smtpd.wait_for("who still uses it", holder), KENJI.login);
            let log = service.site.write("smtpd.log", service.smtpd.log());
            let listed = service.site.yubin(&["report", "pbs", log.to_str().unwrap()]);
            assert!(listed.contains(KENJI.login), "{listed}");
        }
    }
}

#[test]
fn b_03_mail_that_needs_no_ticket_uses_none() {
    let sections = "\n[pop_before_smtp]\n\n[forwarding]\nsrs_key = \"srs.key\"\n";
    let site = Site::with_users();
    let port_25 = "auth = \"optional\"\nclear_text_auth = true\n";
    let relay = "relay = [\"authenticated\", \"pop-before-smtp\"]\n";
    let configuration = Site::configuration_with(sections)
        .replacen("enabled = false", "smarthost = \"127.0.0.1:1\"", 1)
        .replacen(port_25, &format!("{port_25}{relay}"), 1);
    site.configure(&configuration);
    site.yubin(&["check", "--create"]);
    site.yubin(&["account", "set", AYUMI.login, "forward=on"]);
    site.yubin(&["account", "forward", "add", AYUMI.login, "hanako@example.com"]);
    let service = Service::serve(site);
    let mut session = pop3(HOME, &service, Door::Pop3);
    session.login(&KENJI);
    session.quit();

    let mut smtp = Smtp::greeted(Wire::clear_from(HOME, service.address(Door::Mx)));
    smtp.hello();
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    for here in [AYUMI.alias, KENJI.address] {
        smtp.ask(&format!("RCPT TO:<{here}>"), "250");
    }
    smtp.ask("RCPT TO:<someone@example.com>", "250");
    smtp.quit();
    let used = |event: &serde_json::Value| (event["event"] == "ticket_used").then_some(());
    service.smtpd.wait_for("that somebody relays by it", used);
    assert_eq!(service.smtpd.log().matches("\"ticket_used\"").count(), 1, "{}", service.smtpd.log());
}

#[test]
fn b_04_the_other_ports_need_a_login_as_ever() {
    let service = on("");
    let mut session = pop3(HOME, &service, Door::Pop3s);
    session.login(&KENJI);
    session.quit();
    for door in [Door::Submission, Door::Submissions] {
        let wire = Wire::clear_from(HOME, service.address(door));
        let mut smtp = Smtp::greeted(if door.is_implicit_tls() { service.site.secure(wire) } else { wire });
        smtp.hello();
        smtp.ask(&format!("MAIL FROM:<{}>", KENJI.address), "530 5.7.0");
        smtp.quit();
    }
}

#[test]
fn b_05_a_ticket_survives_both_daemons_and_ends_with_its_time() {
    let service = on("lifetime = \"1h\"");
    let mut session = pop3(HOME, &service, Door::Pop3);
    session.login(&KENJI);
    session.quit();
    let service = service.crash_smtpd().crash_pop3d();
    assert!(!needs_login(HOME, &service));

    // Seconds are counted whole: one of less is over at once.
    let service = on("lifetime = \"10ms\"");
    let mut session = pop3(HOME, &service, Door::Pop3);
    session.login(&KENJI);
    session.quit();
    assert!(needs_login(HOME, &service));
}

#[test]
fn b_06_a_failed_login_opens_no_ticket() {
    let service = on("");
    let mut session = pop3(HOME, &service, Door::Pop3);
    session.ask(&format!("USER {}", KENJI.login), "+OK");
    session.ask("PASS wrong", "-ERR");
    session.quit();
    assert!(needs_login(HOME, &service));
}

/// How one may send with ASAHI Net's settings: by AUTH, after POP, or from inside; and whether port 25 and port 465 let it.
const WAYS: [(&str, bool, bool); 3] = [("AUTH", true, true), ("POP", true, false), ("inside", true, false)];

#[test]
fn k_08_every_way_to_send_beside_every_way_to_read() {
    let inside = Ipv4Addr::new(127, 9, 0, 5);
    let section = "\n[networks]\ninside = \"127.9.0.0/16\"\n\n[pop_before_smtp]\n\n[store]";
    let relay = "relay = [\"authenticated\", \"pop-before-smtp\", \"inside\"]\n";
    let port_25 = "auth = \"optional\"\nclear_text_auth = true\n";
    let configuration = Site::configuration_of(asahi)
        .replacen("enabled = false", "smarthost = \"127.0.0.1:1\"", 1)
        .replacen("\n[store]", section, 1)
        .replacen(port_25, &format!("{port_25}{relay}"), 1);
    for (number, read) in ["POP3S", "APOP", "POP"].into_iter().enumerate() {
        let site = Site::with_users();
        site.configure(&configuration);
        let service = Service::serve(site);
        for (way, by_25, by_465) in WAYS {
            // Each reads where it sends; only who sends "after POP" lets the ticket do it.
            let home = if way == "inside" {
                inside
            } else {
                Ipv4Addr::new(127, 8, u8::try_from(number).unwrap(), 5)
            };
            for (door, works) in [(Door::Mx, by_25), (Door::Submissions, by_465)] {
                if way == "POP" {
                    read_by(read, home, &service);
                }
                assert_eq!(sends(way, home, &service, door), works, "{way} {door:?}, read by {read}");
                read_by(read, home, &service);
            }
        }
    }
}

fn read_by(way: &str, home: Ipv4Addr, service: &Service) {
    let mut session = pop3(home, service, if way == "POP3S" { Door::Pop3s } else { Door::Pop3 });
    match way {
        "APOP" => drop(session.ask(&apop(&session.greeting.clone(), &KENJI), "+OK")),
        _ => session.login(&KENJI),
    }
    session.quit();
}

/// Whether a recipient elsewhere is taken; if not, for want of a login.
fn sends(way: &str, home: Ipv4Addr, service: &Service, door: Door) -> bool {
    let wire = Wire::clear_from(home, service.address(door));
    let mut smtp = Smtp::greeted(if door.is_implicit_tls() { service.site.secure(wire) } else { wire });
    smtp.hello();
    if way == "AUTH" {
        smtp.authenticate(&KENJI);
    }
    smtp.wire.line(&format!("MAIL FROM:<{}>", KENJI.address));
    let mut answer = smtp.reply();
    if answer.is("250") {
        smtp.wire.line("RCPT TO:<someone@example.com>");
        answer = smtp.reply();
    }
    assert!(answer.is("250") || answer.is("530 5.7.0") || answer.is("550 5.7.1"), "{answer:?}");
    smtp.quit();
    answer.is("250")
}
