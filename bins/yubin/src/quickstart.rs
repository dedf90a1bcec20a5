//! `yubin quickstart`: a working service on 127.0.0.1 from nothing.

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;

/// How to start.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Where everything is kept; a second start keeps it
    #[arg(long, value_name = "DIR", default_value = "yubin-data")]
    pub data: PathBuf,
    /// Each service listens on its standard port plus this
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub port_offset: u16,
    /// Check that mail goes in and comes out, then end: exit 0 if it did
    #[arg(long)]
    pub once: bool,
}

const EXAMPLES: &str = "\
Examples:
  yubin quickstart
  yubin quickstart --once
  yubin quickstart --data /tmp/try --port-offset 3000";

/// Starts it.
///
/// # Errors
/// [`Failure`].
pub async fn run(_arguments: Arguments) -> Result<(), Failure> {
    Err(Failure::Refused("quickstart is not part of this program yet".into()))
}
