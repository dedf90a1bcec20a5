//! No allocation per command, in the steady state of a session whose caller keeps its buffers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::sync::Arc;

use allocation_counter::measure;
use smtp_proto::{Channel, Config, Event, Extension, Session};

/// A whole transaction with everything a client says in one; returns how many events it took.
fn transaction(session: &mut Session, mut input: &[u8], out: &mut Vec<u8>) -> usize {
    for events in 1.. {
        let step = session.step(input, out).unwrap();
        input = &input[step.consumed..];
        match step.event {
            Event::NeedInput => return events,
            Event::Body(_) | Event::Reset(_) => {}
            Event::Close(reason) => panic!("closed: {reason:?}"),
            _ => session.accept(out).unwrap(),
        }
    }
    unreachable!("the input ends")
}

#[test]
fn no_command_allocates() {
    let mut config = Config::new("mx.example.jp");
    for extension in [Extension::SmtpUtf8, Extension::Dsn, Extension::DeliverBy] {
        config.extensions = config.extensions.with(extension);
    }
    let mut session = Session::new(Arc::new(config), Channel::Clear);
    let mut input = b"EHLO client.example.jp\r\nNOOP\r\nVRFY hanako\r\nHELP\r\nFOO\r\nMAIL FROM:<\"a b\"@example.jp> SIZE=100 BODY=8BITMIME\r\n\
        RCPT TO:<@relay.example:hanako@example.jp>\r\nRCPT TO:<taro@[IPv6:2001:db8::1]>\r\nRSET\r\n\
        MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\nDATA\r\n"
        .to_vec();
    input.extend(b"a line of the body\r\n..stuffed\r\n".repeat(100));
    input.extend(b".\r\nMAIL FROM:<a@example.jp> SMTPUTF8 RET=HDRS ENVID=x BY=60;R\r\nRCPT TO:<b@example.jp> NOTIFY=NEVER ORCPT=rfc822;c@d\r\n");
    input.extend(b"BDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\nBDAT 6 LAST\r\nQUIT\r\n");
    let mut out = Vec::with_capacity(1 << 16);
    transaction(&mut session, &input, &mut out);
    out.clear();
    let allocations = measure(|| {
        assert!(transaction(&mut session, &input, &mut out) > 10);
    });
    assert_eq!(allocations.count_total, 0);
}
