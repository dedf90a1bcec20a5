//! Accounts, and mail in them: the same messages under the same names for both servers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use accounts::{Accounts, DatabaseConfig, NewAccount};
use auth_sasl::Secret;
use tempfile::TempDir;

use crate::Options;

pub(crate) const PASSWORD: &str = "sakura-saku";
/// Octets of messages that are only listed.
const UNREAD: usize = 60;
/// Clients at once, each with an account of its own.
pub(crate) const CLIENTS: usize = 10;

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) sessions: usize,
}

/// Whose Maildirs.
#[derive(Clone, Copy)]
pub(crate) enum Whose {
    Dovecot,
    Yubin,
}

impl World {
    pub(crate) fn furnish(options: &Options) -> Self {
        let world = Self { dir: TempDir::new().unwrap(), sessions: options.sessions };
        // Dovecot's processes are other users.
        fs::set_permissions(world.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        world.certificate();
        let mut users: Vec<(String, usize, usize)> = Vec::new();
        for client in 0..CLIENTS {
            users.push((format!("poller{client:04}"), 20, 4 << 10));
            users.push((format!("drainer{client:04}"), 0, 0));
        }
        if options.wants("big") {
            users.push(("big00000".into(), options.big, 200));
        }
        users.push(("small000".into(), 20, 4 << 10));
        users.push(("large000".into(), 10, 1 << 20));
        if options.wants("memory") {
            users.extend((0..options.sessions).map(|number| (format!("idler{number:04}"), 1_000, UNREAD)));
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
        for maildir in [&ours, &theirs] {
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
            for maildir in [&ours, &theirs] {
                let path = maildir.join("new").join(&name);
                match &first {
                    // Nobody opens these: millions of names, and a file system has only so many files.
                    Some(first) if octets == UNREAD => fs::hard_link(first, path).unwrap(),
                    _ => fs::write(first.insert(path), &letter).unwrap(),
                }
            }
        }
        give_away(&theirs);
    }

    fn certificate(&self) {
        let made = rcgen::generate_simple_self_signed([String::from("localhost")]).unwrap();
        fs::write(self.path("cert.pem"), made.cert.pem()).unwrap();
        fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    }

    fn accounts(&self, users: &[(String, usize, usize)]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let config = DatabaseConfig::sqlite(&self.path("accounts.sqlite"));
            let accounts = Accounts::create(&config).await.unwrap();
            accounts.domain_add("example.jp").await.unwrap();
            for (user, ..) in users {
                let password = Some(Secret::new(PASSWORD));
                let new = NewAccount { login: user.clone(), addresses: Vec::new(), password, apop: false };
                let made = accounts.account_add(new).await.unwrap();
                // The name of the mailbox is the account's to choose.
                let maildir = self.path("mail").join(made.account.mailbox);
                fs::create_dir_all(&maildir).unwrap();
                let plain = self.maildir(Whose::Yubin, user);
                if plain != maildir {
                    std::os::unix::fs::symlink(maildir, plain).unwrap();
                }
            }
        });
    }

    fn passwords(&self, users: &[(String, usize, usize)]) {
        // Not hashed: with Argon2id, Dovecot computes a hash for each poll, and nothing else would be measured.
        let line = |(user, ..): &(String, usize, usize)| format!("{user}:{{PLAIN}}{PASSWORD}::::::\n");
        fs::write(self.path("passwd"), users.iter().map(line).collect::<String>()).unwrap();
    }
}

fn give_away(maildir: &Path) {
    assert!(Command::new("chown").args(["-R", "mail:mail"]).arg(maildir).status().unwrap().success());
}
