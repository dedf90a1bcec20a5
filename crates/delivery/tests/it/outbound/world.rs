//! Our own host with its queue, a table in place of the DNS, and people who have mailboxes here.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delivery::outbound::{
    Answering, Barring, Exchange, Finding, Home, Homes, NoAnswer, Outbound, OutboundConfig, Resolver,
    Schedule,
};
use delivery::{Envelope, LocalDelivery, Mailbox, OpenError, QueueId, Quota, Recipient, Remote, StoreConfig};
use mail_queue::View;
use mailstore::files::{Disk, Files};
use tempfile::TempDir;

/// What the DNS says; a name that is not in it does not exist.
#[derive(Default)]
pub(crate) struct Table {
    exchanges: Mutex<HashMap<String, Result<Vec<Exchange>, NoAnswer>>>,
    addresses: Mutex<HashMap<String, Result<Vec<IpAddr>, NoAnswer>>>,
}

impl Table {
    pub(crate) fn mx(&self, domain: &str, hosts: &[(u16, &str)]) {
        let hosts = hosts.iter().map(|(preference, host)| (*preference, (*host).to_owned())).collect();
        self.exchanges.lock().unwrap().insert(domain.to_owned(), Ok(hosts));
    }

    pub(crate) fn no_mx(&self, domain: &str, why: NoAnswer) {
        self.exchanges.lock().unwrap().insert(domain.to_owned(), Err(why));
    }

    pub(crate) fn host(&self, host: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.addresses.lock().unwrap().insert(host.to_owned(), Ok(addresses));
    }
}

impl Resolver for Table {
    fn exchanges<'a>(&'a self, domain: &'a str) -> Answering<'a, Vec<Exchange>> {
        let found = self.exchanges.lock().unwrap().get(domain).cloned();
        Box::pin(async move { found.unwrap_or(Err(NoAnswer::NoSuchName)) })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answering<'a, Vec<IpAddr>> {
        let found = self.addresses.lock().unwrap().get(host).cloned();
        Box::pin(async move { found.unwrap_or(Err(NoAnswer::NoSuchName)) })
    }
}

/// Of everybody's mailbox here.
pub(crate) const QUOTA: Quota = Quota { octets: Some(1 << 20), messages: None };

/// Everybody at example.jp whose name is a mailbox.
struct People {
    appointed: Arc<AtomicBool>,
    suspended: Arc<AtomicBool>,
}

impl Homes for People {
    fn find<'a>(&'a self, address: &'a str) -> Finding<'a> {
        let home = match address.split_once('@') {
            Some(("nobody", "example.jp")) => Home::Nobody,
            Some((name, "example.jp" | "us.example.jp")) => Home::Mailbox(Mailbox::new(name).unwrap(), QUOTA),
            _ => Home::Elsewhere,
        };
        Box::pin(async move { Ok(home) })
    }

    fn barred<'a>(&'a self, account: &'a str) -> Barring<'a> {
        let bar = self.suspended.load(Ordering::SeqCst).then(|| format!("{account} is suspended"));
        Box::pin(async move { Ok(bar) })
    }

    fn postmaster(&self) -> Finding<'_> {
        let home = match self.appointed.load(Ordering::SeqCst) {
            true => Home::Mailbox(Mailbox::new("postmaster").unwrap(), QUOTA),
            false => Home::Nobody,
        };
        Box::pin(async move { Ok(home) })
    }
}

pub(crate) struct World {
    directory: TempDir,
    pub(crate) dns: Arc<Table>,
    pub(crate) outbound: Outbound,
    /// Whether there is a postmaster.
    pub(crate) appointed: Arc<AtomicBool>,
    /// Whether every account is suspended.
    pub(crate) suspended: Arc<AtomicBool>,
    pub(crate) local: LocalDelivery,
}

pub(crate) const TEXT: &str =
    "Return-Path: <taro@example.jp>\r\nReceived: from pc\r\nSubject: hello\r\n\r\n.Hello.\r\n";

/// What leaves of [`TEXT`].
pub(crate) const SENT: &str = "Received: from pc\r\nSubject: hello\r\n\r\n..Hello.\r\n";

/// As quick as the queue's seconds allow.
pub(crate) fn quick() -> Schedule {
    let second = Duration::from_secs(1);
    Schedule { minimal_backoff: second, maximal_backoff: second, ..Schedule::default() }
}

pub(crate) fn config() -> OutboundConfig {
    OutboundConfig { schedule: quick(), ..OutboundConfig::new("us.example.jp") }
}

