//! The two servers, and the one that delivers.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
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

/// What delivers.
pub(crate) struct Smtpd {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Smtpd {
    pub(crate) fn start(world: &World) -> Self {
        let address = free();
        let child = ours(world, "smtpd", &format!("transactions = 0\n{}", door("smtp", address, "")));
        wait_for("smtpd", &[address]);
        Self { address, child }
    }
}

impl Drop for Smtpd {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

impl Daemon {
    pub(crate) fn both(world: &World) -> [Self; 2] {
        [Self::yubin(world), Self::dovecot(world)]
    }

    fn yubin(world: &World) -> Self {
        let (clear, tls) = (free(), free());
        let doors =
            [door("pop3", clear, "clear_text_auth = true\n"), door("pop3", tls, "tls = \"implicit\"\n")];
        Self::started("yubin", clear, tls, ours(world, "pop3d", &doors.concat()))
    }

    fn dovecot(world: &World) -> Self {
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
        wait_for(name, &[clear, tls]);
        Self { name, clear, tls, child }
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
        end(&mut self.child);
    }
}

/// One of our daemons, with a configuration that ends like this.
fn ours(world: &World, name: &str, rest: &str) -> Child {
    let config = world.path(&format!("{name}.toml"));
    let text = format!(
        "hostname = \"localhost\"\nstore = {{ maildirs = \"mail\", queue = \"queue\" }}\n\
         accounts = {{ database = \"sqlite:accounts.sqlite\" }}\n\
         certificate = [{{ chain = \"cert.pem\", key = \"key.pem\" }}]\n\
         [limits]\nconnections = 20000\nconnections_per_address = 0\nconnections_per_network = 0\nmemory = 0\n{rest}"
    );
    fs::write(&config, text).unwrap();
    let log = fs::File::create(world.path(&format!("{name}.log"))).unwrap();
    let program = world.programs.join(name);
    let child = Command::new(&program).arg("--config").arg(&config).stderr(log).stdout(Stdio::null()).spawn();
    child.unwrap_or_else(|error| panic!("{}: {error}; build it first, in release", program.display()))
}

fn door(protocol: &str, address: SocketAddr, more: &str) -> String {
    format!("[[listener]]\nprotocol = \"{protocol}\"\naddress = \"{address}\"\n{more}")
}

fn wait_for(name: &str, addresses: &[SocketAddr]) {
    for _ in 0..200 {
        if addresses.iter().all(|address| TcpStream::connect(address).is_ok()) {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("{name} does not answer");
}

/// Asks it to end, and waits: its children end with it.
fn end(child: &mut Child) {
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let _ = child.wait();
}

fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
