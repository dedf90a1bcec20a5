//! A configuration that cannot work is refused before anything runs: the file, the line, what is wrong, what to write.

use std::net::TcpListener;

use crate::harness::programs::Program;
use crate::harness::site::{Door, Site};

const DAEMONS: [Program; 2] = [Program::Smtpd, Program::Pop3d];

/// Exit: the configuration is at fault (EX_CONFIG).
const CONFIGURATION: i32 = 78;
/// Exit: the work cannot be done, though the file is right.
const FAILED: i32 = 1;

/// The program ends with `status` and says all of `words`.
fn assert_ends(site: &Site, program: Program, arguments: &[&str], status: i32, words: &[&str]) {
    let output = site.run(program, arguments, "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{program:?} said {said}");
    for word in words {
        assert!(said.contains(word), "{program:?} does not say {word:?}: {said}");
    }
}

/// Both daemons refuse the file, whether they shall run or only look.
fn assert_refused(site: &Site, words: &[&str]) {
    for program in DAEMONS {
        assert_ends(site, program, &[], CONFIGURATION, words);
        assert_ends(site, program, &["--check"], CONFIGURATION, words);
    }
}

/// The configuration with `from` replaced, and the place of the replacement as a fault names it.
fn replaced(site: &Site, from: &str, to: &str) -> String {
    let configuration = Site::configuration();
    let (before, _) = configuration.split_once(from).unwrap();
    site.configure(&configuration.replacen(from, to, 1));
    format!("yubin.toml:{}:", before.lines().count() + usize::from(before.ends_with('\n')))
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_key_that_was_meant() {
    let site = Site::with_users();
    let place = replaced(&site, "queue = \"queue\"", "queues = \"queue\"");
    assert_refused(&site, &[&place, "queues", "queue"]);
}

#[test]
fn a_port_that_cannot_be_is_refused_with_its_line() {
    let site = Site::with_users();
    let place = replaced(&site, "127.0.0.25:0", "127.0.0.25:65536");
    assert_refused(&site, &[&place, "127.0.0.25:65536", "write"]);
}

#[test]
fn a_certificate_that_cannot_be_read_is_refused_with_its_line() {
    let site = Site::with_users();
    let place = replaced(&site, "chain = \"cert.pem\"", "chain = \"no-such.pem\"");
    assert_refused(&site, &[&place, "no-such.pem"]);
}

#[test]
fn every_fault_is_told_at_once() {
    let site = Site::with_users();
    let configuration = Site::configuration();
    let faulty = configuration
        .replacen("maildirs =", "maildir =", 1)
        .replacen("tls = \"implicit\"", "tls = \"implicite\"", 1)
        .replacen("format = \"json\"", "format = \"yaml\"", 1);
    site.configure(&faulty);
    assert_refused(&site, &["maildir", "implicite", "yaml"]);
}

#[test]
fn a_database_that_is_not_there_is_refused_with_the_command_that_makes_it() {
    let site = Site::new();
    assert_refused(&site, &["accounts.sqlite", "yubin check --create"]);
}

#[test]
fn a_port_in_use_is_refused_with_its_line() {
    let site = Site::with_users();
    for (door, program) in [(Door::Mx, Program::Smtpd), (Door::Pop3, Program::Pop3d)] {
        let holder = TcpListener::bind((door.ip(), 0)).unwrap();
        let taken = holder.local_addr().unwrap();
        let place = replaced(&site, &format!("{}:0", door.ip()), &taken.to_string());
        assert_ends(&site, program, &[], FAILED, &[&place, &taken.port().to_string(), "in use"]);
        drop(holder);
    }
}

#[test]
fn check_says_that_a_good_configuration_is_good() {
    let site = Site::with_users();
    for program in [Program::Smtpd, Program::Pop3d] {
        let output = site.run(program, &["--check"], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    site.yubin(&["check"]);
}

#[test]
fn the_shipped_example_is_complete() {
    let site = Site::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/modern.toml");
    let here = site.path("").display().to_string();
    let here = here.trim_end_matches('/');
    let example = std::fs::read_to_string(example).unwrap();
    site.configure(&example.replace("/var/lib/yubin", here).replace("/etc/yubin", here));
    site.yubin(&["check", "--create"]);
}

#[test]
fn what_a_listener_may_say_and_hardly_ever_should_is_warned_of() {
    let site = Site::with_users();
    assert!(!site.yubin(&["check"]).contains("warnings"));
    let doubtful = "bare_line_endings = \"normalise\"\ntls = \"starttls-required\"\nauth = \"off\"\n";
    let mx = format!("address = \"127.0.0.25:25\"\nprotocol = \"smtp\"\n{doubtful}");
    let door = format!("address = \"127.0.0.25:0\"\n{}", Door::Mx.settings());
    site.configure(&Site::configuration().replacen(&door, &mx, 1));
    let shown = site.yubin(&["check"]);
    for words in ["127.0.0.25:25 demands STARTTLS", "RFC 3207", "127.0.0.25:25 puts bare line endings right"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}
