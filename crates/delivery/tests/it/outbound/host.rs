//! Another host: speaks SMTP as it is told, and badly if it is told so.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// A message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) mail: String,
    pub(crate) rcpts: Vec<String>,
    pub(crate) text: String,
    pub(crate) encrypted: bool,
    pub(crate) session: usize,
}

/// What a host says to a verb instead of yes.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// This.
    This(&'static str),
    /// Nothing: it hangs up.
    HangUp,
    /// Nothing, and it does not hang up either.
    Silence,
    /// This, once it is let.
    Later(Arc<Notify>, &'static str),
}

/// How a host behaves; may be changed while it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manners {
    pub(crate) offers: Vec<&'static str>,
    /// By verb: CONNECT EHLO MAIL RCPT DATA END …, or by `RCPT address`.
    pub(crate) says: HashMap<&'static str, Say>,
    /// TLS begins at once.
    pub(crate) implicit_tls: bool,
}

impl Manners {
    pub(crate) fn offering(offers: &[&'static str]) -> Self {
        Self { offers: offers.to_vec(), ..Self::default() }
    }

    pub(crate) fn saying(mut self, verb: &'static str, say: Say) -> Self {
        self.says.insert(verb, say);
        self
    }
}

pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) manners: Mutex<Manners>,
    received: Mutex<Vec<Received>>,
    arrived: Notify,
    /// Somebody waits for an answer.
    pub(crate) silent: Notify,
    /// Logins: what came with AUTH, and whether it was encrypted.
    pub(crate) logins: Mutex<Vec<(String, bool)>>,
    pub(crate) sessions: AtomicUsize,
    pub(crate) tls: Option<TlsAcceptor>,
}

impl Host {
    pub(crate) async fn start(ip: &str, port: u16, manners: Manners, tls: Option<TlsAcceptor>) -> Arc<Self> {
        let listener = TcpListener::bind((ip.parse::<IpAddr>().unwrap(), port)).await.unwrap();
        let host = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            manners: Mutex::new(manners),
            received: Mutex::default(),
            arrived: Notify::new(),
            silent: Notify::new(),
            logins: Mutex::default(),
            sessions: AtomicUsize::new(0),
            tls,
        });
        tokio::spawn({
            let host = host.clone();
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let session = host.sessions.fetch_add(1, Ordering::SeqCst);
                    let host = host.clone();
                    tokio::spawn(async move {
                        let mut talk = Talk { host: host.clone(), session, encrypted: false };
                        if host.manners.lock().unwrap().implicit_tls {
                            if let Ok(stream) = host.tls.as_ref().unwrap().accept(stream).await {
                                talk.encrypted = true;
                                talk.run(BufReader::new(stream), true).await;
                            }
                            return;
                        }
                        if let Some(stream) = talk.run(BufReader::new(stream), true).await {
                            // STARTTLS was said.
                            let Ok(stream) = host.tls.as_ref().unwrap().accept(stream.into_inner()).await
                            else {
                                return;
                            };
                            talk.encrypted = true;
                            talk.run(BufReader::new(stream), false).await;
                        }
                    });
                }
            }
        });
        host
    }

    pub(crate) fn behave(&self, manners: Manners) {
        *self.manners.lock().unwrap() = manners;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until so many messages have come.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        loop {
            let arrived = self.arrived.notified();
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            arrived.await;
        }
    }
}

struct Talk {
    host: Arc<Host>,
    session: usize,
    encrypted: bool,
}

impl Talk {
    /// What is said to a verb; none: the line is dead.
    async fn say<S: AsyncWrite + Unpin>(&self, stream: &mut S, verb: &str, usual: &str) -> Option<bool> {
        let say = self.host.manners.lock().unwrap().says.get(verb).cloned();
        let text = match say {
            None => usual,
            Some(Say::This(text)) => text,
            Some(Say::HangUp) => return None,
            Some(Say::Silence) => {
                self.host.silent.notify_one();
                std::future::pending().await
            }
            Some(Say::Later(word, text)) => {
                self.host.silent.notify_one();
                word.notified().await;
                text
            }
        };
        stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
        Some(text.starts_with(['2', '3']))
    }

