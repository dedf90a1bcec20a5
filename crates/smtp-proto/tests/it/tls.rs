//! RFC 3207 §6: octets behind STARTTLS end the session, whether they came with it or before the handshake.

use std::sync::Arc;

use smtp_proto::{Channel, CloseReason, Config, Event, Misuse, Session, StartTls};

fn session() -> Session {
    let mut config = Config::new("mx");
    config.starttls = StartTls::Offered;
    Session::new(Arc::new(config), Channel::Clear)
}

#[test]
fn p_23_octets_in_the_same_read_close_the_session() {
    let (mut session, mut out) = (session(), Vec::new());
    let step = session.step(b"STARTTLS\r\nEHLO evil\r\n", &mut out).unwrap();
    assert_eq!(step.event, Event::Close(CloseReason::BytesBehindStartTls));
    assert_eq!(out, b"554 5.5.1 Octets came behind STARTTLS, closing\r\n");
    assert_eq!(session.step(b"", &mut out), Err(Misuse::Closed));
}

#[test]
fn p_23_octets_before_the_handshake_close_the_session() {
    let (mut session, mut out) = (session(), Vec::new());
    assert_eq!(session.step(b"STARTTLS\r\n", &mut out).unwrap().event, Event::StartTls);
    session.accept(&mut out).unwrap();
    assert_eq!(out, b"220 2.0.0 Ready to start TLS\r\n");
    assert_eq!(session.step(b"", &mut out).unwrap().event, Event::NeedInput);
    let step = session.step(b"EHLO evil\r\n", &mut out).unwrap();
    assert_eq!((step.consumed, step.event), (0, Event::Close(CloseReason::BytesBehindStartTls)));
}

#[test]
fn p_05_implicit_tls_has_no_starttls() {
    let mut session = Session::new(Arc::new(Config::new("mx")), Channel::Encrypted);
    let mut out = Vec::new();
    assert_eq!(session.step(b"STARTTLS\r\n", &mut out).unwrap().event, Event::NeedInput);
    assert_eq!(out, b"502 5.5.1 STARTTLS is not offered here\r\n");
}
