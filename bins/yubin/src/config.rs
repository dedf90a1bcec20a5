//! The configuration file: which one, and what this command needs of it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use accounts::{Accounts, DatabaseConfig};
use daemon_kit::config::Config;
use rustix::process::geteuid;

use crate::failure::Failure;
use crate::owner;

/// Where the configuration is looked for when `--config` is not given, in this order.
const PLACES: [&str; 2] = ["yubin-data/yubin.toml", "/etc/yubin/yubin.toml"];

/// The configuration, read and without faults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The whole of it.
    pub config: Config,
    /// Of logins that name no other; nothing for the default one.
    pub brand: Option<String>,
}

impl Settings {
    /// Reads the named file, or the first that exists of the usual ones.
    ///
    /// # Errors
    /// [`Failure::Configuration`] with every fault of the file.
    pub fn load(named: Option<&Path>) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => found()?,
        };
        let config = Config::load(path).map_err(|faults| Failure::Configuration(faults.to_string()))?;
        Ok(Self { config, brand: None })
    }

    /// The same with logins of this brand.
    #[must_use]
    pub fn of_brand(self, brand: Option<String>) -> Self {
        Self { brand, ..self }
    }

    /// Where the account database is.
    #[must_use]
    pub fn database(&self) -> DatabaseConfig {
        DatabaseConfig {
            url: self.config.accounts.database.clone(),
            apop_key: self.config.accounts.apop_key.clone(),
        }
    }

    /// Opens the account database.
    ///
    /// # Errors
    /// [`Failure`], naming the next step.
    pub async fn accounts(&self) -> Result<Accounts, Failure> {
        let accounts = Accounts::open(&self.database()).await?.acting_as(&operator());
        let accounts = accounts.at_brand(self.brand.as_deref());
        accounts.brand_must_exist().await?;
        Ok(accounts)
    }

    /// The directory of a mailbox.
    #[must_use]
    pub fn maildir(&self, mailbox: &str) -> PathBuf {
        self.config.store.maildirs.join(mailbox)
    }
}

/// Who gave the command, for the audit log: the name behind `sudo`, else the user's own.
fn operator() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|variable| std::env::var(variable).ok());
    name.unwrap_or_else(|| format!("uid {}", owner::giver().as_raw()))
}

/// The first that exists. One that somebody else left in the directory where we stand would decide what we make, and where.
fn found() -> Result<PathBuf, Failure> {
    let path = PLACES.iter().map(PathBuf::from).find(|path| path.exists()).ok_or_else(nowhere)?;
    let owner = std::fs::metadata(&path).map(|file| file.uid());
    let ours = [geteuid().as_raw(), 0];
    match owner {
        Ok(owner) if path.is_relative() && !ours.contains(&owner) => Err(Failure::Refused(format!(
            "{} belongs to somebody else; if it is meant, name it: yubin --config {0}",
            path.display()
        ))),
        _ => Ok(path),
    }
}

fn nowhere() -> Failure {
    Failure::Configuration(format!(
        "there is no configuration: neither {} exists; name one with --config FILE, or run: yubin quickstart",
        PLACES.join(" nor ")
    ))
}
