//! `yubin backup`, `restore` and `verify`: everybody's mail and the accounts a second time, and back.

mod list;
mod place;
mod prune;
mod queue;
pub mod restore;
mod resume;
mod run;
pub mod take;
pub mod verify;

use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Output;

/// Takes a backup.
pub(crate) async fn take(
    settings: &Settings,
    arguments: take::Arguments,
    output: Output,
) -> Result<(), Failure> {
    take::run(settings, arguments, output).await
}

/// Puts mail back.
pub(crate) async fn restore(
    settings: &Settings,
    arguments: restore::Arguments,
    output: Output,
) -> Result<(), Failure> {
    restore::run(settings, arguments, output).await
}

/// Reads a backup.
pub(crate) async fn verify(
    settings: &Settings,
    arguments: verify::Arguments,
    output: Output,
) -> Result<(), Failure> {
    verify::run(settings, arguments, output).await
}

/// The one that is named, or that of the configuration.
fn directory(settings: &Settings, named: Option<&Path>) -> Result<PathBuf, Failure> {
    let found = named.or(settings.config.backup.directory.as_deref());
    found.map(Path::to_owned).ok_or_else(|| {
        Failure::Refused("say where backups are: name a directory, or set directory in [backup]".into())
    })
}

fn octets_argument(text: &str) -> Result<u64, String> {
    daemon_kit::config::octets(text)
        .filter(|octets| *octets > 0)
        .ok_or_else(|| "write a size such as 1GiB".into())
}
