//! Messages looked through for viruses while they come in: clamd's word is there before `250` is.
//!
//! What a message costs meanwhile is [`MEMORY`]; what waits for clamd waits as [`VirusCheck::timeout`] says, and the client with it.

mod clamd;
mod judgement;
mod notice;
mod sender;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use daemon_kit::config::VirusCheck;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use clamd::Word;
pub(crate) use judgement::{Judgement, Stopped};
pub(crate) use sender::Check;
pub use sender::rule;

/// Octets that go to clamd at once. A message of less waits here for its end: a client that dawdles does not keep a connection.
const PIECE: usize = 32 << 10;
/// So long a clamd that has nothing to look through may think about its name.
const PING: Duration = Duration::from_secs(10);
/// What a message costs in octets: a piece that grows, one that waits, and one that is being written.
const MEMORY: u64 = 3 * PIECE as u64;

/// Who looks mail through, for all sessions.
#[derive(Debug)]
pub(crate) struct Scanner {
    settings: VirusCheck,
    connections: Arc<Semaphore>,
    /// Messages since the start with a virus, of which clamd said nothing of use, and that it was not shown.
    found: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
}

/// What came of looking a message through.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Clean,
    /// By this signature.
    Virus(String),
    /// Nothing is known of it; why.
    Failed(String),
    /// It has more octets than clamd shall see, or more of something than clamd looks through.
    OverSize,
}

/// A message that is being looked through. Dropped before its end, it lets go of clamd.
#[derive(Debug)]
pub(crate) struct Scan {
    scanner: Arc<Scanner>,
    octets: u64,
    /// For so long clamd may still keep it waiting.
    patience: Duration,
    piece: Vec<u8>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Clamd has not seen anything.
    Gathering,
    Feeding {
        pieces: mpsc::Sender<Bytes>,
        word: AbortOnDropHandle<Result<Word, String>>,
    },
    /// Nothing more is sent: clamd does not listen any more.
    Cut(AbortOnDropHandle<Result<Word, String>>),
    Known(Outcome),
}

impl Scanner {
    pub(crate) fn new(settings: VirusCheck) -> Self {
        let connections = usize::try_from(settings.connections).unwrap_or(usize::MAX);
        Self {
            connections: Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))),
            settings,
            found: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        }
    }

    /// Whether clamd is there, and which one it is.
    pub(crate) async fn version(settings: &VirusCheck) -> Result<String, String> {
        let within = settings.timeout.min(PING);
        timeout(within, clamd::version(&settings.clamd)).await.unwrap_or_else(|_| Err(no_answer(within)))
    }
}

fn no_answer(within: Duration) -> String {
    format!("no answer within {} s", within.as_secs_f32())
}

impl Scan {
    /// Of a message that begins with these octets, by which clamd knows that it is one.
    pub(crate) fn new(scanner: &Arc<Scanner>, trace: &[u8]) -> Self {
        Self {
            scanner: scanner.clone(),
            octets: trace.len() as u64,
            patience: scanner.settings.timeout,
            piece: trace.to_vec(),
            stage: Stage::Gathering,
        }
    }

    /// The message may be held at its end.
    pub(crate) fn may_hold(&self) -> bool {
        self.scanner.settings.may_hold()
    }

    /// The next octets. Waits as long as clamd takes none, and is allowed to.
    pub(crate) async fn feed(&mut self, mut octets: &[u8]) {
        self.octets += octets.len() as u64;
        if self.scanner.settings.max_size.is_some_and(|most| self.octets > most) {
            self.know(Outcome::OverSize);
        }
        while !matches!(self.stage, Stage::Known(_) | Stage::Cut(_)) && !octets.is_empty() {
            let (now, later) = octets.split_at(octets.len().min(PIECE.saturating_sub(self.piece.len())));
            self.piece.extend_from_slice(now);
            octets = later;
            if self.piece.len() >= PIECE {
                self.send().await;
            }
        }
    }

    /// The message is complete.
    pub(crate) async fn finish(mut self) -> Outcome {
        if !self.piece.is_empty() {
            self.send().await;
        }
        let word = match mem::replace(&mut self.stage, Stage::Gathering) {
            Stage::Known(outcome) => return outcome,
            // That a message is empty nobody needs to be told.
            Stage::Gathering => return Outcome::Clean,
            // What clamd reads as the end is that nobody can send any more.
            Stage::Feeding { word, .. } | Stage::Cut(word) => word,
        };
        match timeout(self.patience, word).await {
            Ok(Ok(Ok(Word::Clean))) => Outcome::Clean,
            Ok(Ok(Ok(Word::Virus(name)))) => Outcome::Virus(name),
            Ok(Ok(Ok(Word::Exceeded))) => Outcome::OverSize,
            Ok(Ok(Err(reason))) => Outcome::Failed(reason),
            Ok(Err(broken)) => Outcome::Failed(broken.to_string()),
            Err(_) => Outcome::Failed(no_answer(self.scanner.settings.timeout)),
        }
    }

    /// Nothing more is to be found out, and clamd is left alone.
    fn know(&mut self, outcome: Outcome) {
        (self.stage, self.piece) = (Stage::Known(outcome), Vec::new());
    }

    async fn send(&mut self) {
        let piece = Bytes::from(mem::take(&mut self.piece));
        if matches!(self.stage, Stage::Gathering) {
            self.start();
        }
        let Stage::Feeding { pieces, .. } = &self.stage else { return };
        let since = Instant::now();
        let sent = timeout(self.patience, pieces.send(piece)).await;
        self.patience = self.patience.saturating_sub(since.elapsed());
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(_)) => self.cut(),
            Err(_) => self.know(Outcome::Failed(no_answer(self.scanner.settings.timeout))),
        }
    }

    /// Clamd, or the way to it, has ended early: what it said is asked for at the end.
    fn cut(&mut self) {
        self.stage = match mem::replace(&mut self.stage, Stage::Gathering) {
            Stage::Feeding { word, .. } => Stage::Cut(word),
            other => other,
        };
    }

    fn start(&mut self) {
        let (pieces, receiver) = mpsc::channel(1);
        let scanner = self.scanner.clone();
        let task = tokio::spawn(async move {
            // It is given back when the word is there, or nobody waits for one.
            let _connection = scanner.connections.acquire().await.map_err(|closed| closed.to_string())?;
            clamd::scan(&scanner.settings.clamd, receiver, PIECE).await
        });
        self.stage = Stage::Feeding { pieces, word: AbortOnDropHandle::new(task) };
    }
}
