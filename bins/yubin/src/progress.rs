//! How far a long command is, on stderr: one line that is written over on a terminal, and now and then a line elsewhere.

use std::io::{self, IsTerminal, Write as _};
use std::time::{Duration, Instant};

/// How often a log gets a line.
const LINES: Duration = Duration::from_secs(30);
/// How often a terminal is written to.
const LOOKS: Duration = Duration::from_millis(200);

/// What a command says of itself while it works.
#[derive(Debug)]
pub(crate) struct Progress {
    terminal: bool,
    last: Instant,
    width: usize,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), last: Instant::now(), width: 0 }
    }

    /// To be called often; `text` is asked for where it is shown.
    pub(crate) fn show(&mut self, text: impl FnOnce() -> String) {
        if self.last.elapsed() < if self.terminal { LOOKS } else { LINES } {
            return;
        }
        self.last = Instant::now();
        let text = text();
        let mut stderr = io::stderr().lock();
        // Nobody is told less than the truth if this cannot be written.
        let _ = match self.terminal {
            true => write!(stderr, "\r{text:width$}", width = self.width),
            false => writeln!(stderr, "{text}"),
        };
        let _ = stderr.flush();
        self.width = text.chars().count();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.width > 0 && self.terminal {
            let _ = write!(io::stderr(), "\r{:width$}\r", "", width = self.width);
        }
    }
}
