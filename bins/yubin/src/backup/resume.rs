//! A restoration of everything that was interrupted goes on: the accounts are in the database already then, and only a note beside the
//! mail tells that the rest of the backup is still to come.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use accounts::{Accounts, OpenError};
use mailstore::Draft;
use mailstore::files::{Disk, Files as _, make_dir_durable};

use super::place::{Place, failed};
use crate::config::Settings;
use crate::failure::Failure;

/// No mailbox has such a name.
const NOTE: &str = ".restoring";

/// The note that a backup is being restored: it is there from before the accounts are until all the mail is.
#[derive(Debug)]
pub(super) struct Note {
    directory: PathBuf,
}

impl Note {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { directory: settings.config.store.maildirs.clone() }
    }

    fn path(&self) -> PathBuf {
        self.directory.join(NOTE)
    }

    /// The backup whose restoration was begun, if this place still has it.
    pub(super) fn begun(&self, place: &Place) -> Result<Option<String>, Failure> {
        let name = match fs::read_to_string(self.path()) {
            Ok(text) => text.trim_end().to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &self.path(), &error)),
        };
        Ok(place.runs()?.contains(&name).then_some(name))
    }

    /// Durable before the first account is restored.
    pub(super) fn begin(&self, backup: &str) -> Result<(), Failure> {
        make_dir_durable(&Disk, &self.directory)?;
        let path = self.path();
        let draft = path.with_extension("draft");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &draft, &error));
            }
            _ => {}
        }
        let writing = Draft::create(Arc::new(Disk), draft.clone());
        let mut writing = writing.map_err(|error| failed("create", &draft, &error))?;
        writing.write(format!("{backup}\n").as_bytes()).and_then(|()| writing.sync())?;
        writing.replace(&path)?;
        Disk.sync_dir(&self.directory).map_err(|error| failed("sync", &self.directory, &error))
    }

    /// Nothing is left to come.
    pub(super) fn end(&self) -> Result<(), Failure> {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &self.path(), &error))
            }
            _ => Ok(()),
        }
    }
}

/// Whether there is an account database with something in it. One that a restoration left older than this program, `begun`, is brought up
/// to date.
pub(super) async fn is_filled(settings: &Settings, begun: bool) -> Result<bool, Failure> {
    let database = settings.database();
    let accounts = match Accounts::open(&database).await {
        Ok(accounts) => accounts,
        Err(OpenError::Outdated { .. }) if begun => Accounts::create(&database).await?,
        Err(OpenError::Missing { .. } | OpenError::Outdated { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let filled = !accounts.account_list().await?.is_empty() || !accounts.domain_list().await?.is_empty();
    accounts.close().await;
    Ok(filled)
}
