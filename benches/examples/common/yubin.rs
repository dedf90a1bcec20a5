//! A daemon of ours as a process, with a configuration of its own under a temporary directory, on 127.0.0.1 alone.
#![allow(dead_code, reason = "each bench uses a part of it")]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use accounts::{Accounts, DatabaseConfig};
use tempfile::TempDir;

pub(crate) struct Yubin {
    pub(crate) clear: SocketAddr,
    pub(crate) tls: SocketAddr,
    child: Child,
}

/// A directory with an empty database and a certificate.
pub(crate) fn world() -> TempDir {
    world_in(&std::env::temp_dir())
}

/// The same, below this directory.
pub(crate) fn world_in(parent: &Path) -> TempDir {
    let dir = tempfile::Builder::new().prefix("yubin-bench-").tempdir_in(parent).unwrap();
    furnish(dir.path());
    dir
}

/// The same in a directory that stays.
pub(crate) fn furnish(dir: &Path) {
    furnish_on(dir, &DatabaseConfig::sqlite(&dir.join("accounts.sqlite")));
}

/// The same with the database at another place, whose name is beside the certificate.
pub(crate) fn furnish_on(dir: &Path, database: &DatabaseConfig) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { Accounts::create(database).await.unwrap().close().await });
    fs::write(dir.join("database"), &database.url).unwrap();
    let made = rcgen::generate_simple_self_signed([String::from("localhost")]).unwrap();
    fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

impl Yubin {
    /// Starts `smtpd` or `pop3d` out of `programs`.
    pub(crate) fn start(name: &str, programs: &Path, world: &Path) -> Self {
        Self::start_with(name, programs, world, "")
    }

    /// With these sections more in its configuration.
    pub(crate) fn start_with(name: &str, programs: &Path, world: &Path, sections: &str) -> Self {
        let (clear, tls) = (free(), free());
        let protocol = name.trim_end_matches('d');
        let more =
            if protocol == "pop3" { ["clear_text_auth = true", ""] } else { ["", "auth = \"required\""] };
        let door = |address, tls, more| {
            format!(
                "[[listener]]\nprotocol = \"{protocol}\"\naddress = \"{address}\"\ntls = \"{tls}\"\n{more}\n"
            )
        };
        let config = world.join(format!("{name}.toml"));
        let database = fs::read_to_string(world.join("database")).unwrap();
        let text = format!(
            "hostname = \"localhost\"\nstore = {{ maildirs = \"mail\", queue = \"queue\" }}\n\
             accounts = {{ database = \"{database}\" }}\n\
             certificate = [{{ chain = \"cert.pem\", key = \"key.pem\" }}]\n\
             [limits]\nconnections = 0\nconnections_per_address = 0\nconnections_per_network = 0\ntransactions = 0\npatience = \"1h\"\n{sections}{}{}",
            door(clear, "none", more[0]),
            door(tls, "implicit", more[1])
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(world.join(format!("{name}.log"))).unwrap();
        let program = programs.join(name);
        let child =
            Command::new(&program).arg("--config").arg(&config).stderr(log).stdout(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let daemon = Self { clear, tls, child };
        for _ in 0..200 {
            if TcpStream::connect(clear).is_ok() && TcpStream::connect(tls).is_ok() {
                return daemon;
            }
            sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(world.join(format!("{name}.log"))).unwrap_or_default();
        panic!("{name} does not answer; its log begins\n{}", log.get(..1000).unwrap_or(&log));
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Yubin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
