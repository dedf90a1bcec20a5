//! Debian's Postfix and NSD as instances of our own, in directories that go away with the test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use xtask::loopback;

/// Who is asked where mail goes.
pub(super) struct NameServer {
    child: Child,
    pub(super) address: SocketAddr,
    _directory: TempDir,
}

impl NameServer {
    /// The zone example.com with these records; broken.example, which it should know and cannot read (SERVFAIL), and no other: of
    /// those it says REFUSED, as a name server does to which somebody has delegated a zone by mistake.
    pub(super) fn start(records: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("yubin-nsd-").tempdir().unwrap();
        let path = directory.path().display();
        let address = loopback::address();
        let (ip, port) = (address.ip(), address.port());
        let configuration = format!(
            "server:\n ip-address: {ip}@{port}\n username: \"\"\n zonesdir: \"{path}\"\n database: \"\"\n pidfile: \"\"\n \
             xfrdfile: \"\"\n zonelistfile: \"{path}/zone.list\"\n xfrdir: \"{path}\"\n chroot: \"\"\n\
             remote-control:\n control-enable: no\nzone:\n name: example.com\n zonefile: zone\n\
             zone:\n name: broken.example\n zonefile: missing\n"
        );
        fs::write(directory.path().join("nsd.conf"), configuration).unwrap();
        let zone = format!(
            "$ORIGIN example.com.\n$TTL 60\n@ SOA ns hostmaster 1 60 60 60 60\n@ NS ns\nns A {ip}\n{records}"
        );
        fs::write(directory.path().join("zone"), zone).unwrap();
        let mut command = Command::new("nsd");
        command.args(["-d", "-c"]).arg(directory.path().join("nsd.conf"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, address: address.into(), _directory: directory };
        server.wait();
        server
    }

    /// Until it answers.
    fn wait(&self) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let question =
            b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x0f\x00\x01";
        loop {
            socket.send_to(question, self.address).unwrap();
            if socket.recv(&mut [0; 512]).is_ok() {
                return;
            }
        }
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::TERM,
        );
        let _ = self.child.wait();
    }
}

/// A host that takes mail for hanako@example.com.
pub(super) struct Postfix {
    pub(super) address: SocketAddr,
    directory: TempDir,
}

const MASTER: &str = "\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
";

impl Postfix {
    /// With more lines in its main.cf.
    pub(super) fn start_with(more: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("yubin-postfix-").tempdir().unwrap();
        let address = loopback::address();
        let root = directory.path();
        // Its own users come in.
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["etc", "queue", "queue/pid", "data", "mail"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        let owner = |name: &str, path: &Path| {
            assert!(Command::new("chown").arg(name).arg(path).status().unwrap().success());
        };
        owner("postfix", &root.join("data"));
        owner("nobody", &root.join("mail"));
        let key = rcgen::generate_simple_self_signed(vec![String::from("mx.example.com")]).unwrap();
        fs::write(root.join("etc/cert.pem"), key.cert.pem()).unwrap();
        fs::write(root.join("etc/key.pem"), key.signing_key.serialize_pem()).unwrap();
        let path = root.display();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {path}/queue\ndata_directory = {path}/data\n\
             command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\n\
             setgid_group = postdrop\nmaillog_file = {path}/log\nmaillog_file_prefixes = {path}\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = mx.example.com\nmydestination =\n\
             virtual_mailbox_domains = example.com\nvirtual_mailbox_base = {path}/mail\n\
             virtual_mailbox_maps = inline:{{{{hanako@example.com=hanako/}}}}\nvirtual_minimum_uid = 1\n\
             virtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\nalias_maps =\nalias_database =\n\
             smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n\
             smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {path}/etc/cert.pem\n\
             smtpd_tls_key_file = {path}/etc/key.pem\n"
        );
        fs::write(root.join("etc/main.cf"), format!("{main}{more}")).unwrap();
        fs::write(root.join("etc/master.cf"), format!("{address} inet n - n - - smtpd\n{MASTER}")).unwrap();
        let postfix = Self { address: address.into(), directory };
        let started = postfix.command("start");
        let log = fs::read_to_string(postfix.directory.path().join("log")).unwrap_or_default();
        assert!(started, "Postfix does not start; it must be run as root\n{log}");
        postfix
    }

    /// Says something else from now on.
    pub(super) fn reconfigure(&self, setting: &str) {
        let mut command = Command::new("postconf");
        command.arg("-c").arg(self.directory.path().join("etc")).args(["-e", setting]);
        assert!(command.status().unwrap().success());
        assert!(self.command("reload"));
    }

    fn command(&self, what: &str) -> bool {
        let mut command = Command::new("postfix");
        command.arg("-c").arg(self.directory.path().join("etc")).arg(what);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    }

    /// The first message that it has delivered, which may take it a moment.
    pub(super) fn mail(&self) -> String {
        let folder = self.directory.path().join("mail/hanako/new");
        loop {
            let found = fs::read_dir(&folder).ok().and_then(|mut entries| entries.next());
            match found {
                Some(entry) => return fs::read_to_string(entry.unwrap().path()).unwrap(),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.command("stop");
    }
}
