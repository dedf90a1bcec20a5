//! Debian's Postfix with a configuration and a queue of its own under a directory that ends with the run, on 127.0.0.1 alone, and
//! nothing of it in a chroot.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const MASTER: &str = "/usr/lib/postfix/sbin/master";

/// The services that every use needs, as Debian starts them.
const SERVICES: &str = "\
    pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
    tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\n\
    defer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\nverify unix - - n - 1 verify\n\
    flush unix n - n 1000? 0 flush\nproxymap unix - - n - - proxymap\nerror unix - - n - - error\n\
    retry unix - - n - - error\nsmtp unix - - n - - smtp\nscache unix - - n - 1 scache\nvirtual unix - n n - - virtual\n\
    anvil unix - - n - 1 anvil\npostlog unix-dgram n - n - 1 postlogd\n";

pub(crate) struct Postfix {
    child: Child,
}

impl Postfix {
    /// In `world`, which its user may enter. `main`: settings besides those of the place; `smtpd`: how many processes take
    /// connections at `address`, and with which options.
    pub(crate) fn start(world: &Path, address: SocketAddr, main: &str, smtpd: (usize, &str)) -> Self {
        let etc = write(world, address, main, smtpd);
        // It makes the queue's directories.
        let check = Command::new("postfix").arg("-c").arg(&etc).arg("check").output();
        let check = check.expect("apt-get install postfix");
        assert!(check.status.success(), "only root can run it: {}", String::from_utf8_lossy(&check.stderr));
        let child = Command::new(MASTER)
            .args(["-d", "-c"])
            .arg(&etc)
            .env("MAIL_CONFIG", &etc)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let postfix = Self { child: child.unwrap() };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return postfix;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("Postfix does not answer");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // master takes its processes with it.
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let _ = self.child.wait();
    }
}

fn write(world: &Path, address: SocketAddr, more: &str, (processes, options): (usize, &str)) -> PathBuf {
    let (etc, queue, data) = (world.join("etc"), world.join("postfix-queue"), world.join("postfix-data"));
    for directory in [&etc, &queue, &data] {
        fs::create_dir(directory).unwrap();
    }
    // Its processes are another user.
    fs::set_permissions(world, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(Command::new("chown").arg("postfix").arg(&data).status().unwrap().success());
    let world = world.display();
    let main = format!(
        "compatibility_level = 3.7\nqueue_directory = {world}/postfix-queue\ndata_directory = {world}/postfix-data\n\
         command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\nshlib_directory = /usr/lib/postfix\n\
         meta_directory = {world}/etc\nsendmail_path = /usr/sbin/sendmail\nmailq_path = /usr/bin/mailq\n\
         newaliases_path = /usr/bin/newaliases\n\
         mail_owner = postfix\nsetgid_group = postdrop\nmydestination =\nalias_maps =\nalias_database =\n\
         inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
         smtpd_client_connection_count_limit = 0\nsmtpd_client_connection_rate_limit = 0\n\
         maillog_file_prefixes = {world}\nmaillog_file = {world}/postfix-data/log\n{more}"
    );
    let master = format!("{address} inet n - n - {processes} smtpd {options}\n{SERVICES}");
    fs::write(etc.join("main.cf"), main).unwrap();
    fs::write(etc.join("master.cf"), master).unwrap();
    for file in ["postfix-files", "dynamicmaps.cf"] {
        fs::copy(Path::new("/etc/postfix").join(file), etc.join(file)).unwrap();
    }
    etc
}
