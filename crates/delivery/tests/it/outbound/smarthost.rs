//! A host that takes mail for others: logins, and TLS from the first octet.

use std::sync::Arc;

use auth_sasl::Secret;
use delivery::outbound::{Login, OutboundConfig, Relay, TlsPolicy};

use super::host::{Host, Manners, Say};
use super::tls::Authority;
use super::world::{World, config};

/// NUL us NUL "natsu no umi", and both in halves.
const PLAIN: &str = "AUTH PLAIN AHVzAG5hdHN1IG5vIHVtaQ==";
const LOGIN: &str = "AUTH LOGIN dXM= bmF0c3Ugbm8gdW1p";

async fn world(authority: &Authority, tls: TlsPolicy, manners: Manners, login: bool) -> (Arc<Host>, World) {
    let implicit_tls = manners.implicit_tls;
    let host = Host::start("127.0.0.1", 0, manners, Some(authority.acceptor("smart.example"))).await;
    let login = login.then(|| Login { name: "us".into(), password: Secret::new("natsu no umi") });
    let relay = Relay { host: "smart.example".into(), port: host.address.port(), implicit_tls, login };
    let smarthost = Some(relay);
    let world = World::new(OutboundConfig { smarthost, tls, ca_file: Some(authority.file()), ..config() });
    world.dns.host("smart.example", &["127.0.0.1"]);
    world.run();
    (host, world)
}

#[tokio::test]
async fn a_login_is_proved_behind_tls_only_by_what_the_host_offers() {
    let authority = Authority::new();
    for policy in [TlsPolicy::None, TlsPolicy::May, TlsPolicy::Encrypt, TlsPolicy::Verify] {
        for (offer, expected) in [("AUTH CRAM-MD5 LOGIN PLAIN", PLAIN), ("AUTH LOGIN", LOGIN)] {
            for implicit_tls in [false, true] {
                let offers: &[&'static str] = if implicit_tls { &[offer] } else { &["STARTTLS", offer] };
                let manners = Manners { implicit_tls, ..Manners::offering(offers) };
                let (host, world) = world(&authority, policy, manners, true).await;
                let id = world.send(&["a@example.com"]).await;
                world.settled(id).await;
                let what = format!("{policy:?} {offer} {implicit_tls}");
                assert!(host.received()[0].encrypted, "{what}");
                assert_eq!(*host.logins.lock().unwrap(), [(expected.to_owned(), true)], "{what}");
            }
        }
    }
}

#[tokio::test]
async fn without_tls_or_a_login_that_is_taken_mail_waits_and_no_password_is_told() {
    let authority = Authority::new();
    let refusing = || {
        Manners::offering(&["STARTTLS", "AUTH PLAIN"])
            .saying("AUTH", Say::This("535 5.7.8 Authentication credentials invalid"))
    };
    for (manners, why, asked) in [
        (Manners::offering(&["AUTH PLAIN LOGIN"]), "TLS is demanded, and not offered", 0),
        (Manners::offering(&["STARTTLS", "AUTH CRAM-MD5"]), "no login is offered that we know", 0),
        (Manners::offering(&["STARTTLS"]), "no login is offered that we know", 0),
        (refusing(), "our login was refused: 535 5.7.8", 1),
    ] {
        let (host, world) = world(&authority, TlsPolicy::May, manners, true).await;
        let id = world.send(&["a@example.com"]).await;
        let progress = world.until(id, |progress| progress.recipients[0].attempts > 0).await;
        let last = &progress.recipients[0].last;
        assert!(last.starts_with("4.7.") && last.contains(why), "{why}: {last}");
        assert!(!last.contains("natsu") && !last.contains("AHVz"), "{last}");
        assert!(host.logins.lock().unwrap().len() >= asked, "{why}");
        assert!(host.logins.lock().unwrap().iter().all(|(_, encrypted)| *encrypted), "{why}");
        assert!(host.received().is_empty() && world.mailbox("taro").is_empty(), "{why}: it is our trouble");
        // Once the other side is put in order, it goes.
        host.behave(Manners::offering(&["STARTTLS", "AUTH PLAIN"]));
        world.settled(id).await;
        assert_eq!(host.received().len(), 1, "{why}");
    }
}

#[tokio::test]
async fn where_tls_begins_at_once_it_is_never_clear_text_whatever_the_policy() {
    let authority = Authority::new();
    for policy in [TlsPolicy::None, TlsPolicy::May, TlsPolicy::Encrypt, TlsPolicy::Verify] {
        let manners = Manners { implicit_tls: true, ..Manners::default() };
        let (host, world) = world(&authority, policy, manners, false).await;
        let id = world.send(&["a@example.com"]).await;
        world.settled(id).await;
        assert!(host.received()[0].encrypted, "{policy:?}");
    }
    // One that speaks clear text there gets none of it.
    let manners = Manners { implicit_tls: true, ..Manners::default() };
    let (host, world) = world(&authority, TlsPolicy::May, manners, false).await;
    host.behave(Manners::default());
    let id = world.send(&["a@example.com"]).await;
    let progress = world.until(id, |progress| progress.recipients[0].attempts > 0).await;
    assert!(progress.recipients[0].last.starts_with("4.7.5 "), "{progress:?}");
    assert!(host.received().is_empty());
}
