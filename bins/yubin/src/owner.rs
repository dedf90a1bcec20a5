//! Whose files a command makes: root's would be closed to the daemons.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Gid, Uid};
use rustix::process::{geteuid, getuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_keep_capabilities, set_thread_gid,
    set_thread_groups, set_thread_res_uid,
};

use crate::config::Settings;
use crate::failure::Failure;
use crate::{Command, account, check};

/// Set once, when root has become somebody else.
static STEPPED_DOWN: OnceLock<()> = OnceLock::new();

/// The user who gave the command.
pub(crate) fn giver() -> Uid {
    if STEPPED_DOWN.get().is_some() { Uid::ROOT } else { getuid() }
}

/// As whom a command works when root gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Actor {
    /// Root: it makes what root configures, writes where the operator says, or only reads.
    Root,
    /// Who owns what it writes into.
    Owner,
    /// The same, but it reads what root may read: another server's mail, a backup, a table with passwords.
    OwnerReadingAll,
}

impl Actor {
    fn of(command: &Command) -> Self {
        match command {
            Command::Check(check::Arguments { create: true, dry_run: false }) => Self::OwnerReadingAll,
            Command::Account(account::Command::Issue(_)) | Command::Import(_) | Command::Restore(_) => {
                Self::OwnerReadingAll
            }
            Command::Account(_)
            | Command::Address(_)
            | Command::Bans(_)
            | Command::Brand(_)
            | Command::Domain(_)
            | Command::Expire(_)
            | Command::Plan(_)
            | Command::Queue(_)
            | Command::Quota(_) => Self::Owner,
            Command::Audit(_)
            | Command::Backup(_)
            | Command::Check(_)
            | Command::Completions(_)
            | Command::Diagnose(_)
            | Command::Explain(_)
            | Command::Export(_)
            | Command::Guide(_)
            | Command::Init(_)
            | Command::Man(_)
            | Command::Network(_)
            | Command::Quickstart(_)
            | Command::Report(_)
            | Command::Verify(_) => Self::Root,
        }
    }
}

/// Becomes, where root gives a command that writes into the Maildirs, the queue or the database, who owns them. The configuration is read
/// before, and returned. Only for a process that has no second thread yet: the system changes one at a time, and later ones inherit it.
///
/// # Errors
/// The configuration cannot be read, or the system does not let us.
pub(crate) fn step_down(command: &Command, config: Option<&Path>) -> Result<Option<Settings>, Failure> {
    let actor = Actor::of(command);
    if actor == Actor::Root || !geteuid().is_root() {
        return Ok(None);
    }
    let settings = Settings::load(config)?;
    let places = places(&settings);
    if let Some((uid, group)) = places.iter().filter_map(|place| owner(place)).find(|(uid, _)| *uid != 0) {
        step_down_to(uid, group, actor).map_err(|error| {
            let user = user(uid);
            Failure::Refused(format!(
                "cannot become {user}, whose the mail is ({error}); run: runuser -u {user} -- yubin …"
            ))
        })?;
    }
    Ok(Some(settings))
}

/// A user's name, or its number where it has none here.
fn user(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    });
    name.map_or_else(|| uid.to_string(), str::to_owned)
}

/// Where the command writes; what says most about whose it is comes first.
fn places(settings: &Settings) -> Vec<PathBuf> {
    let store = &settings.config.store;
    let database = settings.database().file();
    let database = database.and_then(|file| file.parent().map(Path::to_owned));
    [Some(store.maildirs.clone()), database, Some(store.queue.clone())].into_iter().flatten().collect()
}

/// User and group of a directory, or of the one in which it will be made.
fn owner(place: &Path) -> Option<(u32, u32)> {
    let place = std::path::absolute(place).ok()?;
    let found = place.ancestors().take(2).find_map(|path| path.metadata().ok())?;
    Some((found.uid(), found.gid()))
}

