//! Accounts, and mail in them: the same messages under the same names for both servers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use accounts::{Accounts, DatabaseConfig, IncomingAccount, NewAccount};
use auth_sasl::Secret;
use tempfile::TempDir;

use crate::Options;

pub(crate) const PASSWORD: &str = "sakura-saku";
/// Octets of messages that are only listed.
const UNREAD: usize = 60;
/// Clients at once, each with an account of its own.
pub(crate) const CLIENTS: usize = 10;
/// Maildrops that each of them drains.
pub(crate) const DROPS: usize = 10;

/// Of [`PASSWORD`], with the least that Argon2id can cost: thousands of first logins are no part of what is measured.
const CHEAP_HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$Zk9bBGR7G5WT13jPoTpv2Q$qiHF6wpnRhuZ0VpZfh8iBpt3fPkCsOFH4ru6BKApFU0";

pub(crate) struct World {
    pub(crate) dir: TempDir,
    /// Where our daemons are.
    pub(crate) programs: PathBuf,
    pub(crate) sessions: usize,
}

const IDLER: &str = "idler";
/// Sessions that Dovecot has open at once for the measure of memory.
pub(crate) const DOVECOTS: usize = 300;

/// Who logs in and falls silent.
pub(crate) fn idler(number: usize) -> String {
    format!("{IDLER}{number:04}")
}

/// Whose maildrop is drained.
pub(crate) fn drainer(number: usize) -> String {
    format!("drainer{number:04}")
}

/// Whose Maildirs.
#[derive(Clone, Copy)]
pub(crate) enum Whose {
    Dovecot,
    Yubin,
}

impl World {
    pub(crate) fn furnish(options: &Options) -> Self {
        let world = Self {
            dir: TempDir::new().unwrap(),
            programs: options.programs.clone(),
            sessions: options.sessions,
        };
        // Dovecot's processes are other users.
        fs::set_permissions(world.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        world.certificate();
        let mut users: Vec<(String, usize, usize)> = Vec::new();
        for client in 0..CLIENTS {
            users.push((format!("poller{client:04}"), 20, 4 << 10));
        }
        if options.wants("drains") {
            users.extend((0..CLIENTS * DROPS).map(|number| (drainer(number), 0, 0)));
        }
        if options.wants("big") {
            users.push(("big00000".into(), 0, 0));
        }
        users.push(("small000".into(), 20, 4 << 10));
        users.push(("large000".into(), 10, 1 << 20));
        if options.wants("memory") {
            users.extend((0..options.sessions).map(|number| (idler(number), 1_000, UNREAD)));
        }
        world.accounts(&users);
        world.passwords(&users);
        for (user, messages, octets) in &users {
            world.fill(user, *messages, *octets);
        }
        world
    }

    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.dir.path().join(part)
    }

    pub(crate) fn maildir(&self, whose: Whose, user: &str) -> PathBuf {
        match whose {
            Whose::Dovecot => self.path("dovecot-mail").join(user),
            Whose::Yubin => self.path("mail").join(user),
        }
    }

    /// Puts messages into both Maildirs of a user, as if they had just been delivered.
    pub(crate) fn fill(&self, user: &str, messages: usize, octets: usize) {
        let (ours, theirs) = (self.maildir(Whose::Yubin, user), self.maildir(Whose::Dovecot, user));
        // As many idlers as ours are more than Dovecot has memory for.
        let shared = !user.starts_with(IDLER) || user < idler(DOVECOTS).as_str();
        let maildirs: &[&PathBuf] = if shared { &[&ours, &theirs] } else { &[&ours] };
        for maildir in maildirs {
            for part in ["tmp", "new", "cur"] {
                fs::create_dir_all(maildir.join(part)).unwrap();
            }
        }
        let line = "a line of a letter, as people write them in the evening, before they go to bed\r\n";
        let body = line.repeat(octets / line.len() + 1);
        let letter = format!("Subject: a letter\r\nFrom: <taro@example.jp>\r\n\r\n{body}");
        let namer = mailstore::Namer::new("mx.example.jp");
        let mut first: Option<PathBuf> = None;
        for _ in 0..messages {
            let name = format!("{},S={}", namer.next().as_str(), letter.len());
            for maildir in maildirs {
                let path = maildir.join("new").join(&name);
                match &first {
                    // Nobody opens these: millions of names, and a file system has only so many files.
                    Some(first) if octets == UNREAD => fs::hard_link(first, path).unwrap(),
                    _ => fs::write(first.insert(path), &letter).unwrap(),
                }
            }
        }
        if shared {
            give_away(&theirs);
        }
    }

    /// Gives Dovecot a copy of every message of a user.
    pub(crate) fn share(&self, user: &str) {
        let (ours, theirs) = (self.maildir(Whose::Yubin, user), self.maildir(Whose::Dovecot, user));
        for entry in fs::read_dir(ours.join("new")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), theirs.join("new").join(entry.file_name())).unwrap();
        }
        give_away(&theirs);
    }

    fn certificate(&self) {
        let made = rcgen::generate_simple_self_signed([String::from("localhost")]).unwrap();
        fs::write(self.path("cert.pem"), made.cert.pem()).unwrap();
        fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    }

    fn accounts(&self, users: &[(String, usize, usize)]) {
        let (idlers, others): (Vec<_>, Vec<_>) =
            users.iter().map(|(user, ..)| user).partition(|user| user.starts_with(IDLER));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let rows = runtime.block_on(async {
            let config = DatabaseConfig::sqlite(&self.path("accounts.sqlite"));
            let accounts = Accounts::create(&config).await.unwrap();
            accounts.domain_add("example.jp").await.unwrap();
            for login in others.into_iter().cloned() {
                let password = Some(Secret::new(PASSWORD));
                let new = NewAccount { login, addresses: Vec::new(), password, apop: false };
                accounts.account_add(new).await.unwrap();
            }
            let idlers: Vec<_> = idlers.into_iter().map(|login| with_cheap_hash(login)).collect();
            accounts.account_import(&idlers, &mut |_, _| ()).await.unwrap();
            accounts.account_list().await.unwrap()
        });
        for row in rows {
            // The name of the mailbox is the account's to choose.
            let maildir = self.path("mail").join(row.mailbox);
            fs::create_dir_all(&maildir).unwrap();
            std::os::unix::fs::symlink(maildir, self.maildir(Whose::Yubin, &row.login)).unwrap();
        }
    }

    fn passwords(&self, users: &[(String, usize, usize)]) {
        // Not hashed: with Argon2id, Dovecot computes a hash for each poll, and nothing else would be measured.
        let line = |(user, ..): &(String, usize, usize)| format!("{user}:{{PLAIN}}{PASSWORD}::::::\n");
        fs::write(self.path("passwd"), users.iter().map(line).collect::<String>()).unwrap();
    }
}

fn with_cheap_hash(login: &str) -> IncomingAccount {
    IncomingAccount {
        line: 1,
        login: login.to_owned(),
        addresses: Vec::new(),
        password: None,
        hash: Some(Secret::new(CHEAP_HASH)),
        plan: None,
        contract: String::new(),
        quota: None,
    }
}

pub(crate) fn give_away(maildir: &Path) {
    assert!(Command::new("chown").args(["-R", "mail:mail"]).arg(maildir).status().unwrap().success());
}
