//! Addresses, headers and bodies beyond ASCII: what is asked of the next host, and what reports are made of (RFC 6531, RFC 6533).

use std::sync::Arc;

use delivery::outbound::OutboundConfig;
use delivery::{Envelope, Return};

use super::host::{Host, Manners, Received, Say};
use super::world::{World, config};

const WIDE: &str = "Subject: \u{65e5}\u{672c}\r\n\r\nbody\r\n";
const WIDE_BODY: &str = "Subject: x\r\n\r\n\u{65e5}\u{672c}\r\n";

/// One host for two domains: everybody at `example.com` is refused in Japanese.
async fn world(offers: &[&'static str]) -> (Arc<Host>, World) {
    let refusal = Say::This("550 5.1.1 \u{3044}\u{307e}\u{305b}\u{3093}");
    let mut manners = Manners::offering(offers);
    for address in ["bad@example.com", "\u{65e5}\u{672c}@example.com"] {
        let verb: &'static str = Box::leak(format!("RCPT {address}").into_boxed_str());
        manners = manners.saying(verb, refusal.clone());
    }
    let host = Host::start("127.0.0.1", 0, manners, None).await;
    let world = World::new(OutboundConfig { port: host.address.port(), ..config() });
    for domain in ["example.com", "example.net"] {
        world.dns.mx(domain, &[(10, "mx.example.com")]);
    }
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    world.run();
    (host, world)
}

fn wide(envelope: &mut Envelope) {
    envelope.parameters.utf8 = true;
}

async fn only(host: &Host) -> Received {
    host.wait_for(1).await.remove(0)
}

#[tokio::test]
async fn a_report_goes_to_a_sender_beyond_ascii_and_says_so() {
    let (host, world) = world(&["SMTPUTF8", "8BITMIME"]).await;
    let to = ["\u{65e5}\u{672c}@example.com"];
    world.send_text("\u{592a}\u{90ce}@example.net", &to, WIDE, wide).await;
    let report = only(&host).await;
    assert!(report.mail.starts_with("MAIL FROM:<>") && report.mail.contains(" SMTPUTF8"), "{}", report.mail);
    assert!(report.mail.contains(" BODY=8BITMIME"), "{}", report.mail);
    assert_eq!(report.rcpts, ["RCPT TO:<\u{592a}\u{90ce}@example.net>"]);
    for line in [
        "To: <\u{592a}\u{90ce}@example.net>",
        "Content-Type: message/global-delivery-status",
        "Final-Recipient: utf-8; \u{65e5}\u{672c}@example.com",
        "Diagnostic-Code: smtp; 550 5.1.1 \u{3044}\u{307e}\u{305b}\u{3093}",
        "Content-Type: message/global-headers",
        "Content-Transfer-Encoding: 8bit",
        "Subject: \u{65e5}\u{672c}",
    ] {
        assert!(report.text.contains(&format!("{line}\r\n")), "{line}\n{}", report.text);
    }
    let header = report.text.split("\r\n\r\n").next().unwrap();
    assert!(header.contains("Content-Transfer-Encoding: 8bit"), "{header}");
}

#[tokio::test]
async fn every_other_report_is_of_seven_bits() {
    let (host, world) = world(&["SMTPUTF8", "8BITMIME"]).await;
    let full = |envelope: &mut Envelope| {
        wide(envelope);
        envelope.parameters.ret = Some(Return::Full);
    };
    let from = "taro@example.net";
    world.send_text(from, &["\u{65e5}+\u{672c}@nowhere.example"], WIDE, full).await;
    world
        .send_text(from, &["bad@example.com"], WIDE, |envelope| {
            full(envelope);
            envelope.remotes[0].original = Some("utf-8;\\x{65E5}\\x{2B}x@example.com".into());
        })
        .await;
    let received = host.wait_for(2).await;
    let texts: String = received.iter().map(|it| it.text.as_str()).collect();
    for it in &received {
        assert!(
            it.text.is_ascii() && !it.mail.contains("SMTPUTF8") && !it.mail.contains("8BITMIME"),
            "{it:?}"
        );
    }
    for line in [
        "Content-Type: message/delivery-status",
        "Final-Recipient: utf-8; \\x{65E5}\\x{2B}\\x{672C}@nowhere.example",
        "Original-Recipient: utf-8; \\x{65E5}\\x{2B}x@example.com",
        "Final-Recipient: rfc822; bad@example.com",
        "Diagnostic-Code: smtp; 550 5.1.1 \\x{3044}\\x{307E}\\x{305B}\\x{3093}",
        // RFC 2046 §5.2.1: the message could not be encoded.
        "Content-Type: text/rfc822-headers",
        "Content-Transfer-Encoding: quoted-printable",
        "Subject: =E6=97=A5=E6=9C=AC",
    ] {
        assert!(texts.contains(&format!("{line}\r\n")), "{line}\n{texts}");
    }
    assert!(!texts.contains("message/rfc822"), "{texts}");
}

#[tokio::test]
async fn a_body_beyond_ascii_needs_no_smtputf8_and_a_header_does() {
    for (text, offers, told) in [
        (WIDE_BODY, &["8BITMIME"][..], Some(false)),
        (WIDE_BODY, &["8BITMIME", "SMTPUTF8"], Some(true)),
        (WIDE, &["8BITMIME"], None),
        (WIDE, &["8BITMIME", "SMTPUTF8"], Some(true)),
    ] {
        let (host, world) = world(offers).await;
        let id = world.send_text("taro@example.jp", &["a@example.net"], text, wide).await;
        world.settled(id).await;
        let received = host.received();
        assert_eq!(received.first().map(|it| it.mail.contains(" SMTPUTF8")), told, "{offers:?} {text}");
        assert_eq!(world.mailbox("taro").len(), usize::from(told.is_none()));
    }
}
