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

const MAIL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 20);
const MAILS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 30);
const ADDRESSES: [Ipv4Addr; 4] = [Ipv4Addr::new(192, 0, 2, 10), MAIL, MAILS, Ipv4Addr::new(192, 0, 2, 40)];

/// Set where this test's own process runs in its namespace.
const INSIDE: &str = "YUBIN_TEST_NAMESPACE";

/// Who may not make a namespace as who it is may as the root of another.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.arg("--net");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command
}

/// Runs a test of this file again, in a network that has these addresses and nothing else.
fn in_a_namespace(test: &str) {
    let addresses = ADDRESSES.map(|address| format!("ip address add {address}/32 dev lo && ")).concat();
    let script = format!("ip link set lo up && {addresses}exec \"$0\" \"$@\"");
    let mut command = unshare();
    command.args(["sh", "-c", &script]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").stdin(Stdio::null());
    let status = command.status().unwrap();
    assert!(status.success(), "a network namespace of its own (unshare and ip, as root): {status}");
}

/// The shipped file with nothing changed but where its files are, the names to which the certificate belongs, and the clamd.
fn configure(site: &Site, clamd: &Clamd) {
    let path = format!("{}/../../examples/asahi.toml", env!("CARGO_MANIFEST_DIR"));
    let here = site.path("").display().to_string();
    let here = here.trim_end_matches('/');
    let text = std::fs::read_to_string(path).unwrap();
    let text = text
        .replace("/var/lib/yubin", here)
        .replace("/etc/yubin", here)
        .replace("asahi-net.or.jp", "example.jp")
        .replace("unix:/run/clamav/clamd.ctl", &clamd.unix());
    site.configure(&text);
}

/// A session at a host, by a port, which is told this name in SNI and has logged in as a user.
fn session(site: &Site, host: Ipv4Addr, port: u16, name: &str, user: Option<&User>) -> Smtp {
    let wire = Wire::clear(SocketAddr::from((host, port)));
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
    if std::env::var_os(INSIDE).is_none() {
        return in_a_namespace(
            "virus_check::hosts::v_05_v_01_p_20_the_address_decides_who_looks_mail_through_and_no_name_does",
        );
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
        (ADDRESSES[3], "mailssl.example.jp", &[465]),
    ] {
        for port in [25, 110, 465, 587, 995] {
            assert_eq!(TcpStream::connect((host, port)).is_ok(), ports.contains(&port), "{name} {port}");
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
