//! Debian's Postfix with a configuration, a queue and a certificate of its own under a temporary directory, on 127.0.0.1 alone.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::yubin::free;

const MASTER: &str = "/usr/lib/postfix/sbin/master";

pub(crate) struct Postfix {
    pub(crate) tls: SocketAddr,
    child: Child,
}

impl Postfix {
    /// With the certificate that stands in `world`.
    pub(crate) fn start(world: &Path) -> Self {
        let tls = free();
        let etc = write(world, tls);
        // It makes the queue's directories.
        let check = Command::new("postfix").arg("-c").arg(&etc).arg("check").output().unwrap();
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
        let child = Command::new(MASTER)
            .args(["-d", "-c"])
            .arg(&etc)
            .env("MAIL_CONFIG", &etc)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let postfix = Self { tls, child: child.unwrap() };
        for _ in 0..200 {
            if TcpStream::connect(tls).is_ok() {
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

fn write(world: &Path, tls: SocketAddr) -> PathBuf {
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
         mail_owner = postfix\nsetgid_group = postdrop\nmyhostname = localhost\nmydestination =\nalias_maps =\nlocal_recipient_maps =\n\
         inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks =\nsmtpd_peername_lookup = no\n\
         smtpd_client_connection_count_limit = 0\nsmtpd_client_connection_rate_limit = 0\n\
         smtpd_tls_chain_files = {world}/key.pem, {world}/cert.pem\nsmtpd_tls_security_level = may\n\
         maillog_file_prefixes = {world}\nmaillog_file = {world}/postfix-data/log\n"
    );
    let port = tls.port();
    let master = format!(
        "127.0.0.1:{port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n\
         tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\ncleanup unix n - n - 0 cleanup\n\
         proxymap unix - - n - - proxymap\nanvil unix - - n - 1 anvil\npostlog unix-dgram n - n - 1 postlogd\n"
    );
    fs::write(etc.join("main.cf"), main).unwrap();
    fs::write(etc.join("master.cf"), master).unwrap();
    for file in ["postfix-files", "dynamicmaps.cf"] {
        fs::copy(Path::new("/etc/postfix").join(file), etc.join(file)).unwrap();
    }
    etc
}
