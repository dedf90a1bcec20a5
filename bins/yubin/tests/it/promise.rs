//! The order of system calls in which a message is accepted, as strace sees it.

use std::fs;
use std::process::{Command, Stdio};

use crate::clients::left_out;
use crate::harness::daemon::Daemon;
use crate::harness::mail::samples;
use crate::harness::programs::Program;
use crate::harness::site::{Door, KENJI, Site};
use crate::harness::smtp::Smtp;

/// A system call that has come back: its text, and between which lines of the trace it ran.
#[derive(Debug)]
struct Call {
    text: String,
    begun: usize,
    done: usize,
}

/// Reads strace's lines, and puts a call together again where another thread's stands in the middle of it.
fn calls(trace: &str) -> Vec<Call> {
    let mut unfinished: Vec<(&str, String, usize)> = Vec::new();
    let mut calls = Vec::new();
    for (number, line) in trace.lines().enumerate() {
        let (thread, text) = line.split_once(' ').unwrap();
        let text = text.trim_start();
        if let Some(begin) = text.strip_suffix(" <unfinished ...>") {
            unfinished.push((thread, begin.to_owned(), number));
        } else if let Some((_, end)) =
            text.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"))
        {
            let Some(at) = unfinished.iter().position(|(other, ..)| *other == thread) else { continue };
            let (_, begin, begun) = unfinished.remove(at);
            calls.push(Call { text: begin + end, begun, done: number });
        } else {
            calls.push(Call { text: text.to_owned(), begun: number, done: number });
        }
    }
    calls
}

/// The first call of one of these names behind line `after` whose text has all the words.
fn find<'c>(calls: &'c [Call], after: usize, names: &[&str], words: &[&str]) -> &'c Call {
    calls
        .iter()
        .filter(|call| call.begun > after)
        .find(|call| {
            let name = call.text.split('(').next().unwrap_or_default();
            names.contains(&name) && words.iter().all(|word| call.text.contains(word))
        })
        .unwrap_or_else(|| {
            let shown: Vec<_> = calls.iter().map(|call| call.text.as_str()).collect();
            panic!("no {names:?} with {words:?} behind line {after} in\n{}", shown.join("\n"))
        })
}

/// What writes, makes durable, gives a name, and replies.
const CALLS: &str =
    "trace=write,writev,pwrite64,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2,link,linkat";

#[test]
fn l_04_the_file_and_its_directory_are_on_disk_before_the_250() {
    if left_out() {
        return;
    }
    let site = Site::with_users();
    let mut command = Command::new("strace");
    // The daemon stays our own child (-D), and the trace names the files (-y).
    let trace = site.path("trace");
    command.args(["-D", "-f", "-q", "-y", "-s", "200", "-e", "signal=none", "-o"]).arg(&trace);
    command.args(["-e", CALLS]);
    command.arg("--").arg(Program::Smtpd.path()).arg("--config").arg(site.path("yubin.toml"));
    let daemon =
        Daemon::start(Program::Smtpd, command.stdin(Stdio::null()).env_remove("YUBIN_LOG"), Door::SMTP);

    let mut smtp = Smtp::greeted(site.connect(Door::Mx, daemon.address(Door::Mx)));
    smtp.hello();
    smtp.send_mail("friend@example.org", &[KENJI.address], &samples()[0].octets);
    smtp.quit();
    daemon.terminate();
    // strace holds the daemon's stderr open to its own end, so the trace is whole when the log is.
    let (status, log) = daemon.ended();
    assert!(status.success(), "{status}\n{log}");
    let trace = fs::read_to_string(trace).unwrap();

    let calls = calls(&trace);
    let written = find(&calls, 0, &["write", "writev", "pwrite64"], &["/tmp/", "Return-Path: "]);
    let synced = find(&calls, written.done, &["fsync", "fdatasync"], &["/tmp/", "= 0"]);
    let named = find(&calls, synced.done, &["rename", "renameat", "renameat2"], &["/tmp/", "/new/", "= 0"]);
    let kept = find(&calls, named.done, &["fsync"], &["/new>", "= 0"]);
    let replied =
        find(&calls, written.done, &["sendto", "write", "writev", "sendmsg"], &["<socket:", "\"250 "]);
    assert!(kept.done < replied.begun, "the 250 came before the directory was on disk\n{trace}");
}
