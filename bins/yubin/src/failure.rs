//! Why a command did not do what it was told, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

use accounts::{AdminError, OpenError, Unavailable};
use daemon_kit::daemon::{EXIT_CONFIG, EXIT_FAILED};

/// Not done. Wrong usage (exit 2) is told by the argument parser before it comes to this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Refused with a reason, or not possible now: exit 1.
    Refused(String),
    /// The configuration, or what it names, must be repaired first: exit 78 (`EX_CONFIG`).
    Configuration(String),
}

impl Failure {
    /// As `main` returns it.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => ExitCode::from(EXIT_FAILED),
            Self::Configuration(_) => ExitCode::from(EXIT_CONFIG),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Configuration(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error.needs_repair() {
            false => Self::Refused(error.to_string()),
            true => Self::Configuration(error.to_string()),
        }
    }
}

impl From<mailstore::Error> for Failure {
    fn from(error: mailstore::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
