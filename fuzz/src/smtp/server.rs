//! The server's session.

use std::sync::Arc;

use auth_sasl::Mechanism;
use smtp_proto::{
    Auth, BareLines, Channel, Config, Enhanced, Event, Extension, Misuse, Reply, Session, StartTls,
};

use crate::pieces;

/// What a session comes to, however its input is cut.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    replies: Vec<u8>,
    /// Every question and every piece of news, but bodies.
    events: Vec<String>,
    /// The messages that were complete.
    messages: Vec<Vec<u8>>,
    message: Vec<u8>,
    closed: bool,
}

/// The first octet says what the listener offers, the second how the input is cut.
pub fn server(data: &[u8]) {
    let [options, cut, input @ ..] = data else { return };
    let config = Arc::new(config(*options));
    let starttls = config.starttls;
    let whole = run(&config, [input].into_iter());
    let cut = run(&config, pieces(*cut, input));
    for outcome in [&whole, &cut] {
        well_formed(&outcome.replies);
        for message in &outcome.messages {
            let bare = config.bare_lines == BareLines::Normalise && has_bare(message);
            assert!(!bare || *options & BINARY != 0, "{}", message.escape_ascii());
        }
    }
    // Octets behind STARTTLS end a session, and how they are cut says whether they are behind it.
    if starttls == StartTls::Off {
        assert_eq!(whole, cut);
    }
}

const BINARY: u8 = 32;

fn config(options: u8) -> Config {
    let mut config = Config::new("mx");
    config.limits.errors = 1_000;
    config.size = (options & 1 != 0).then_some(64);
    config.auth = if options & 2 != 0 { Auth::with(Mechanism::ALL) } else { Auth::default() };
    config.auth.clear_text = options & 4 != 0;
    config.starttls = if options & 8 != 0 { StartTls::Offered } else { StartTls::Off };
    config.bare_lines = if options & 16 != 0 { BareLines::Normalise } else { BareLines::Refuse };
    for extension in [Extension::SmtpUtf8, Extension::Dsn, Extension::DeliverBy, Extension::Rrvs] {
        config.extensions = config.extensions.with(extension);
    }
    config.extensions = config.extensions.set(Extension::BinaryMime, options & BINARY != 0);
    config
}

fn run<'p>(config: &Arc<Config>, pieces: impl Iterator<Item = &'p [u8]>) -> Outcome {
    let mut session = Session::new(config.clone(), Channel::Clear);
    let (mut outcome, mut input) = (Outcome::default(), Vec::new());
    session.greet(&mut outcome.replies);
    for piece in pieces {
        input.extend_from_slice(piece);
        let mut at = 0;
        while !outcome.closed {
            let before = outcome.replies.len();
            let step = session.step(&input[at..], &mut outcome.replies).expect("nothing is open");
            at += step.consumed;
            if step.event == Event::NeedInput {
                break;
            }
            assert!(step.consumed > 0 || outcome.replies.len() > before || step.event != Event::NeedInput);
            happen(&mut session, step.event, &mut outcome);
        }
        input.drain(..at);
        assert!(input.len() <= 12_288, "more is held back than a line");
    }
    outcome
}

fn happen(session: &mut Session, event: Event<'_>, outcome: &mut Outcome) {
    const NO: Reply = Reply::of(550, Enhanced(5, 1, 1), "No");
    if !matches!(event, Event::Body(_)) {
        outcome.events.push(format!("{event:?}"));
    }
    let accepted = match event {
        Event::Body(octets) => return outcome.message.extend_from_slice(octets),
        Event::BodyEnd => {
            outcome.messages.push(std::mem::take(&mut outcome.message));
            true
        }
        Event::Close(_) => return outcome.closed = true,
        Event::Reset(_) => return outcome.message.clear(),
        Event::Mail(_) | Event::Hello(_) => {
            outcome.message.clear();
            true
        }
        // Something must be refused; what it is depends on the input alone.
        Event::Rcpt(rcpt) => !rcpt.forward_path.to_string().starts_with('n'),
        _ => true,
    };
    let answered = match accepted {
        true => session.accept(&mut outcome.replies),
        false => session.refuse(NO, &mut outcome.replies),
    };
    assert_eq!(answered, Ok(()));
    assert_eq!(session.accept(&mut outcome.replies), Err(Misuse::NothingAsked));
    if outcome.events.last().is_some_and(|event| event == "StartTls") {
        // A client that says no more before the handshake.
        let step = session.step(b"", &mut outcome.replies).expect("nothing is open");
        assert_eq!(step.event, Event::NeedInput);
    }
}

/// RFC 5321 §4.2: lines of three digits, a hyphen or a blank, and printable text, of at most 512 octets.
fn well_formed(replies: &[u8]) {
    let text = str::from_utf8(replies).expect("replies are ASCII");
    assert!(text.is_empty() || text.ends_with("\r\n"));
    for line in text.split_inclusive("\r\n") {
        let (head, rest) = line.split_at(4);
        assert!(
            head.starts_with(['2', '3', '4', '5']) && head[..3].bytes().all(|digit| digit.is_ascii_digit())
        );
        assert!(head.ends_with(['-', ' ']) && line.len() <= 512, "{line}");
        let text = rest.strip_suffix("\r\n").expect("it was split there");
        assert!(text.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{line:?}");
    }
}

fn has_bare(message: &[u8]) -> bool {
    let rest = String::from_utf8_lossy(message).replace("\r\n", "");
    rest.contains(['\r', '\n'])
}
