//! Our own programs as cargo built them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Pop3d,
    Smtpd,
    Yubin,
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pop3d => "pop3d",
            Self::Smtpd => "smtpd",
            Self::Yubin => "yubin",
        }
    }

    /// Where it is. Cargo builds for a test only the programs of the same package, so the daemons may be missing or older than
    /// their source: then every result would be about a program that is no more.
    pub(crate) fn path(self) -> PathBuf {
        let yubin = Path::new(env!("CARGO_BIN_EXE_yubin"));
        let path = yubin.with_file_name(self.name());
        let advice = "build it by `cargo build --workspace --bins` (`cargo xtask test` does)";
        assert!(path.exists(), "{} is not built: {advice}", self.name());
        if let Some(newer) = newer_source(&path) {
            panic!("{} is older than {newer}: {advice}", self.name());
        }
        path
    }

    pub(crate) fn command(self) -> Command {
        let mut command = Command::new(self.path());
        command.stdin(Stdio::null()).env_remove("YUBIN_LOG");
        command
    }
}

/// A source of the program that was changed after it was built, by the list that cargo keeps beside it.
fn newer_source(program: &Path) -> Option<String> {
    let modified = |path: &OsStr| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    let built = modified(program.as_os_str())?;
    let list = fs::read_to_string(program.with_extension("d")).ok()?;
    let (_, sources) = list.split_once(": ")?;
    // A space inside a name is written with a backslash before it.
    let sources = sources.trim_end().replace("\\ ", "\0");
    let mut names = sources.split(' ').map(|name| name.replace('\0', " "));
    names.find(|name| modified(OsStr::new(name)).is_some_and(|changed| changed > built))
}
