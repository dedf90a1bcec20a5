//! Mail that is sent on, from one host to another that really takes it, and what comes back.

use std::net::SocketAddr;

use xtask::loopback;

use crate::harness::Service;
use crate::harness::site::{AYUMI, Door, KENJI, Site};
use crate::harness::smtp::Smtp;

/// Of somebody elsewhere, whose host is the other one.
const FRIEND: &str = "friend@example.org";
const HANAKO: &str = "hanako@example.com";
pub(crate) const MESSAGE: &[u8] = b"Subject: x\r\n\r\nHello\r\n";

/// A host that sends on what comes for Ayumi, as the arguments say, and one where Kenji has hanako@example.com and Ayumi
/// friend@example.org.
pub(crate) fn two_hosts(forward: &[&[&str]]) -> (Service, Service) {
    let elsewhere = SocketAddr::from(loopback::address());
    let forwarding = "[forwarding]\nsrs_key = \"srs.key\"\n\n[outbound]\nminimal_backoff = \"1s\"\n";
    let configuration = |routes: &[(&str, SocketAddr)]| {
        let route = |(domain, host): &(&str, SocketAddr)| {
            format!("\n[[route]]\ndomain = \"{domain}\"\nhost = \"{host}\"\n")
        };
        Site::configuration().replace("[outbound]\nenabled = false", forwarding)
            + &routes.iter().map(route).collect::<String>()
    };
    let site = Site::with_users();
    site.configure(&configuration(&[("example.com", elsewhere), ("example.org", elsewhere)]));
    site.yubin(&["check", "--create"]);
    site.yubin(&["account", "set", AYUMI.login, "forward=on"]);
    for arguments in forward {
        site.yubin(&[&["account", "forward"], *arguments].concat());
    }
    let here = Service::serve(site);

    let other = Site::new();
    let routes = [("mx.example.jp", here.address(Door::Mx))];
    let mx = format!("\"{}:0\"", Door::Mx.ip());
    other.configure(
        &configuration(&routes)
            .replace("hostname = \"mx.example.jp\"", "hostname = \"mail.example.jp\"")
            .replace(&mx, &format!("[{mx}, \"{elsewhere}\"]")),
    );
    other.yubin(&["check", "--create"]);
    for domain in ["example.com", "example.org"] {
        other.yubin(&["domain", "add", domain]);
    }
    for (user, address) in [(KENJI, HANAKO), (AYUMI, FRIEND)] {
        other.add_account(&user);
        other.yubin(&["address", "add", address, user.login]);
    }
    (here, Service::serve(other))
}

fn return_path(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    text.strip_prefix("Return-Path: <").unwrap().split_once('>').unwrap().0.to_owned()
}

/// A message from outside for Ayumi.
fn receive(service: &Service) {
    service.receive(FRIEND, &[AYUMI.alias], MESSAGE);
}

fn outside(service: &Service) -> Smtp {
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp
}

/// Nobody was told of anything, and nothing waits. What came of a message is written down a moment after others hear of it.
fn is_silent(service: &Service) {
    while service.site.yubin(&["--json", "queue", "list"]).trim() != "[]" {}
    let log = service.smtpd.log();
    assert!(!log.contains("report_sent") && !log.contains("double_bounce"), "{log}");
}

#[test]
fn d_16_a_copy_stays_and_another_goes_and_its_bounce_finds_the_sender() {
    let (here, there) = two_hosts(&[&["add", AYUMI.login, HANAKO]]);
    receive(&here);
    there.smtpd.wait_for_events("message_accepted", 1);
    let (kept, sent) = (here.fetch(&AYUMI), there.fetch(&KENJI));
    assert_eq!((kept.len(), sent.len()), (1, 1));
    assert_eq!(return_path(&kept[0]), FRIEND);
    let sender = return_path(&sent[0]);
    assert!(sender.starts_with("SRS0=") && sender.ends_with("=example.org=friend@mx.example.jp"), "{sender}");
    let text = String::from_utf8_lossy(&sent[0]);
    assert!(text.contains("\r\nX-Loop: ") && text.contains(&format!("for <{}>", AYUMI.alias)), "{text}");

    // The other host gives it back after all: by us it finds the one who sent it.
    here.receive("", &[&sender], b"Subject: undelivered\r\n\r\nNo\r\n");
    there.smtpd.wait_for_events("message_accepted", 2);
    let back = there.fetch(&AYUMI);
    assert_eq!(return_path(&back[0]), "");
    assert!(String::from_utf8_lossy(&back[0]).contains("Subject: undelivered"));

    let mut smtp = outside(&here);
    smtp.ask("MAIL FROM:<>", "250");
    smtp.ask(&format!("RCPT TO:<{}>", sender.replace("=friend@", "=foe@")), "550 5.1.1");
    smtp.ask("RCPT TO:<SRS0=AAAAAA=AA=example.org=friend@mx.example.jp>", "550 5.1.1");
    smtp.ask(&format!("RCPT TO:<{}>", sender.to_lowercase()), "250");
    smtp.ask("RSET", "250");
    smtp.ask("MAIL FROM:<spammer@example.net>", "250");
    smtp.ask(&format!("RCPT TO:<{sender}>"), "550 5.7.1");
    smtp.quit();
    is_silent(&here);
}

