//! Mail programs that other people wrote. Each sends and each fetches, and what comes back is what was sent.
//!
//! What a program cannot send is named where it is left out, with the reason.

mod curl;
mod fetchmail;
mod getmail;
mod mpop;
mod msmtp;
mod profiles;
mod python;
mod swaks;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::harness::Service;
use crate::harness::mail::{Message, assert_same, behind_trace};
use crate::harness::site::{AYUMI, Door, KENJI};

/// How a program comes to TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    Never,
    /// STARTTLS, STLS; the program must give up where the server does not offer it.
    Starttls,
    Implicit,
}

/// Whether these tests were left out by choice, with a word about it: `cargo xtask test --without clients`.
pub(crate) fn left_out() -> bool {
    let without = std::env::var("YUBIN_TEST_WITHOUT").unwrap_or_default();
    let left_out = without.split(',').any(|part| part == "clients");
    if left_out {
        eprintln!("left out by choice: other people's mail programs");
    }
    left_out
}

/// Runs a program to its end.
fn output(command: &mut Command, input: Stdio) -> Output {
    // What stands in the user's own settings is no part of the test.
    let command = command
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command.spawn().unwrap_or_else(|e| {
        panic!("{program}: {e}; `cargo xtask test` installs it, `--without clients` leaves its tests out")
    });
    child.wait_with_output().unwrap()
}

/// Runs a program that must succeed, and returns what it printed.
pub(crate) fn succeeds(command: &mut Command, input: Stdio) -> Vec<u8> {
    let output = output(command, input);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Runs a program that must fail, and returns what it said about it.
fn fails(command: &mut Command, input: Stdio) -> String {
    let output = output(command, input);
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(!output.status.success(), "{command:?} succeeded:\n{said}");
    said
}

/// `send` sends each message, which it gets as a file, from Ayumi to Kenji, who must then have them all, unharmed and in this
/// order.
fn assert_sends(service: &Service, how: &str, messages: &[Message], send: impl Fn(&Path)) {
    for message in messages {
        send(&service.site.write("message.eml", &message.octets));
    }
    let mut mailbox = service.mailbox(&KENJI);
    assert_eq!(mailbox.count(), messages.len(), "{how}");
    for (message, number) in messages.iter().zip(1..) {
        let came = mailbox.retrieve(number);
        let came = behind_trace(&came);
        assert_eq!(came.return_path, format!("<{}>", AYUMI.address), "{how}");
        assert_same(message, came.message, how);
        mailbox.ask(&format!("DELE {number}"), "+OK");
    }
    mailbox.quit();
}

/// Puts messages into Kenji's maildrop and returns them as they lie there, trace headers first.
fn given(service: &Service, messages: &[Message]) -> Vec<Message> {
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    for message in messages {
        smtp.send_mail(AYUMI.address, &[KENJI.address], &message.octets);
    }
    smtp.quit();
    let named = |(message, octets): (&Message, _)| Message { name: message.name.clone(), octets };
    messages.iter().zip(service.fetch(&KENJI)).map(named).collect()
}

/// Whether the fetched messages are the given ones.
fn assert_fetched(how: &str, given: &[Message], fetched: &[Vec<u8>]) {
    assert_eq!(fetched.len(), given.len(), "{how}");
    for (message, came) in given.iter().zip(fetched) {
        assert_same(message, came, how);
    }
}
