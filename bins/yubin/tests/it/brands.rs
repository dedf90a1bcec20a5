//! Two providers in one installation: the address that a client connects to tells which of them it is a customer of.

use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use xtask::postgres::Postgres;

use crate::harness::daemon::Daemon;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, HOST, Site, User};
use crate::harness::wire::Wire;
use crate::postgres::{database, left_out};

const EDITNET: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 1);
const ASAHI: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 2);

/// Another customer than [`AYUMI`], of the other provider, with the same login.
const HARUKA: User = User {
    login: "asahi:ab4t-ash",
    password: "fuyu no hoshi 5",
    address: "ab4t-ash@asahi-net.example",
    alias: "haruka@asahi-net.example",
};

fn listeners() -> String {
    let listener = |(address, brand): (Ipv4Addr, &str)| {
        format!(
            "\n[[listener]]\nprotocol = \"smtp\"\naddress = \"{address}:0\"\nauth = \"optional\"\nclear_text_auth = true\n{brand}\
             \n[[listener]]\nprotocol = \"pop3\"\naddress = \"{address}:0\"\nclear_text_auth = true\n{brand}"
        )
    };
    [(EDITNET, ""), (ASAHI, "brand = \"asahi\"\n")].map(listener).concat()
}

/// Where a daemon listens at this address.
fn address(daemon: &Daemon, at: Ipv4Addr) -> SocketAddr {
    daemon.wait_for(&format!("a listener at {at}"), |event| {
        let address: SocketAddr = event["address"].as_str()?.parse().ok()?;
        (event["event"] == "listener_ready" && address.ip() == at).then_some(address)
    })
}

fn says(wire: &mut Wire, line: &str, reply: &str) {
    if !line.is_empty() {
        wire.bytes(format!("{line}\r\n").as_bytes());
    }
    loop {
        let said = String::from_utf8(wire.next_line().unwrap()).unwrap();
        if said.as_bytes().get(3) != Some(&b'-') || said.starts_with("-ERR") {
            assert!(said.starts_with(reply), "{line}: {said}");
            return;
        }
    }
}

fn two_brands(site: &Site) {
    let general = std::fs::read_to_string(site.path("yubin.toml")).unwrap();
    let general = general.split("\n[[listener]]").next().unwrap().to_owned();
    site.configure(&(general + &listeners()));
    // Nobody could log in there.
    let refused = site.run(Program::Pop3d, &["--check"], "");
    assert!(String::from_utf8_lossy(&refused.stderr).contains(" brand add asahi"), "{refused:?}");
    site.yubin(&["brand", "add", "asahi"]);
    site.yubin(&["domain", "add", "asahi-net.example", "--brand", "asahi"]);
    site.add_account(&HARUKA);
    site.yubin(&["address", "add", HARUKA.alias, "ab4t-ash", "--brand", "asahi"]);
    let listed = site.yubin(&["--json", "account", "list", "--brand", "asahi"]);
    assert!(listed.contains("asahi:ab4t-ash") && !listed.contains("m1234ab567c"), "{listed}");

    let (smtpd, pop3d) = (site_start(site, Program::Smtpd), site_start(site, Program::Pop3d));
    for (at, own, other) in [(EDITNET, &AYUMI, &HARUKA), (ASAHI, &HARUKA, &AYUMI)] {
        let plain = |user: &str, password: &str| STANDARD.encode(format!("\0{user}\0{password}"));
        let mut smtp = Wire::clear(address(&smtpd, at));
        says(&mut smtp, "", "220");
        says(&mut smtp, "EHLO client.example.org", "250");
        for (user, password) in [("ab4t-ash", other.password), ("asahi:ab4t-ash", HARUKA.password)] {
            says(&mut smtp, &format!("AUTH PLAIN {}", plain(user, password)), "535 5.7.8");
        }
        says(&mut smtp, &format!("AUTH PLAIN {}", plain("AB4T-ash", own.password)), "235");
        says(&mut smtp, &format!("MAIL FROM:<{}>", own.address), "250");
        // Mail between the two is mail as any other.
        for to in [own.alias, other.alias] {
            says(&mut smtp, &format!("RCPT TO:<{to}>"), "250");
        }
        says(&mut smtp, "DATA", "354");
        says(&mut smtp, "Subject: to both\r\n\r\nHello\r\n.", "250");
        says(&mut smtp, "QUIT", "221");
    }
    for (at, own, other) in [(EDITNET, &AYUMI, &HARUKA), (ASAHI, &HARUKA, &AYUMI)] {
        let mut pop3 = Wire::clear(address(&pop3d, at));
        says(&mut pop3, "", "+OK");
        for (user, password) in [("ab4t-ash", other.password), ("asahi:ab4t-ash", HARUKA.password)] {
            says(&mut pop3, &format!("USER {user}"), "+OK");
            says(&mut pop3, &format!("PASS {password}"), "-ERR [AUTH]");
        }
        says(&mut pop3, "USER ab4t-ash", "+OK");
        says(&mut pop3, &format!("PASS {}", own.password), "+OK");
        // Its own two, in a Maildir of its own.
        says(&mut pop3, "STAT", "+OK 2 ");
        says(&mut pop3, "QUIT", "+OK");
    }
    // One of the two is suspended, and the other is not.
    site.yubin(&["account", "suspend", "ab4t-ash", "--all", "--brand", "asahi"]);
    for (at, own, reply) in [(EDITNET, &AYUMI, "+OK"), (ASAHI, &HARUKA, "-ERR [SYS/PERM]")] {
        let mut pop3 = Wire::clear(address(&pop3d, at));
        says(&mut pop3, "", "+OK");
        says(&mut pop3, "USER ab4t-ash", "+OK");
        says(&mut pop3, &format!("PASS {}", own.password), reply);
    }
    let explained = site.yubin(&[
        "explain",
        "--from",
        "192.0.2.1",
        "--port",
        "0",
        "--account",
        "asahi:ab4t-ash",
        "--to",
        &format!("nobody@{HOST}"),
    ]);
    assert!(explained.contains("another brand"), "{explained}");
}

fn site_start(site: &Site, program: Program) -> Daemon {
    let daemon = Daemon::start(program, &mut site.command(program), []);
    daemon.wait_for_events("listener_ready", 2);
    daemon
}

#[test]
fn k_09_a_login_of_one_brand_does_not_log_in_at_the_others_address() {
    two_brands(&Site::with_users());
}

#[test]
fn k_09_a_login_of_one_brand_does_not_log_in_at_the_others_address_on_postgresql() {
    if left_out() {
        return;
    }
    let server = Postgres::start().unwrap();
    two_brands(&Site::with_users_at(&database(&server)));
}
