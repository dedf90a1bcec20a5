//! A message of any size, streamed: nobody holds it, neither the daemons nor this test.

use std::env;

use crate::harness::Service;
use crate::harness::daemon::Daemon;
use crate::harness::pop3::Pop3;
use crate::harness::site::{AYUMI, Door, KENJI, Site};

/// Octets of a block of lines, of which no two are alike.
const BLOCK: usize = 64 << 10;
/// Octets where nothing else is wanted; `cargo xtask test --long` wants more than 2^32.
const OCTETS: u64 = 16 << 20;
const HEADER: &str =
    "Subject: large\r\nDate: Mon, 25 Dec 2006 03:43:58 +0900\r\nMessage-ID: <1@client.example.org>\r\n\r\n";
/// KiB that a daemon may hold while the message goes through.
const MEMORY: u64 = 64 << 10;

/// The next block of the message.
fn number(block: &mut [u8], nth: u64) {
    block[..16].copy_from_slice(format!("{nth:016x}").as_bytes());
}

fn block() -> Vec<u8> {
    let mut block: Vec<u8> =
        (0..BLOCK / 64).flat_map(|line| format!("{line:062}\r\n").into_bytes()).collect();
    number(&mut block, 0);
    block
}

#[test]
fn l_01_a_message_of_any_size_comes_back_as_it_was_through_every_port() {
    let octets = env::var("YUBIN_TEST_OCTETS").map_or(OCTETS, |octets| octets.parse().unwrap());
    let site = Site::with_users();
    site.configure(&Site::configuration_with("[limits]\nmessage_size = 0\n"));
    let service = Service::serve(site);
    for (door, octets) in [(Door::Mx, octets), (Door::Submission, OCTETS), (Door::Submissions, OCTETS)] {
        let blocks = octets.div_ceil(BLOCK as u64);
        let declared = blocks * BLOCK as u64 + HEADER.len() as u64;
        send(&service, door, blocks, declared);
        fetch(&service, blocks, declared);
    }
}

fn send(service: &Service, door: Door, blocks: u64, declared: u64) {
    let mut smtp = service.smtp(door);
    let hello = smtp.hello();
    assert!(hello.lines.iter().any(|line| line == "SIZE" || line == "SIZE 0"), "{hello:?}");
    smtp.authenticate(&AYUMI);
    smtp.ask(&format!("MAIL FROM:<{}> SIZE={declared}", AYUMI.address), "250");
    smtp.ask(&format!("RCPT TO:<{}>", KENJI.address), "250");
    smtp.ask("DATA", "354");
    service.smtpd.forget_peak_memory();
    let mut block = block();
    smtp.wire.bytes(HEADER.as_bytes());
    for nth in 0..blocks {
        number(&mut block, nth);
        smtp.wire.bytes(&block);
    }
    smtp.ask(".", "250 2.0.0");
    assert_little(&service.smtpd);
    smtp.quit();
}

/// Fetches the only message, compares it as it comes, and removes it.
fn fetch(service: &Service, blocks: u64, declared: u64) {
    let mut pop3 = service.pop3(Door::Pop3);
    pop3.login(&KENJI);
    service.pop3d.forget_peak_memory();
    let (count, octets) = pop3.stat();
    assert_eq!(count, 1);
    pop3.ask("RETR 1", "+OK");
    let mut trace = 0;
    loop {
        let line = pop3.wire.next_line().unwrap();
        match HEADER.as_bytes().starts_with(&[&line[..], b"\r\n"].concat()) {
            true => break,
            false => trace += line.len() as u64 + 2,
        }
    }
    assert_eq!(octets, trace + declared);
    for expected in HEADER.split_terminator("\r\n").skip(1) {
        assert_eq!(pop3.wire.next_line().unwrap(), expected.as_bytes());
    }
    compare(&mut pop3, blocks);
    assert_eq!(pop3.wire.next_line().unwrap(), b".");
    assert_little(&service.pop3d);
    pop3.ask("DELE 1", "+OK");
    pop3.quit();
}

fn compare(pop3: &mut Pop3, blocks: u64) {
    let mut block = block();
    for nth in 0..blocks {
        number(&mut block, nth);
        assert!(pop3.wire.exactly(BLOCK) == block, "block {nth} of {blocks}");
    }
}

fn assert_little(daemon: &Daemon) {
    let peak = daemon.peak_memory();
    assert!(peak < MEMORY, "{peak} KiB");
}
