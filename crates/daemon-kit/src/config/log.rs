//! `[log]`: how events are written.

use toml::de::DeValue;

use super::fault::Wrong;
use super::section::Section;
use super::value::{Scalar, word};

/// `[log]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// For people or for programs.
    pub format: LogFormat,
    /// The least important level that is written.
    pub level: tracing::Level,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `TIME LEVEL event key=value …`
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: tracing::Level::INFO }
    }
}

pub(super) fn read(section: Section<'_>) -> Log {
    let default = Log::default();
    let format = section.optional("format").or(default.format);
    let level = section.optional("level").or(default.level);
    section.finish();
    Log { format, level }
}

impl Scalar for LogFormat {
    const EXAMPLE: &'static str = "\"text\" or \"json\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        word(value, &[("text", Self::Text), ("json", Self::Json)])
    }
}

impl Scalar for tracing::Level {
    const EXAMPLE: &'static str = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        word(
            value,
            &[
                ("error", Self::ERROR),
                ("warn", Self::WARN),
                ("info", Self::INFO),
                ("debug", Self::DEBUG),
                ("trace", Self::TRACE),
            ],
        )
    }
}