#[test]
fn d_16_what_cannot_be_sent_on_is_in_the_mailbox_and_nobody_outside_hears_of_it() {
    let nobody = ["add", AYUMI.login, "nobody@example.com"];
    let (here, _there) = two_hosts(&[&nobody, &["keep", AYUMI.login, "no"]]);
    receive(&here);
    here.smtpd.wait_for_events("forward_failed", 1);
    let kept = here.fetch(&AYUMI);
    assert_eq!((kept.len(), return_path(&kept[0]).as_str()), (1, FRIEND));
    is_silent(&here);
    // With a copy it is there already.
    here.site.yubin(&["account", "forward", "keep", AYUMI.login, "yes"]);
    receive(&here);
    here.smtpd.wait_for_events("outbound_failed", 2);
    assert_eq!(here.fetch(&AYUMI).len(), 2);
    is_silent(&here);
}

#[test]
fn d_16_what_cannot_be_sent_on_to_several_is_in_the_mailbox_once() {
    let [nobody, no_one] = ["nobody@example.com", "no-one@example.org"].map(|to| ["add", AYUMI.login, to]);
    let (here, _there) = two_hosts(&[&nobody, &no_one, &["keep", AYUMI.login, "no"]]);
    receive(&here);
    here.smtpd.wait_for_events("forward_failed", 2);
    is_silent(&here);
    assert_eq!(here.fetch(&AYUMI).len(), 1);
}

#[test]
fn d_16_without_a_copy_it_is_there_alone_and_the_empty_sender_stays_empty() {
    let (here, there) = two_hosts(&[&["add", AYUMI.login, HANAKO], &["keep", AYUMI.login, "no"]]);
    here.receive("", &[AYUMI.alias, KENJI.alias], MESSAGE);
    there.smtpd.wait_for_events("message_accepted", 1);
    let sent = there.fetch(&KENJI);
    assert_eq!((sent.len(), return_path(&sent[0]).as_str()), (1, ""));
    assert_eq!((here.fetch(&AYUMI).len(), here.fetch(&KENJI).len()), (0, 1));
    // Ours are sent on as they are.
    let mut smtp = here.smtp(Door::Submissions);
    smtp.hello();
    smtp.authenticate(&KENJI);
    smtp.send_mail(KENJI.address, &[AYUMI.address], MESSAGE);
    smtp.quit();
    there.smtpd.wait_for_events("message_accepted", 2);
    assert_eq!(return_path(&there.fetch(&KENJI)[1]), KENJI.address);
    // Who only says that they are one of ours is not vouched for.
    here.receive(KENJI.address, &[AYUMI.alias], MESSAGE);
    there.smtpd.wait_for_events("message_accepted", 3);
    let sender = return_path(&there.fetch(&KENJI)[2]);
    assert!(sender.starts_with("SRS0=") && sender.ends_with("@mx.example.jp"), "{sender}");
    is_silent(&here);
}

#[test]
fn d_16_a_loop_of_two_hosts_ends_at_once_and_each_has_it() {
    let (here, there) = two_hosts(&[&["add", AYUMI.login, HANAKO]]);
    there.site.yubin(&["account", "set", KENJI.login, "forward=on"]);
    there.site.yubin(&["account", "forward", "add", KENJI.login, AYUMI.address]);
    there.site.yubin(&["account", "forward", "keep", KENJI.login, "no"]);
    receive(&here);
    there.smtpd.wait_for_events("forward_failed", 1);
    here.smtpd.wait_for("the loop", |event| (event["reason"] == "forward_loop").then_some(()));
    assert_eq!((here.fetch(&AYUMI).len(), there.fetch(&KENJI).len()), (1, 1));
    is_silent(&here);
    is_silent(&there);
}

#[test]
fn d_16_to_somebody_here_it_goes_at_once_and_two_who_point_at_each_other_lose_nothing() {
    let (here, _there) = two_hosts(&[&["add", AYUMI.login, KENJI.address], &["keep", AYUMI.login, "no"]]);
    receive(&here);
    assert_eq!((here.fetch(&AYUMI).len(), here.fetch(&KENJI).len()), (0, 1));
    here.site.yubin(&["account", "set", KENJI.login, "forward=on"]);
    here.site.yubin(&["account", "forward", "add", KENJI.login, AYUMI.address]);
    here.site.yubin(&["account", "forward", "keep", KENJI.login, "no"]);
    receive(&here);
    assert_eq!((here.fetch(&AYUMI).len(), here.fetch(&KENJI).len()), (1, 1));
    // Off, it stays; as it does while the account may not send.
    here.site.yubin(&["account", "set", AYUMI.login, "forward=off"]);
    receive(&here);
    here.site.yubin(&["account", "set", AYUMI.login, "forward=on"]);
    here.site.yubin(&["account", "suspend", AYUMI.login]);
    receive(&here);
    assert_eq!((here.fetch(&AYUMI).len(), here.fetch(&KENJI).len()), (3, 1));
}
