//! Plays a script and compares what happens with what it says.

use std::collections::VecDeque;
use std::path::Path;

use crate::script::{Item, Line, Script, show};
use crate::{Happening, Machine};

/// Runs every `*.txt` script of a directory. `make` makes a machine from a script's options.
///
/// # Panics
///
/// With the script's name, line and the call so far, at the first difference; and when the directory holds no script.
pub fn run_directory<M: Machine>(directory: impl AsRef<Path>, make: impl Fn(&[(String, String)]) -> M) {
    let directory = directory.as_ref();
    let entries = std::fs::read_dir(directory).map(|entries| entries.flatten().map(|entry| entry.path()));
    let mut scripts: Vec<_> = entries
        .into_iter()
        .flatten()
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty(), "no script in {}", directory.display());
    for path in scripts {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(!text.is_empty(), "{}: empty or unreadable", path.display());
        run(&path.display().to_string(), &text, &make);
    }
}

/// Runs one script whole, octet by octet, and at random cuts.
///
/// # Panics
///
/// With the script's name, line and the call so far, at the first difference.
pub fn run<M: Machine>(name: &str, text: &str, make: impl Fn(&[(String, String)]) -> M) {
    let script = match Script::parse(text) {
        Ok(script) => script,
        Err(why) => fail(name, &why),
    };
    let seeds = (1..=24).map(Cut::Random);
    for cut in [Cut::Whole, Cut::Octets].into_iter().chain(seeds) {
        let mut call = Call::new(make(&script.options), cut);
        if let Err(why) = call.play(&script.lines) {
            fail(name, &format!("{why}\n(fed {cut:?}) the call so far:\n{}", call.log));
        }
    }
}

#[expect(clippy::panic, reason = "a test's failure")]
fn fail(name: &str, why: &str) -> ! {
    panic!("{name}: {why}")
}

#[derive(Clone, Copy, Debug)]
enum Cut {
    Octets,
    Random(u64),
    Whole,
}

impl Cut {
    /// How many of `left` octets come with the next read.
    fn next(&mut self, left: usize) -> usize {
        match self {
            Self::Octets => 1,
            Self::Random(state) => {
                // xorshift64: repeatable, and no dependency for it.
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                let short = usize::try_from(*state % 7).unwrap_or(0) + 1;
                let long = usize::try_from(*state >> 32).unwrap_or(0) % left + 1;
                if *state % 3 == 0 { long } else { short.min(left) }
            }
            Self::Whole => left,
        }
    }
}

struct Call<M> {
    machine: M,
    cut: Cut,
    /// The client's octets that are sent but not yet read.
    wire: VecDeque<u8>,
    /// What was read and not yet consumed.
    input: Vec<u8>,
    out: Vec<u8>,
    /// An event that was reached while looking for the octets before it.
    ahead: Option<Happening>,
    closed: bool,
    log: String,
}

impl<M: Machine> Call<M> {
    fn new(mut machine: M, cut: Cut) -> Self {
        let mut out = Vec::new();
        machine.greet(&mut out);
        Self {
            machine,
            cut,
            wire: VecDeque::new(),
            input: Vec::new(),
            out,
            ahead: None,
            closed: false,
            log: String::new(),
        }
    }

    fn play(&mut self, lines: &[Line]) -> Result<(), String> {
        for Line { number, item } in lines {
            self.item(item).map_err(|why| format!("line {number}: {why}"))?;
        }
        if let Some(event) = self.happen() {
            return Err(format!("at the end, unexpected: {event:?}"));
        }
        match self.out.as_slice() {
            [] => Ok(()),
            out => Err(format!("at the end, unexpected:\n{}", show('S', out))),
        }
    }

    fn item(&mut self, item: &Item) -> Result<(), String> {
        match item {
            Item::Client(octets) => {
                self.log += &show('C', octets);
                self.wire.extend(octets);
                Ok(())
            }
            Item::Server(wanted) => self.server(wanted),
            Item::Body(wanted) => self.body(wanted),
            Item::Event { text, answer } => self.event(text, answer.as_deref()),
            Item::Tls => {
                self.log += "~ tls\n";
                self.machine.tls_established();
                Ok(())
            }
            Item::Close if self.closed => Ok(()),
            Item::Close => Err("the machine has not closed".into()),
        }
    }

    fn server(&mut self, wanted: &[u8]) -> Result<(), String> {
        while self.out.len() < wanted.len() && self.ahead.is_none() {
            self.ahead = self.happen();
            if self.ahead.is_none() {
                break;
            }
        }
        let come = self.out.len().min(wanted.len());
        let got: Vec<u8> = self.out.drain(..come).collect();
        self.log += &show('S', &got);
        match got == wanted {
            true => Ok(()),
            false => {
                let more = show('S', &self.out);
                Err(format!(
                    "wanted\n{}came\n{}{more}then {:?}",
                    show('S', wanted),
                    show('S', &got),
                    self.ahead
                ))
            }
        }
    }

    fn body(&mut self, wanted: &[u8]) -> Result<(), String> {
        let mut got = Vec::new();
        while got.len() < wanted.len() {
            match self.ahead.take().or_else(|| self.happen()) {
                Some(Happening::Body(octets)) => got.extend(octets),
                other => {
                    return Err(format!(
                        "wanted\n{}came\n{}then {other:?}",
                        show('B', wanted),
                        show('B', &got)
                    ));
                }
            }
        }
        let rest = got.split_off(wanted.len());
        if !rest.is_empty() {
            self.ahead = Some(Happening::Body(rest));
        }
        self.log += &show('B', &got);
        match got == wanted {
            true => Ok(()),
            false => Err(format!("wanted\n{}came\n{}", show('B', wanted), show('B', &got))),
        }
    }

    fn event(&mut self, wanted: &str, answer: Option<&str>) -> Result<(), String> {
        if !self.out.is_empty() {
            return Err(format!("wanted the event {wanted}, came\n{}", show('S', &self.out)));
        }
        let (text, asked) = match self.ahead.take().or_else(|| self.happen()) {
            Some(Happening::Asked(text)) => (text, true),
            Some(Happening::Told(text)) => (text, false),
            Some(Happening::Closed(text)) => {
                self.closed = true;
                (text, false)
            }
            other => return Err(format!("wanted the event {wanted}, came {other:?}")),
        };
        if !self.out.is_empty() {
            return Err(format!("before the event {text} came\n{}", show('S', &self.out)));
        }
        self.log += &format!("E: {text}\n");
        match (text == wanted, asked, answer) {
            (false, ..) => Err(format!("wanted the event {wanted}, came {text}")),
            (true, true, Some(answer)) => {
                self.machine.answer(answer, &mut self.out);
                Ok(())
            }
            (true, false, None) => Ok(()),
            (true, true, None) => Err(format!("{text} is a question and wants an answer")),
            (true, false, Some(_)) => Err(format!("{text} is no question")),
        }
    }

    /// Steps the machine, reading from the wire as the cut says, until something happens or the wire is empty. Octets that the
    /// machine writes are happening enough only when something is waited for: they gather in `out`.
    fn happen(&mut self) -> Option<Happening> {
        while !self.closed {
            let (consumed, happening) = self.machine.step(&self.input, &mut self.out);
            assert!(consumed <= self.input.len(), "consumed more than there was");
            self.input.drain(..consumed);
            match happening {
                Happening::NeedInput if self.wire.is_empty() => return None,
                Happening::NeedInput => {
                    let come = self.cut.next(self.wire.len());
                    self.input.extend(self.wire.drain(..come));
                }
                happening => return Some(happening),
            }
        }
        None
    }
}
