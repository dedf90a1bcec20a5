//! The two servers, and the directory that both live in.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use accounts::{Accounts, DatabaseConfig, NewAccount};
use benches::disk::set_apart;
use tempfile::TempDir;

use crate::postfix::Postfix;

pub(crate) struct World {
    dir: TempDir,
    mailboxes: usize,
}

impl World {
    pub(crate) fn furnish(parent: &Path, mailboxes: usize) -> Self {
        let dir = tempfile::Builder::new().prefix("yubin-bench-").tempdir_in(parent).unwrap();
        // Postfix's own user has to come in.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        set_apart(dir.path());
        let world = Self { dir, mailboxes };
        tokio::runtime::Runtime::new().unwrap().block_on(world.accounts());
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn accounts(&self) {
        let accounts =
            Accounts::create(&DatabaseConfig::sqlite(&self.path("accounts.sqlite"))).await.unwrap();
        accounts.domain_add("example.jp").await.unwrap();
        for nth in 0..self.mailboxes {
            let (login, addresses) = (format!("box{nth}"), Vec::new());
            accounts.account_add(NewAccount { login, addresses, password: None, apop: false }).await.unwrap();
        }
        accounts.close().await;
    }
}

pub(crate) struct Daemon {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    process: Process,
    mail: PathBuf,
}

enum Process {
    Yubin(Child),
    Postfix(Postfix),
}

impl Daemon {
    pub(crate) fn yubin(world: &World, program: &Path) -> Self {
        let (address, config, mail) = (free(), world.path("yubin.toml"), world.path("mail"));
        let text = format!(
            "hostname = \"mx.example.jp\"\nstore = {{ maildirs = \"mail\", queue = \"queue\" }}\n\
             accounts = {{ database = \"sqlite:accounts.sqlite\" }}\n\
             limits = {{ connections = 20000, connections_per_address = 0, connections_per_network = 0, transactions = 0 }}\n\
             [[listener]]\nprotocol = \"smtp\"\naddress = \"{address}\"\n"
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        command.arg("--config").arg(&config).stderr(log(world, "smtpd.log")).stdout(Stdio::null());
        let child = command.spawn().expect("build smtpd first, in release");
        let daemon = Self { name: "smtpd", address, process: Process::Yubin(child), mail };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return daemon;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("smtpd does not answer");
    }

    pub(crate) fn postfix(world: &World) -> Self {
        let (address, mail) = (free(), world.path("postfix-mail"));
        let (uid, gid) = (id("-u"), id("-g"));
        fs::create_dir(&mail).unwrap();
        chown(&mail, Some(uid), Some(gid)).unwrap();
        let boxes = (0..world.mailboxes).map(|nth| format!("box{nth}@example.jp box{nth}/\n"));
        fs::write(world.path("boxes"), boxes.collect::<String>()).unwrap();
        let main = format!(
            "myhostname = mx.example.jp\nmynetworks = 127.0.0.0/8\nvirtual_mailbox_domains = example.jp\n\
             virtual_mailbox_base = {}\nvirtual_mailbox_maps = texthash:{}\nvirtual_uid_maps = static:{uid}\n\
             virtual_gid_maps = static:{gid}\nvirtual_minimum_uid = 1\n",
            mail.display(),
            world.path("boxes").display()
        );
        // As many smtpd processes as there are connections, and some.
        let postfix = Postfix::start(&world.path(""), address, &main, (world.mailboxes + 20, ""));
        Self { name: "postfix", address, process: Process::Postfix(postfix), mail }
    }

    pub(crate) fn pid(&self) -> u32 {
        match &self.process {
            Process::Yubin(child) => child.id(),
            Process::Postfix(postfix) => postfix.pid(),
        }
    }

    /// Messages in all Maildirs.
    pub(crate) fn delivered(&self) -> usize {
        let boxes = fs::read_dir(&self.mail).into_iter().flatten().flatten();
        boxes.map(|mailbox| fs::read_dir(mailbox.path().join("new")).map_or(0, Iterator::count)).sum()
    }

    /// Removes what was delivered.
    pub(crate) fn empty(&self) {
        for mailbox in fs::read_dir(&self.mail).unwrap() {
            let new = fs::read_dir(mailbox.unwrap().path().join("new")).unwrap();
            new.for_each(|message| fs::remove_file(message.unwrap().path()).unwrap());
        }
    }

    /// Waits until so many are there; how many there are.
    pub(crate) fn wait_for_all(&self, wanted: usize) -> usize {
        let since = Instant::now();
        loop {
            let there = self.delivered();
            if there >= wanted {
                return there;
            }
            assert!(since.elapsed() < Duration::from_secs(120), "{}: {there} of {wanted}", self.name);
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Process::Yubin(child) = &mut self.process {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn log(world: &World, name: &str) -> fs::File {
    fs::File::create(world.path(name)).unwrap()
}

/// Of the user that Debian's package makes.
fn id(which: &str) -> u32 {
    let output = Command::new("id").args([which, "postfix"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().expect("apt-get install postfix")
}

fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
