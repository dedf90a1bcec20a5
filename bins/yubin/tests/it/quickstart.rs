//! `yubin quickstart`: from nothing to a service in one command.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::harness::programs::Program;

const STANDARD_PORTS: [u16; 5] = [25, 110, 465, 587, 995];

/// An offset at which every port is free, and the sockets that prove it. Each test has a range of its own.
fn free_offset(range: u16) -> (u16, Vec<TcpListener>) {
    let from = 10_000 + 2_000 * range;
    let bound = (from..from + 2_000).find_map(|offset| {
        let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port + offset)).ok();
        Some((offset, STANDARD_PORTS.into_iter().map(bind).collect::<Option<Vec<_>>>()?))
    });
    bound.expect("no free ports")
}

fn quickstart(data: &Path, offset: u16, arguments: &[&str]) -> Command {
    let mut command = Program::Yubin.command();
    command.args(["quickstart", "--port-offset", &offset.to_string(), "--data"]).arg(data).args(arguments);
    command
}

fn ends(command: &mut Command) -> (Output, String) {
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    (output, stdout)
}

#[test]
fn one_command_sends_a_message_fetches_it_and_shows_its_received_field_and_the_settings() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("yubin-data");
    let (offset, _) = free_offset(0);
    let (output, shown) = ends(&mut quickstart(&data, offset, &["--once"]));
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    for wanted in ["\nReceived: from ", " with ESMTPSA ", "version=TLSv1.3", " for <", "hanako@"] {
        assert!(shown.contains(wanted), "{wanted:?} is missing:\n{shown}");
    }
    for port in STANDARD_PORTS {
        assert!(shown.contains(&format!(" {} ", port + offset)), "{port} is missing:\n{shown}");
    }

    // A second start keeps the data, and is on other ports if told so.
    let (second, _) = free_offset(1);
    let (output, shown) = ends(&mut quickstart(&data, second, &["--once", "--json"]));
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    let again: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let first: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data.join("passwords.json")).unwrap()).unwrap();
    assert_eq!(again["accounts"], first, "accounts and passwords are those of the first start");
    assert!(again["received"].as_str().unwrap().starts_with("Received: "));
    assert_eq!(again["services"][0]["address"], format!("127.0.0.1:{}", second + 25));
}

#[test]
fn a_configuration_that_somebody_changed_is_kept() {
    let directory = TempDir::new().unwrap();
    let (offset, _) = free_offset(2);
    let (output, _) = ends(&mut quickstart(directory.path(), offset, &["--once"]));
    assert!(output.status.success());
    let file = directory.path().join("yubin.toml");
    let changed = std::fs::read_to_string(&file).unwrap() + "\n[limits]\nrecipients = 200\n";
    std::fs::write(&file, &changed).unwrap();
    // Whatever the offset: the ports of the file are meant, and it is said.
    let (output, shown) = ends(&mut quickstart(directory.path(), offset + 1, &["--once"]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("its ports hold"));
    assert!(shown.contains(&format!(" {} ", offset + 995)), "{shown}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), changed);
}

#[test]
fn a_port_in_use_is_refused_with_what_to_try() {
    let directory = TempDir::new().unwrap();
    let (offset, _holders) = free_offset(3);
    let output = quickstart(directory.path(), offset, &["--once"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("in use") && said.contains("--port-offset"), "{said}");
}

#[test]
fn without_once_it_serves_until_it_is_interrupted() {
    let directory = TempDir::new().unwrap();
    let (offset, _) = free_offset(4);
    let mut command = quickstart(directory.path(), offset, &[]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("Ctrl-C") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended before it served");
    }
    let mut greeting = [0; 3];
    std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, offset + 25))
        .unwrap()
        .read_exact(&mut greeting)
        .unwrap();
    assert_eq!(&greeting, b"220");
    // A second one is turned away before it changes anything.
    let configuration = || std::fs::read(directory.path().join("yubin.toml")).unwrap();
    let before = configuration();
    let output = quickstart(directory.path(), offset + 1, &["--once"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && told.contains("another quickstart"), "{told}");
    assert_eq!(configuration(), before);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
}
