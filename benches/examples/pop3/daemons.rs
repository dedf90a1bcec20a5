//! The two servers.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::mail::World;

pub(crate) struct Daemon {
    pub(crate) name: &'static str,
    pub(crate) clear: SocketAddr,
    pub(crate) tls: SocketAddr,
    child: Child,
}

impl Daemon {
    pub(crate) fn yubin(world: &World, program: &Path) -> Self {
        let (clear, tls) = (free(), free());
        let door =
            |address, more| format!("[[listener]]\nprotocol = \"pop3\"\naddress = \"{address}\"\n{more}");
        let config = world.path("yubin.toml");
        let text = format!(
            "hostname = \"localhost\"\nstore = {{ maildirs = \"mail\", queue = \"queue\" }}\n\
             accounts = {{ database = \"sqlite:accounts.sqlite\" }}\n\
             certificate = [{{ chain = \"cert.pem\", key = \"key.pem\" }}]\n\
             limits = {{ connections = 20000, connections_per_address = 0, connections_per_network = 0, memory = 0 }}\n{}{}",
            door(clear, "clear_text_auth = true\n"),
            door(tls, "tls = \"implicit\"\n")
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(world.path("yubin.log")).unwrap();
        let child =
            Command::new(program).arg("--config").arg(&config).stderr(log).stdout(Stdio::null()).spawn();
        Self::started("yubin", clear, tls, child.expect("build pop3d first, in release"))
    }

    pub(crate) fn dovecot(world: &World) -> Self {
        let (clear, tls) = (free(), free());
        let dir = world.dir.path().display();
        let text = format!(
            "base_dir = {dir}/dovecot-run\nstate_dir = {dir}/dovecot-state\nlog_path = {dir}/dovecot.log\n\
             protocols = pop3\nlisten = 127.0.0.1\nssl = yes\nssl_cert = <{dir}/cert.pem\nssl_key = <{dir}/key.pem\n\
             disable_plaintext_auth = no\nauth_mechanisms = plain\nauth_cache_size = 10M\nauth_cache_ttl = 1 hour\n\
             first_valid_uid = 1\nmail_location = maildir:{dir}/dovecot-mail/%u\nmail_max_userip_connections = 0\n\
             pop3_no_flag_updates = yes\n\
             passdb {{\n  driver = passwd-file\n  args = {dir}/passwd\n}}\n\
             userdb {{\n  driver = static\n  args = uid=mail gid=mail home={dir}/dovecot-mail/%u\n}}\n\
             service pop3-login {{\n  service_count = 0\n  process_min_avail = 2\n  client_limit = 4000\n\
             inet_listener pop3 {{\n    port = {}\n  }}\n  inet_listener pop3s {{\n    port = {}\n    ssl = yes\n  }}\n}}\n\
             service pop3 {{\n  service_count = 0\n  process_min_avail = 4\n  client_limit = 100\n  process_limit = 1000\n}}\n\
             service auth {{\n  client_limit = 10000\n}}\nservice anvil {{\n  client_limit = 10000\n}}\n\
             service stats {{\n  client_limit = 10000\n}}\n",
            clear.port(),
            tls.port()
        );
        let config = world.path("dovecot.conf");
        fs::write(&config, text).unwrap();
        let child = Command::new("dovecot").arg("-F").arg("-c").arg(&config).spawn();
        Self::started("dovecot", clear, tls, child.expect("apt-get install dovecot-pop3d"))
    }

    fn started(name: &'static str, clear: SocketAddr, tls: SocketAddr, child: Child) -> Self {
        for _ in 0..200 {
            if TcpStream::connect(clear).is_ok() && TcpStream::connect(tls).is_ok() {
                return Self { name, clear, tls, child };
            }
            sleep(Duration::from_millis(50));
        }
        panic!("{name} does not answer");
    }

    pub(crate) fn address(&self, tls: bool) -> SocketAddr {
        if tls { self.tls } else { self.clear }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let _ = self.child.wait();
    }
}

fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