fn step_down_to(user: u32, group: u32, actor: Actor) -> rustix::io::Result<()> {
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    let permitted = capabilities(None)?.permitted;
    set_keep_capabilities(true)?;
    set_thread_groups(&[group])?;
    set_thread_gid(group)?;
    set_thread_res_uid(user, user, user)?;
    // Before a second thread, so that nobody else sets it.
    let _ = STEPPED_DOWN.set(());
    let kept = match actor {
        // Not every container has it to give.
        Actor::OwnerReadingAll => permitted & CapabilitySet::DAC_READ_SEARCH,
        Actor::Root | Actor::Owner => CapabilitySet::empty(),
    };
    set_capabilities(
        None,
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() },
    )
}

/// How many Maildirs are looked at: what is wrong is so with many, or with the one that was made last.
const LOOKED_AT: usize = 20_000;
/// How many are named.
const NAMED: usize = 3;

/// Warnings: Maildirs and files of the database that belong to somebody else than the directory in which they are. The daemons, who work as
/// its owner, could not use them. Only the top level of each is looked at.
pub(crate) fn warnings(settings: &Settings) -> Vec<String> {
    let maildirs = &settings.config.store.maildirs;
    let database = settings.database().file();
    [of_maildirs(maildirs), database.and_then(|file| of_database(&file))].into_iter().flatten().collect()
}

fn of_maildirs(maildirs: &Path) -> Option<String> {
    let (user, group) = owner(maildirs)?;
    let others = |path: &Path| path.symlink_metadata().is_ok_and(|it| it.uid() != user);
    let wrong =
        entries(maildirs).take(LOOKED_AT).filter(|it| others(it) || entries(it).any(|it| others(&it)));
    let mut names =
        wrong.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect::<Vec<_>>();
    names.sort();
    let count = names.len();
    names.truncate(NAMED);
    let (more, place) = (if count > NAMED { ", …" } else { "" }, maildirs.display());
    (count > 0).then(|| {
        format!(
            "{count} Maildirs in {place} are not user {user}'s, as it is ({}{more}): what comes for them waits; run as root: chown -R {user}:{group} {place}",
            names.join(", ")
        )
    })
}

fn of_database(file: &Path) -> Option<String> {
    let (user, group) = owner(file.parent()?)?;
    let name = file.file_name()?.to_str()?;
    let files = ["", "-wal", "-shm"].map(|end| file.with_file_name(format!("{name}{end}")));
    let is_wrong = files.iter().any(|it| it.metadata().is_ok_and(|it| it.uid() != user));
    is_wrong.then(|| {
        let place = file.display();
        format!("the account database {place} is not user {user}'s, as its directory is; run as root: chown {user}:{group} {place}*")
    })
}

/// Of one that cannot be read, nothing: that is told by who looks at the directory itself.
fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::Cli;

    #[test]
    fn what_writes_into_the_mail_system_is_done_by_its_owner() {
        for (line, actor) in [
            ("check", Actor::Root),
            ("check --create", Actor::OwnerReadingAll),
            ("check --create --dry-run", Actor::Root),
            ("init /etc/yubin", Actor::Root),
            ("backup /backup", Actor::Root),
            ("export mbox taro file", Actor::Root),
            ("restore --all --from /backup", Actor::OwnerReadingAll),
            ("import mbox file taro", Actor::OwnerReadingAll),
            ("import accounts file", Actor::OwnerReadingAll),
            ("account add taro", Actor::Owner),
            ("quota recount taro", Actor::Owner),
            ("queue list", Actor::Owner),
            ("expire", Actor::Owner),
        ] {
            let words = ["yubin"].into_iter().chain(line.split_whitespace());
            assert_eq!(Actor::of(&Cli::try_parse_from(words).unwrap().command), actor, "{line}");
        }
    }

    #[test]
    fn what_is_not_made_yet_belongs_to_whom_the_directory_around_it_does() {
        let around = tempfile::tempdir().unwrap();
        let theirs = around.path().metadata().unwrap();
        let theirs = Some((theirs.uid(), theirs.gid()));
        assert_eq!(owner(around.path()), theirs);
        assert_eq!(owner(&around.path().join("mail")), theirs);
        assert_eq!(owner(&around.path().join("no/mail")), None);
    }
}