impl World {
    pub(crate) fn new(config: OutboundConfig) -> Self {
        let memory = Path::new("/dev/shm");
        let directory =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        Self::over(directory, config)
    }

    /// Over what another world left.
    pub(crate) fn over(directory: TempDir, config: OutboundConfig) -> Self {
        Self::over_files(directory, Arc::new(Disk), config)
    }

    /// The same, on a disk with faults.
    pub(crate) fn on(files: Arc<dyn Files>, config: OutboundConfig) -> Self {
        let Self { directory, .. } = Self::new(config.clone());
        Self::over_files(directory, files, config)
    }

    fn over_files(directory: TempDir, files: Arc<dyn Files>, config: OutboundConfig) -> Self {
        let path = directory.path();
        let store = StoreConfig::new(path.join("mail"), path.join("queue"), "us.example.jp");
        // A thread that was sweeping for the world before has the queue for a moment longer than that was there.
        let opened = (0..1000).find_map(|_| match LocalDelivery::open_on(files.clone(), store.clone()) {
            Err(OpenError::InUse(_)) => {
                std::thread::sleep(Duration::from_millis(10));
                None
            }
            opened => Some(opened.unwrap()),
        });
        let local = opened.unwrap();
        let dns = Arc::new(Table::default());
        let appointed = Arc::new(AtomicBool::new(true));
        let suspended = Arc::<AtomicBool>::default();
        let people = Arc::new(People { appointed: appointed.clone(), suspended: suspended.clone() });
        let outbound = Outbound::new(config, local.clone(), dns.clone(), people).unwrap();
        Self { directory, dns, outbound, appointed, suspended, local }
    }

    pub(crate) fn run(&self) {
        tokio::spawn(self.outbound.clone().run());
    }

    /// The lines of the ledger of somebody's mailbox here.
    pub(crate) fn ledger(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join("mail").join(name).join("maildirsize")).unwrap()
    }

    pub(crate) fn queue(&self) -> PathBuf {
        self.directory.path().join("queue")
    }

    pub(crate) fn mail(&self) -> PathBuf {
        self.directory.path().join("mail")
    }

    pub(crate) fn local(&self) -> &LocalDelivery {
        &self.local
    }

    pub(crate) fn view(&self) -> View {
        View::new(&self.queue())
    }

    pub(crate) async fn send(&self, to: &[&str]) -> QueueId {
        self.send_as("taro@example.jp", to, |_| {}).await
    }

    pub(crate) async fn send_as(
        &self,
        from: &str,
        to: &[&str],
        change: impl FnOnce(&mut Envelope),
    ) -> QueueId {
        self.send_text(from, to, TEXT, change).await
    }

    pub(crate) async fn send_text(
        &self,
        from: &str,
        to: &[&str],
        text: &str,
        change: impl FnOnce(&mut Envelope),
    ) -> QueueId {
        let id = QueueId::new();
        let mut envelope = Envelope::new(id, from, Vec::<Recipient>::new());
        envelope.remotes = to.iter().map(|address| Remote::new(*address)).collect();
        change(&mut envelope);
        let mut incoming = self.local.begin(envelope, Vec::new());
        incoming.write(text.as_bytes()).await.unwrap();
        incoming.commit().await.unwrap();
        id
    }

    /// The messages in somebody's mailbox here.
    pub(crate) fn mailbox(&self, name: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.directory.path().join("mail").join(name).join("new")) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| String::from_utf8(std::fs::read(path).unwrap()).unwrap()).collect()
    }

    /// Waits until nobody waits for the message any more.
    pub(crate) async fn settled(&self, id: QueueId) {
        while self.view().outbound(id).unwrap().is_some() {
            self.breathe().await;
        }
    }

    /// Waits until what is known of a message is as wanted; one that is gone will not be.
    pub(crate) async fn until(
        &self,
        id: QueueId,
        wanted: impl Fn(&mail_queue::Progress) -> bool,
    ) -> mail_queue::Progress {
        loop {
            let found = self.view().outbound(id).unwrap().expect("somebody waits for the message");
            if wanted(&found.progress) {
                return found.progress;
            }
            self.breathe().await;
        }
    }

    /// There is no event for what another task wrote to the disk; the condition is what is waited for, not this.
    pub(crate) async fn breathe(&self) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    pub(crate) fn queue_files(&self) -> Vec<String> {
        let names = |part: &str| -> Vec<String> {
            let entries = std::fs::read_dir(self.queue().join(part)).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        };
        [names("msg"), names("tmp"), names("corrupt")].concat()
    }

    pub(crate) fn into_directory(self) -> TempDir {
        self.directory
    }
}
