//! Lines of the log, and that nobody can forge one.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use daemon_kit::config::LogFormat;
use daemon_kit::log::{event, subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Collects what a thread logs, and so what a test logs: each has a thread of its own.
struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// To be called before anything is logged: one subscriber for all threads, since exchanging them races with other tests.
pub(crate) fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| subscriber(LogFormat::Text, everything(), || ThisThread).init());
}

fn everything() -> EnvFilter {
    EnvFilter::new("daemon_kit=debug,it=debug")
}

/// What this test logged.
pub(crate) fn logged() -> String {
    LINES.with_borrow(|lines| String::from_utf8(lines.clone()).unwrap())
}

/// What a peer might send to make a line of its own.
const FORGED: &str =
    "taro\r\n2026-11-21T00:00:00Z  INFO auth_ok login=\"root\" \u{1b}[2K\u{85}\u{2028}\u{202e}\u{2066}x";

fn record() {
    let span = tracing::error_span!("session", peer = %FORGED);
    let _inside = span.enter();
    tracing::warn!(event = event::AUTH_FAILED, login = FORGED, shown = %FORGED, list = ?[FORGED], good = "郵便", count = 3);
}

#[test]
fn a_peer_cannot_forge_a_line_of_text() {
    capture();
    record();
    let text = logged();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.ends_with('\n'));
    let line = text.trim_end_matches('\n');
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(!line.contains(['\u{2028}', '\u{85}', '\u{202e}', '\u{2066}']));
    let escaped = r#""taro\r\n2026-11-21T00:00:00Z  INFO auth_ok login=\"root\" \u{1b}[2K\u{85}\u{2028}\u{202e}\u{2066}x""#;
    let (_, facts) = line.split_once(" WARN  ").expect("time, level, facts");
    assert!(facts.starts_with(&format!("auth_failed login={escaped} shown={escaped} list=")), "{facts}");
    assert!(facts.ends_with(&format!(" good=郵便 count=3 peer={escaped}")), "{facts}");
}

#[test]
fn a_peer_cannot_forge_a_json_object() {
    capture();
    let json = subscriber(LogFormat::Json, everything(), || ThisThread);
    tracing::subscriber::with_default(json, record);
    let text = logged();
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    assert!(text.starts_with('{') && text.ends_with("}\n"));
    assert!(text.contains(r#""event":"auth_failed""#) && text.contains(r#""count":3"#), "{text}");
    assert!(text.contains(r#"login=\"root\""#), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{2066}']));
    assert!(text.contains(r"\u202e\u2066x"), "{text}");
}
