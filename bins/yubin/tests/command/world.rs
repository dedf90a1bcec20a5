//! A directory with a configuration, and the command run in it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const CONFIG: &str = r#"
hostname = "mx.example.jp"

[store]
maildirs = "mail"
queue = "queue"

[accounts]
database = "sqlite:accounts.sqlite"
apop_key = "apop.key"

[[listener]]
protocol = "smtp"
address = "127.0.0.1:2025"

[[listener]]
protocol = "pop3"
address = "127.0.0.1:2110"
clear_text_auth = true
"#;

pub(crate) struct World {
    pub(crate) dir: TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    /// Only the configuration.
    pub(crate) fn bare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("yubin.toml"), CONFIG).unwrap();
        Self { dir }
    }

    /// With a database and the domain `mx.example.jp`.
    pub(crate) fn new() -> Self {
        let world = Self::bare();
        world.ok("check --create");
        world.ok("domain add mx.example.jp");
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs the command with the configuration and with words divided by blanks.
    pub(crate) fn run(&self, words: &str) -> Done {
        self.run_with(words, "")
    }

    pub(crate) fn run_with(&self, words: &str, stdin: &str) -> Done {
        let config = self.path("yubin.toml");
        let mut child = self
            .command()
            .arg("--config")
            .arg(config)
            .args(words.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its stdin may be gone already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        done(child.wait_with_output().unwrap())
    }

    /// The command without a configuration named.
    pub(crate) fn run_plain(&self, words: &str) -> Done {
        done(self.command().args(words.split_whitespace()).output().unwrap())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yubin"));
        command.current_dir(self.dir.path());
        command
    }

    pub(crate) fn ok(&self, words: &str) -> String {
        let done = self.run(words);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{words}: {done:?}");
        self.shortened(&done.out)
    }

    pub(crate) fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.ok(&format!("{words} --json"))).unwrap()
    }

    /// The complaint of a command that ends with a code and prints nothing else.
    pub(crate) fn complaint(&self, code: i32, words: &str) -> String {
        let done = self.run(words);
        assert_eq!((done.code, done.out.as_str()), (code, ""), "{words}: {done:?}");
        self.shortened(&done.err)
    }

    /// The commands in a text without the configuration, which every one of them names.
    fn shortened(&self, text: &str) -> String {
        text.replace(&format!("yubin --config {} ", self.path("yubin.toml").display()), "yubin ")
    }
}

fn done(output: Output) -> Done {
    Done {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
