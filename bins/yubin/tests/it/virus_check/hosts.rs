//! The host decides: ASAHI Net's profile as it is shipped, with its own addresses and ports in a network namespace of the test's own.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use super::clamd::{CLEAN, Clamd, infected};
use super::{send, with_contract};
use crate::clients::left_out;
use crate::harness::daemon::Daemon;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, KENJI, Site, User};
use crate::harness::smtp::Smtp;
use crate::harness::wire::Wire;

/// Set where this test's own process runs in its namespace.
const INSIDE: &str = "YUBIN_TEST_NAMESPACE";

/// The hosts' addresses end as in the file.
const POP: u8 = 10;
const MAIL: u8 = 20;
const MAILS: u8 = 30;
const MAILSSL: u8 = 40;

/// Where a host is: in a namespace of its own where the file says, else beside it on the loopback.
fn address(host: u8) -> Ipv4Addr {
    if std::env::var_os(INSIDE).is_some() {
        Ipv4Addr::new(192, 0, 2, host)
    } else {
        Ipv4Addr::new(127, 7, 2, host)
    }
}

/// Who may not make a namespace as who it is may as the root of another.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.arg("--net");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a test of this file again, in a network that has these addresses and nothing else. False where there are no namespaces.
fn in_a_namespace(test: &str) -> bool {
    let may = unshare().args(["ip", "link", "set", "lo", "up"]).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("no network namespace can be made here; the test uses 127.7.2.0/24 instead");
        return false;
    }
    let add = |host: u8| format!("ip address add 192.0.2.{host}/32 dev lo && ");
    let addresses = [POP, MAIL, MAILS, MAILSSL].map(add).concat();
    let script = format!("ip link set lo up && {addresses}exec \"$0\" \"$@\"");
    let mut command = unshare();
    command.args(["sh", "-c", &script]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    assert!(command.status().unwrap().success(), "{test} in a network namespace");
    true
}

/// The shipped file with nothing changed but where its files are, where there is no namespace its addresses, the names to which the certificate belongs, and the clamd.
fn configure(site: &Site, clamd: &Clamd) {
    let path = format!("{}/../../examples/asahi.toml", env!("CARGO_MANIFEST_DIR"));
    let here = site.path("").display().to_string();
    let here = here.trim_end_matches('/');
    let text = std::fs::read_to_string(path).unwrap();
    let text = text
        .replace("/var/lib/yubin", here)
        .replace("/etc/yubin", here)
        .replace("asahi-net.or.jp", "example.jp")
        .replace("192.0.2.10:", &format!("{}:", address(POP)))
        .replace("192.0.2.20:", &format!("{}:", address(MAIL)))
        .replace("192.0.2.30:", &format!("{}:", address(MAILS)))
        .replace("192.0.2.40:", &format!("{}:", address(MAILSSL)))
        .replace("unix:/run/clamav/clamd.ctl", &clamd.unix());
    site.configure(&text);
}

/// A session at a host, by a port, which is told this name in SNI and has logged in as a user.
fn session(site: &Site, host: u8, port: u16, name: &str, user: Option<&User>) -> Smtp {
    let wire = Wire::clear(SocketAddr::from((address(host), port)));
    let mut smtp = Smtp::greeted(if port == 465 { site.secure_as(wire, name) } else { wire });
    // Whichever name a client says, it is not the host's business.
    smtp.ask(&format!("EHLO {name}"), "250");
    if let Some(user) = user {
        smtp.authenticate(user);
    }
    smtp
}

#[test]
fn v_05_v_01_p_20_the_address_decides_who_looks_mail_through_and_no_name_does() {
    if left_out() {
        return;
    }
    let name =
        "virus_check::hosts::v_05_v_01_p_20_the_address_decides_who_looks_mail_through_and_no_name_does";
    if std::env::var_os(INSIDE).is_none() && in_a_namespace(name) {
        return;
    }
    let clamd = Clamd::start("");
    let site = with_contract();
    configure(&site, &clamd);
    let smtpd = Daemon::start(Program::Smtpd, &mut site.command(Program::Smtpd), []);
    smtpd.wait_for_events("listener_ready", 7);

    // Each port of each host greets with the host's own name.
    for (host, name, ports) in [
        (MAIL, "mail.example.jp", &[25, 465, 587][..]),
        (MAILS, "mails.example.jp", &[25, 465, 587]),
        (MAILSSL, "mailssl.example.jp", &[465]),
    ] {
        for port in [25, 110, 465, 587, 995] {
            assert_eq!(
                TcpStream::connect((address(host), port)).is_ok(),
                ports.contains(&port),
                "{name} {port}"
            );
        }
    }
    let virus = infected();
    for port in [25, 465, 587] {
        // Both hosts' certificate has both names: what a client asks for does not matter.
        for name in ["mail.example.jp", "mails.example.jp"] {
            for (host, user, answer) in [
                (MAIL, &AYUMI, "250"),
                (MAILS, &AYUMI, "554 5.7.1"),
                (MAIL, &KENJI, "250"),
                // Without the contract: taken as it is, as by the other host.
                (MAILS, &KENJI, "250"),
            ] {
                let mut smtp = session(&site, host, port, name, Some(user));
                send(&mut smtp, user.address, &[KENJI.address], &virus, answer);
                send(&mut smtp, user.address, &[KENJI.address], CLEAN, "250");
                smtp.quit();
            }
        }
    }
    // Mail for who has the contract is looked through at each host that takes it.
    for host in [MAIL, MAILS] {
        let mut smtp = session(&site, host, 25, "mx.example.org", None);
        send(&mut smtp, "friend@example.org", &[AYUMI.address], &virus, "554 5.7.1");
        send(&mut smtp, "friend@example.org", &[KENJI.address], &virus, "250");
        smtp.quit();
    }
}