    /// To its end, or to STARTTLS, which gives the stream back.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        mut stream: BufReader<S>,
        greet: bool,
    ) -> Option<BufReader<S>> {
        if greet {
            self.say(&mut stream, "CONNECT", "220 mx").await?;
        }
        let (mut mail, mut rcpts, mut chunks) = (String::new(), Vec::new(), Vec::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            let verb = line.split(' ').next().unwrap().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let mut offers = self.host.manners.lock().unwrap().offers.clone();
                    offers.retain(|offer| *offer != "STARTTLS" || !self.encrypted);
                    let lines: String = offers.iter().map(|offer| format!("250-{offer}\r\n")).collect();
                    self.say(&mut stream, "EHLO", &format!("250-mx\r\n{lines}250 HELP")).await?;
                }
                "STARTTLS" => {
                    if self.say(&mut stream, "STARTTLS", "220 go").await? {
                        return Some(stream);
                    }
                }
                "MAIL" => {
                    if self.say(&mut stream, "MAIL", "250 2.1.0 ok").await? {
                        (mail, rcpts) = (line.to_owned(), Vec::new());
                    }
                }
                "RCPT" => {
                    let whom = line.split(['<', '>']).nth(1).unwrap();
                    let own = format!("RCPT {whom}");
                    let known = self.host.manners.lock().unwrap().says.contains_key(own.as_str());
                    let verb = if known { own.as_str() } else { "RCPT" };
                    if self.say(&mut stream, verb, "250 2.1.5 ok").await? {
                        rcpts.push(line.to_owned());
                    }
                }
                "DATA" => {
                    let usual = if rcpts.is_empty() { "554 5.5.1 nobody" } else { "354 go" };
                    if self.say(&mut stream, "DATA", usual).await? {
                        let mut text = Vec::new();
                        while !text.ends_with(b"\r\n.\r\n") && text != b".\r\n" {
                            if stream.read_until(b'\n', &mut text).await.ok()? == 0 {
                                return None;
                            }
                        }
                        text.truncate(text.len() - 3);
                        self.end(&mut stream, &mail, &rcpts, text).await?;
                    }
                }
                "BDAT" => {
                    let words: Vec<&str> = line.split(' ').collect();
                    let mut chunk = vec![0; words[1].parse().unwrap()];
                    stream.read_exact(&mut chunk).await.ok()?;
                    chunks.extend(chunk);
                    if words.contains(&"LAST") {
                        self.end(&mut stream, &mail, &rcpts, std::mem::take(&mut chunks)).await?;
                    } else {
                        self.say(&mut stream, "BDAT", "250 ok").await?;
                    }
                }
                "AUTH" => {
                    let mut login = line.to_owned();
                    // LOGIN asks for the name, where it does not come along, and for the password.
                    let questions =
                        if line.starts_with("AUTH LOGIN") { 4 - line.split(' ').count() } else { 0 };
                    for _ in 0..questions {
                        stream.write_all(b"334 \r\n").await.ok()?;
                        login.push(' ');
                        stream.read_line(&mut login).await.ok()?;
                        login.truncate(login.trim_end().len());
                    }
                    self.host.logins.lock().unwrap().push((login, self.encrypted));
                    self.say(&mut stream, "AUTH", "235 2.7.0 welcome").await?;
                }
                "RSET" => drop(self.say(&mut stream, "RSET", "250 ok").await?),
                "QUIT" => {
                    self.say(&mut stream, "QUIT", "221 bye").await?;
                    return None;
                }
                _ => drop(self.say(&mut stream, &verb, "500 5.5.2 what?").await?),
            }
        }
    }

    async fn end<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        mail: &str,
        rcpts: &[String],
        text: Vec<u8>,
    ) -> Option<()> {
        if self.say(stream, "END", "250 2.0.0 mine").await? {
            self.host.received.lock().unwrap().push(Received {
                mail: mail.to_owned(),
                rcpts: rcpts.to_vec(),
                text: String::from_utf8_lossy(&text).into_owned(),
                encrypted: self.encrypted,
                session: self.session,
            });
            self.host.arrived.notify_waiters();
        }
        Some(())
    }
}
