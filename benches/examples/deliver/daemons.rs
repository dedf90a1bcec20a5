//! The two servers, and the directory that both live in.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use accounts::{Accounts, DatabaseConfig, NewAccount};
use tempfile::TempDir;

const POSTFIX: &str = "/usr/lib/postfix/sbin/master";

/// Debian's services, as far as local delivery needs them, and none in a chroot.
const SERVICES: &str = "\
    pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
    rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
    trace unix - - n - 0 bounce\nverify unix - - n - 1 verify\nflush unix n - n 1000? 0 flush\n\
    proxymap unix - - n - - proxymap\nerror unix - - n - - error\nretry unix - - n - - error\n\
    virtual unix - n n - - virtual\nanvil unix - - n - 1 anvil\npostlog unix-dgram n - n - 1 postlogd\n";

pub(crate) struct World {
    dir: TempDir,
    mailboxes: usize,
}

impl World {
    pub(crate) fn furnish(parent: &Path, mailboxes: usize) -> Self {
        let dir = tempfile::Builder::new().prefix("yubin-bench-").tempdir_in(parent).unwrap();
        // Postfix's own user has to come in.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
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
    child: Child,
    mail: PathBuf,
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
        Self::started("smtpd", address, mail, command.spawn().expect("build smtpd first, in release"))
    }

    pub(crate) fn postfix(world: &World) -> Self {
        let (address, mail) = (free(), world.path("postfix-mail"));
        let (etc, queue, data) =
            (world.path("postfix"), world.path("postfix-queue"), world.path("postfix-data"));
        let (uid, gid) = (id("-u"), id("-g"));
        for directory in [&etc, &queue, &data, &mail] {
            fs::create_dir(directory).unwrap();
        }
        for directory in [&data, &mail] {
            chown(directory, Some(uid), Some(gid)).unwrap();
        }
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {}\ndata_directory = {}\nmaillog_file = /dev/stdout\n\
             inet_interfaces = loopback-only\ninet_protocols = ipv4\nmyhostname = mx.example.jp\nmydestination =\n\
             alias_maps =\nalias_database =\nmynetworks = 127.0.0.0/8\nvirtual_mailbox_domains = example.jp\n\
             virtual_mailbox_base = {}\nvirtual_mailbox_maps = texthash:{}/boxes\nvirtual_uid_maps = static:{uid}\n\
             virtual_gid_maps = static:{gid}\nvirtual_minimum_uid = 1\nsmtpd_client_connection_count_limit = 0\n",
            queue.display(),
            data.display(),
            mail.display(),
            etc.display()
        );
        fs::write(etc.join("main.cf"), main).unwrap();
        let boxes = (0..world.mailboxes).map(|nth| format!("box{nth}@example.jp box{nth}/\n"));
        fs::write(etc.join("boxes"), boxes.collect::<String>()).unwrap();
        // As many smtpd processes as there are connections, and some.
        let smtpd = format!("{address} inet n - n - {} smtpd\n", world.mailboxes + 20);
        fs::write(etc.join("master.cf"), smtpd + SERVICES).unwrap();
        let made = Command::new("postfix").arg("-c").arg(&etc).arg("check").status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "apt-get install postfix; and only root can run it"
        );
        let mut command = Command::new(POSTFIX);
        command
            .arg("-c")
            .arg(&etc)
            .arg("-d")
            .stdout(log(world, "postfix.log"))
            .stderr(log(world, "postfix.err"));
        Self::started("postfix", address, mail, command.spawn().unwrap())
    }

    fn started(name: &'static str, address: SocketAddr, mail: PathBuf, child: Child) -> Self {
        let daemon = Self { name, address, child, mail };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return daemon;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("{name} does not answer");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Messages in all Maildirs.
    pub(crate) fn delivered(&self) -> usize {
        let boxes = fs::read_dir(&self.mail).into_iter().flatten().flatten();
        boxes.map(|mailbox| fs::read_dir(mailbox.path().join("new")).map_or(0, Iterator::count)).sum()
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
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let _ = self.child.wait();
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
