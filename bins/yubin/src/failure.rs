//! Why a command did not do what it was told, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

use accounts::{AdminError, OpenError, Unavailable};

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
            Self::Refused(_) => ExitCode::from(1),
            Self::Configuration(_) => ExitCode::from(78),
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
        match error {
            // It may be back in a minute; nothing needs to be written differently.
            OpenError::Unreachable { .. } => Self::Refused(error.to_string()),
            _ => Self::Configuration(error.to_string()),
        }
    }
}

impl From<mailstore::Error> for Failure {
    fn from(error: mailstore::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
