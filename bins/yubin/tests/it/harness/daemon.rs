//! A daemon as a process: started, watched by its log, stopped in every way that a process can stop.

use std::cell::Cell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::programs::Program;
use super::site::Door;

/// A guard against waiting for ever for an event that never comes; no test measures it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Daemon {
    program: Program,
    child: Child,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
    doors: Vec<(Door, SocketAddr)>,
}

/// The lines that the daemon has written so far.
#[derive(Default)]
struct Log {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Default)]
struct LogState {
    lines: Vec<String>,
    ended: bool,
}

impl Daemon {
    /// Starts it, and comes back when it has said that it listens at every door.
    pub(crate) fn start(
        program: Program,
        command: &mut Command,
        doors: impl IntoIterator<Item = Door>,
    ) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Log::default());
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || log.gather(stderr)
        });
        let mut daemon = Self { program, child, log, reader: Some(reader), doors: Vec::new() };
        for door in doors {
            let address = daemon.wait_for(&format!("a listener at {}", door.ip()), |event| {
                let address: SocketAddr = event["address"].as_str()?.parse().ok()?;
                (event["event"] == "listener_ready" && address.ip() == door.ip()).then_some(address)
            });
            daemon.doors.push((door, address));
        }
        daemon
    }

    pub(crate) fn address(&self, door: Door) -> SocketAddr {
        let found = self.doors.iter().find(|(other, _)| *other == door);
        found.unwrap_or_else(|| panic!("{} has no door {door:?}", self.program.name())).1
    }

    /// The first event in the log, past or to come, of which `wanted` makes something.
    pub(crate) fn wait_for<T>(&self, what: &str, wanted: impl Fn(&Value) -> Option<T>) -> T {
        let mut seen = 0;
        while let Some(lines) = self.log.next_lines(seen) {
            seen += lines.len();
            let mut events = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
            if let Some(found) = events.find_map(|event| wanted(&event)) {
                return found;
            }
        }
        panic!("{} never said: {what}\n{}", self.program.name(), self.log())
    }

    /// Waits until the log, from its beginning, has `count` events of this name.
    pub(crate) fn wait_for_events(&self, name: &str, count: usize) {
        let seen = Cell::new(0);
        self.wait_for(name, |event| {
            seen.set(seen.get() + usize::from(event["event"] == name));
            (seen.get() == count).then_some(())
        });
    }

    /// Everything in the log so far.
    pub(crate) fn log(&self) -> String {
        self.log.state.lock().unwrap().lines.join("\n")
    }

    /// SIGTERM: the daemon finishes what it has begun, and ends.
    pub(crate) fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// SIGHUP: the daemon reads its configuration again.
    pub(crate) fn hang_up(&self) {
        kill_process(self.pid(), Signal::HUP).unwrap();
    }

    /// The end of the process, and everything that it wrote.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        (status, self.log())
    }

    /// `kill -9`: no word, no clean-up.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Lets the peak begin anew at what the process holds now (proc(5), `clear_refs`).
    pub(crate) fn forget_peak_memory(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }

    /// The most memory that the process held since then, in KiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}", self.program.name(), self.log());
        }
    }
}

impl Log {
    /// The lines after the first `seen`, as soon as there are any; none when the program has ended, or says nothing.
    fn next_lines(&self, seen: usize) -> Option<Vec<String>> {
        let state = self.state.lock().unwrap();
        let silent = |state: &mut LogState| state.lines.len() == seen && !state.ended;
        let (state, _) = self.changed.wait_timeout_while(state, PATIENCE, silent).unwrap();
        (state.lines.len() > seen).then(|| state.lines[seen..].to_vec())
    }

    fn gather(&self, lines: impl BufRead) {
        for line in lines.split(b'\n') {
            // A killed process may leave half a character.
            let Ok(line) = line else { break };
            self.state.lock().unwrap().lines.push(String::from_utf8_lossy(&line).into_owned());
            self.changed.notify_all();
        }
        self.state.lock().unwrap().ended = true;
        self.changed.notify_all();
    }
}
