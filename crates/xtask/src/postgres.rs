//! A private PostgreSQL for the time of the tests: its own directory, an address of its own on loopback, gone at the end.
//!
//! `cargo xtask test` has one for all of them; a test that stops its server starts one for itself.

use std::fs;
use std::net::SocketAddrV4;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::loopback;
use crate::shell::{self, Outcome};

/// The tests read here where the server is; the role may create databases.
pub const VARIABLE: &str = "YUBIN_TEST_POSTGRES";

/// The server refuses to run as root, so Debian's package brings this user.
const USER: &str = "postgres";
/// Where Debian's packages put each version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";
/// A server that takes longer to start is one that does not.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server; it ends with this value.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    /// While it runs.
    server: Option<Child>,
    directory: PathBuf,
    address: SocketAddrV4,
}

impl Postgres {
    /// Makes a cluster and starts it; back when it answers.
    ///
    /// # Errors
    /// In words: PostgreSQL is not installed, or does not start.
    pub fn start() -> Outcome<Self> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let programs = programs().ok_or("PostgreSQL's programs are in no version's directory")?;
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("yubin-postgres-{}-{serial}", std::process::id()));
        let address = loopback::address();
        make_directory(&directory)?;
        let mut initdb = as_user(&programs.join("initdb"))?;
        initdb.args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-U", USER, "-D"]);
        initdb.arg(directory.join("data")).stdin(Stdio::null());
        let mut made = Self { programs, server: None, directory, address };
        shell::output(&mut initdb)?;
        made.resume()?;
        Ok(made)
    }

    /// Starts it again over what is there; back when it answers.
    ///
    /// # Errors
    /// In words: it does not start.
    pub fn resume(&mut self) -> Outcome {
        let log = fs::File::options().create(true).append(true).open(self.directory.join("log"));
        let log = log.map_err(|e| format!("the server's log: {e}"))?;
        let mut server = as_user(&self.programs.join("postgres"))?;
        // What the tests write is worth nothing after them: it need not reach the disk.
        server.args(["-c", "fsync=off", "-c", "max_connections=300", "-h"]);
        server
            .arg(self.address.ip().to_string())
            .arg("-p")
            .arg(self.address.port().to_string())
            .arg("-k")
            .arg(&self.directory);
        server.arg("-D").arg(self.directory.join("data"));
        let server = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.server = Some(server.map_err(|e| format!("PostgreSQL did not start: {e}"))?);
        self.wait_until_ready()
    }

    /// PostgreSQL's "immediate shutdown": every connection is cut in the middle of what it does, and the next start recovers as after
    /// a crash.
    pub fn cut(&mut self) {
        self.end("-QUIT");
    }

    /// For the tests' environment.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{USER}@{}", self.address)
    }

    fn end(&mut self, signal: &str) {
        if let Some(mut server) = self.server.take() {
            shell::succeeds("kill", &[signal, &server.id().to_string()]);
            let _ = server.wait();
        }
    }

    fn wait_until_ready(&mut self) -> Outcome {
        let is_ready = self.programs.join("pg_isready").display().to_string();
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
            if shell::succeeds(&is_ready, &["-q", "-h", &host, "-p", &port]) {
                return Ok(());
            }
            if self.server.as_mut().is_some_and(|server| server.try_wait().is_ok_and(|ended| ended.is_some()))
            {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        Err(format!("PostgreSQL does not answer; its log:\n{log}"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // PostgreSQL's "fast shutdown"; to be killed would leave its shared memory behind.
        self.end("-INT");
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The newest version's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.flatten();
    let newest = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let programs = entry.path().join("bin");
        programs.join("initdb").exists().then_some((version, programs))
    });
    newest.max().map(|(_, programs)| programs)
}

fn make_directory(directory: &Path) -> Outcome {
    let failed = |error| format!("{}: {error}", directory.display());
    fs::create_dir(directory).map_err(failed)?;
    if is_root() {
        let id = |flag| -> Outcome<u32> {
            let id = shell::output(shell::command("id")?.args([flag, USER]))?;
            id.trim().parse().map_err(|_| format!("the id of the user {USER} is no number: {id}"))
        };
        chown(directory, Some(id("-u")?), Some(id("-g")?)).map_err(failed)?;
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).map_err(failed)
}

fn as_user(program: &Path) -> Outcome<Command> {
    if !is_root() {
        return shell::command(program);
    }
    let mut command = shell::command("setpriv")?;
    // In the same process: what is ended is the server itself.
    command
        .args([&format!("--reuid={USER}"), &format!("--regid={USER}"), "--init-groups", "--"])
        .arg(program);
    // The project's folder may be one that this user cannot enter.
    command.current_dir("/");
    Ok(command)
}

fn is_root() -> bool {
    shell::command("id").and_then(|mut id| shell::output(id.arg("-u"))).is_ok_and(|id| id.trim() == "0")
}
