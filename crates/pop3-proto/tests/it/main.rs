//! The session from outside: as its caller and its clients know it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod client;
mod contract;
mod cuts;
mod model;
mod pair;
mod states;
mod transcripts;

use auth_sasl::Stamp;
use pop3_proto::{Channel, Config, Maildrop, Session};

/// A listener on which everything is offered.
fn everything() -> Config {
    let mut config = Config::new("pop.example.jp");
    config.stls = true;
    config.clear_text = true;
    config.implementation = Some("Yubin".into());
    config
}

/// A session on such a listener, greeted.
fn greeted(config: Config) -> Session {
    let stamp = Stamp::new("<1896.697170952@pop.example.jp>").unwrap();
    let session = Session::new(config.into(), Channel::Clear, Some(stamp));
    let mut out = Vec::new();
    session.greet(&mut out);
    assert_eq!(out, b"+OK pop.example.jp POP3 server ready <1896.697170952@pop.example.jp>\r\n");
    session
}

/// RFC 1939 §5's maildrop of two messages.
fn two_messages() -> Maildrop {
    let mut maildrop = Maildrop::default();
    maildrop.push(120, "whqtswO00WBw418f9t5JxYwZ").unwrap();
    maildrop.push(200, "QhdPYR:00WBw1Ph7x7").unwrap();
    maildrop
}
