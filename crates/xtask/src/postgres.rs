//! A private PostgreSQL for the time of the tests: its own directory, a port of its own on loopback, gone at the end.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::shell::{self, Outcome};

/// The tests read here where the server is; the role may create databases.
pub(crate) const VARIABLE: &str = "YUBIN_TEST_POSTGRES";

/// The server refuses to run as root, so Debian's package brings this user.
const USER: &str = "postgres";
/// Where Debian's packages put each version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";
/// A server that takes longer to start is one that does not.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; it ends with this value.
pub(crate) struct Postgres {
    server: Child,
    directory: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it; back when it answers.
    pub(crate) fn start() -> Outcome<Self> {
        let programs = programs().ok_or("PostgreSQL's programs are in no version's directory")?;
        let directory = std::env::temp_dir().join(format!("yubin-postgres-{}", std::process::id()));
        let port = free_port()?;
        make_directory(&directory)?;
        let data = directory.join("data");
        let mut initdb = as_user(&programs.join("initdb"))?;
        initdb.args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-U", USER, "-D"]);
        shell::output(initdb.arg(&data).stdin(Stdio::null()))?;

        let log = fs::File::create(directory.join("log")).map_err(|e| format!("the server's log: {e}"))?;
        let mut server = as_user(&programs.join("postgres"))?;
        // What the tests write is worth nothing after them: it need not reach the disk.
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=300"]);
        server.arg("-p").arg(port.to_string()).arg("-k").arg(&directory).arg("-D").arg(&data);
        let server = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let server = server.map_err(|e| format!("PostgreSQL did not start: {e}"))?;
        let mut running = Self { server, directory, port };
        running.wait_until_ready(&programs)?;
        Ok(running)
    }

    /// For the tests' environment.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}", self.port)
    }

    fn wait_until_ready(&mut self, programs: &Path) -> Outcome {
        let is_ready = programs.join("pg_isready").display().to_string();
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if shell::succeeds(&is_ready, &["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]) {
                return Ok(());
            }
            if self.server.try_wait().is_ok_and(|ended| ended.is_some()) {
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
        let pid = self.server.id().to_string();
        shell::succeeds("kill", &["-INT", &pid]);
        let _ = self.server.wait();
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

fn free_port() -> Outcome<u16> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    bound.map(|address| address.port()).map_err(|e| format!("no free port: {e}"))
}
