//! Debian's clamd as an instance of our own, in a directory that goes away with the test, with the signature of EICAR's test file and
//! no other; and one that is played.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddrV4;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;
use xtask::loopback;

use crate::harness::daemon::PATIENCE;

/// EICAR's test file, which is no virus and which every scanner takes for one: joined here, so that this source is none.
pub(super) fn eicar() -> String {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR", "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

/// A message with it, in its text.
pub(super) fn infected() -> Vec<u8> {
    format!("From: <friend@example.org>\r\nSubject: look\r\n\r\n{}\r\n", eicar()).into_bytes()
}

/// The same as an attachment behind other octets.
pub(super) fn infected_attachment(before: &[u8]) -> Vec<u8> {
    let head = "From: <friend@example.org>\r\nSubject: a file\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/mixed; boundary=cut\r\n\r\n--cut\r\nContent-Type: text/plain\r\n\r\n";
    let file = BASE64_STANDARD.encode(eicar());
    let tail = format!(
        "\r\n--cut\r\nContent-Type: application/octet-stream; name=a.com\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.com\r\n\r\n{file}\r\n--cut--\r\n"
    );
    [head.as_bytes(), before, tail.as_bytes()].concat()
}

pub(super) const CLEAN: &[u8] = b"From: <friend@example.org>\r\nSubject: hello\r\n\r\n.Hello.\r\n";

/// The real one.
pub(super) struct Clamd {
    child: Child,
    directory: TempDir,
    address: SocketAddrV4,
}

/// Debian's, installed or unpacked by `cargo xtask test`.
fn program() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_yubin")).parent().unwrap().parent().unwrap();
    let places = [PathBuf::from("/usr/sbin/clamd"), target.join("clamd/usr/sbin/clamd")];
    let found = places.iter().find(|place| place.exists());
    let advice = "`cargo xtask test` gets it, `--without clients` leaves its tests out";
    found.unwrap_or_else(|| panic!("there is no clamd: {advice}")).clone()
}

impl Clamd {
    /// `settings`: more lines of its configuration.
    pub(super) fn start(settings: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("yubin-clamd-").tempdir().unwrap();
        let path = directory.path().display();
        let address = loopback::address();
        let (ip, port) = (address.ip(), address.port());
        let configuration = format!(
            "DatabaseDirectory {path}/signatures\nTemporaryDirectory {path}\nLocalSocket {path}/clamd.ctl\n\
             TCPSocket {port}\nTCPAddr {ip}\nForeground yes\n{settings}\n"
        );
        fs::write(directory.path().join("clamd.conf"), configuration).unwrap();
        let hex: String = eicar().bytes().map(|octet| format!("{octet:02x}")).collect();
        fs::create_dir(directory.path().join("signatures")).unwrap();
        // In files of any type, at any place.
        let signature = format!("Test.Eicar:0:*:{hex}\n");
        fs::write(directory.path().join("signatures/test.ndb"), signature).unwrap();
        let mut command = Command::new(program());
        command.arg("-c").arg(directory.path().join("clamd.conf"));
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !said.contains("Self checking every") {
            assert!(lines.read_line(&mut said).unwrap() > 0, "clamd has ended: {said}");
        }
        // What it says later must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child, directory, address }
    }

    pub(super) fn unix(&self) -> String {
        format!("unix:{}/clamd.ctl", self.directory.path().display())
    }

    pub(super) fn tcp(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A clamd that does what a test says.
pub(super) struct Played {
    path: PathBuf,
    conversations: mpsc::Receiver<Conversation>,
    _directory: TempDir,
}

/// One connection with it, behind the command.
pub(super) struct Conversation(UnixStream);

impl Played {
    pub(super) fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("yubin-played-").tempdir().unwrap();
        let path = directory.path().join("clamd.ctl");
        let listener = UnixListener::bind(&path).unwrap();
        let (sender, conversations) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if sender.send(Conversation(stream.unwrap())).is_err() {
                    return;
                }
            }
        });
        Self { path, conversations, _directory: directory }
    }

    /// One that does the same in each conversation.
    pub(super) fn always(act: impl Fn(Conversation) + Send + 'static) -> (String, TempDir) {
        let Self { path, conversations, _directory: directory } = Self::start();
        std::thread::spawn(move || conversations.into_iter().for_each(act));
        (format!("unix:{}", path.display()), directory)
    }

    pub(super) fn unix(&self) -> String {
        format!("unix:{}", self.path.display())
    }

    pub(super) fn next(&self) -> Conversation {
        self.conversations.recv_timeout(PATIENCE).expect("nobody came to clamd")
    }

    /// Whether nobody has come that was not looked after.
    pub(super) fn is_alone(&self) -> bool {
        self.conversations.try_recv().is_err()
    }
}

impl Conversation {
    /// The next piece; an empty one is the end.
    pub(super) fn piece(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut piece = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        self.0.read_exact(&mut piece).unwrap();
        piece
    }

    pub(super) fn command(&mut self) {
        let mut command = [0; 10];
        self.0.read_exact(&mut command).unwrap();
        assert_eq!(&command, b"zINSTREAM\0");
    }

    /// All of them.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let piece = self.piece();
            if piece.is_empty() {
                return all;
            }
            all.extend(piece);
        }
    }

    pub(super) fn say(&mut self, answer: &[u8]) {
        // Who does not want to hear it has gone.
        let _ = self.0.write_all(answer);
    }

    /// Back when the other side has gone.
    pub(super) fn wait_for_end(mut self) {
        let _ = std::io::copy(&mut self.0, &mut std::io::sink());
    }
}
