//! `[virus_check]`: who looks mail through for viruses, and what is done with what is found, or not.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::fault::Wrong;
use super::listener::words;
use super::section::{At, Section};
use super::value::{Count, Long, Scalar, Size, word};
use crate::limits;

/// `[virus_check]`; without the section nothing is looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirusCheck {
    /// Who does it.
    pub clamd: Clamd,
    /// How long it may keep a message waiting: for a connection, until it takes the octets, and for its word, in all.
    pub timeout: Duration,
    /// Messages that it has at once.
    pub connections: u32,
    /// Of a message with more octets it sees nothing; none is no limit.
    pub max_size: Option<u64>,
    /// What becomes of such a message.
    pub over_size: OverSize,
    /// What becomes of a message with a virus.
    pub on_virus: OnVirus,
    /// What becomes of a message of which it says nothing, or nothing of use.
    pub on_fail: OnFail,
    /// The owner of a mailbox here is told that a virus for it was stopped, at most once in so long; none: nobody is.
    pub owner_notice: Option<Duration>,
}

/// `clamd`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clamd {
    /// `"unix:PATH"`, the path made relative to the file's directory.
    Unix(PathBuf),
    /// `"HOST:PORT"`
    Tcp(String),
}

impl std::fmt::Display for Clamd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => f.write_str(address),
        }
    }
}

/// `over_size`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverSize {
    /// `"accept"`: it is taken as it is, and that is logged.
    Accept,
    /// `"reject"`: `552 5.3.4`.
    Reject,
    /// `"hold"`: an operator decides.
    Hold,
}

/// `on_virus`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnVirus {
    /// `"reject"`: `554 5.7.1`.
    Reject,
    /// `"hold"`: an operator decides.
    Hold,
}

/// `on_fail`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFail {
    /// `"tempfail"`: `451 4.7.1`, and the client tries again.
    Tempfail,
    /// `"accept"`: it is taken as it is, and that is logged.
    Accept,
    /// `"hold"`: an operator decides.
    Hold,
}

words!(OverSize, "\"accept\", \"reject\" or \"hold\"": "accept" = Accept, "reject" = Reject, "hold" = Hold);
words!(OnVirus, "\"reject\" or \"hold\"": "reject" = Reject, "hold" = Hold);
words!(OnFail, "\"tempfail\", \"accept\" or \"hold\"": "tempfail" = Tempfail, "accept" = Accept, "hold" = Hold);

impl VirusCheck {
    /// Whether a message may come into an operator's hands.
    pub fn may_hold(&self) -> bool {
        self.over_size == OverSize::Hold || self.on_virus == OnVirus::Hold || self.on_fail == OnFail::Hold
    }
}

/// None means that a fault was reported. `outbound`: an agent runs, which takes an operator's orders.
pub(super) fn read(section: Section<'_>, base: &Path, outbound: bool) -> Option<VirusCheck> {
    let clamd =
        section.required::<Clamd>("clamd", "\"unix:/run/clamav/clamd.ctl\"").map(|at| match at.value {
            Clamd::Unix(path) => Clamd::Unix(base.join(path)),
            tcp @ Clamd::Tcp(_) => tcp,
        });
    let timeout = section.optional("timeout").or(limits::VIRUS_CHECK);
    let connections = section.optional::<Count>("connections").given();
    let max_size = section.optional::<Size>("max_size").given();
    let over_size = section.optional::<OverSize>("over_size").given();
    let on_virus = section.optional::<OnVirus>("on_virus").given();
    let on_fail = section.optional::<OnFail>("on_fail").given();
    let owner_notice = section.optional::<Long>("owner_notice").given().and_then(|at| at.value.0);
    let holds = [
        over_size.as_ref().filter(|at| at.value == OverSize::Hold).map(|at| &at.span),
        on_virus.as_ref().filter(|at| at.value == OnVirus::Hold).map(|at| &at.span),
        on_fail.as_ref().filter(|at| at.value == OnFail::Hold).map(|at| &at.span),
    ];
    for span in holds.into_iter().flatten().filter(|_| !outbound) {
        let what = "nobody could release what is held: the queue takes orders only where mail leaves for other hosts";
        section.report(span, Wrong::new(what, "enabled = true in [outbound], or another word here"));
    }
    section.finish();
    Some(VirusCheck {
        clamd: clamd?,
        timeout,
        connections: connections.map_or(limits::VIRUS_CHECK_CONNECTIONS, |at| at.value.0.unwrap_or(u32::MAX)),
        max_size: match max_size {
            Some(At { value: Size(most), .. }) => most.map(u64::from),
            None => Some(limits::VIRUS_CHECK_SIZE),
        },
        over_size: over_size.map_or(OverSize::Accept, |at| at.value),
        on_virus: on_virus.map_or(OnVirus::Reject, |at| at.value),
        on_fail: on_fail.map_or(OnFail::Tempfail, |at| at.value),
        owner_notice,
    })
}

impl Scalar for Clamd {
    const EXAMPLE: &'static str = "\"unix:/run/clamav/clamd.ctl\" or \"127.0.0.1:3310\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let given = String::read(value).map_err(|wrong| Wrong::new(wrong.what, Self::EXAMPLE))?;
        if let Some(path) = given.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        let port = given.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains('/'));
        match port.and_then(|(_, port)| port.parse::<u16>().ok()) {
            Some(1..) => Ok(Self::Tcp(given)),
            _ => {
                Err(Wrong::new(format!("\"{}\" is no place of a clamd", given.escape_debug()), Self::EXAMPLE))
            }
        }
    }
}
