//! An operator's orders to the agent, over a socket in the queue directory, which nobody else can enter.
//!
//! One line each way: `hold 01JQX5Z7W3N8K2AB waits for review`, and `ok …` or `no …`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mail_queue::{Fate, Outbound as Waiting, Progress, QueueId, Spool};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::agent::{Agent, Outbound};
use super::limits;
use super::route::nexthop;

/// What an operator can order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Nobody sends it before it is released.
    Hold(QueueId, String),
    /// It goes on.
    Release(QueueId),
    /// It is tried at once, whatever was learnt of its hosts.
    Retry(QueueId),
    /// It is thrown away, and nobody is told but the log.
    Drop(QueueId, String),
    /// What holds it back.
    Why(QueueId),
    /// The queue directory of a machine that is dead becomes part of ours.
    Adopt(PathBuf),
    /// What was done since the start: [`Counts`](super::Counts).
    Status,
}

/// Why what an account submitted is held while it may not send: it waits for an operator then, also when the account may send again.
pub fn suspended(account: &str) -> String {
    format!("{account} is suspended")
}

/// What an operator is told who wants to know of a held message why it does not go.
fn is_held(id: QueueId, why: &str) -> String {
    format!("{id} is held ({why}): `yubin queue release {id}` lets it go on")
}

/// Longest line.
const LONGEST: u64 = 16 * 1024;
const SOCKET: &str = "control";

impl Order {
    fn line(&self) -> String {
        let clean = |text: &str| text.replace(char::is_control, " ");
        match self {
            Self::Hold(id, why) => format!("hold {id} {}", clean(why)),
            Self::Release(id) => format!("release {id} "),
            Self::Retry(id) => format!("retry {id} "),
            Self::Drop(id, why) => format!("drop {id} {}", clean(why)),
            Self::Why(id) => format!("why {id} "),
            Self::Status => String::from("status - "),
            Self::Adopt(directory) => format!("adopt - {}", clean(&directory.display().to_string())),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let (verb, rest) = line.split_once(' ')?;
        let (id, rest) = rest.split_once(' ')?;
        let rest = rest.to_owned();
        match verb {
            "adopt" => return Some(Self::Adopt(rest.into())),
            "status" => return Some(Self::Status),
            _ => {}
        }
        let id = QueueId::parse(id)?;
        Some(match verb {
            "hold" => Self::Hold(id, rest),
            "release" => Self::Release(id),
            "retry" => Self::Retry(id),
            "drop" => Self::Drop(id, rest),
            "why" => Self::Why(id),
            _ => return None,
        })
    }
}

/// Sends an order to the agent that owns a queue directory; `Ok(None)`: nobody owns it, as far as can be seen.
///
/// # Errors
/// The agent refused (`InvalidInput`), or could not be spoken to.
pub async fn ask(queue: &Path, order: &Order) -> io::Result<Option<String>> {
    let mut stream = match UnixStream::connect(queue.join(SOCKET)).await {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        stream => stream?,
    };
    stream.write_all(format!("{}\n", order.line()).as_bytes()).await?;
    let mut answer = String::new();
    stream.take(LONGEST * 16).read_to_string(&mut answer).await?;
    match answer.trim_end().split_once(' ') {
        Some(("ok", text)) => Ok(Some(text.to_owned())),
        Some((_, text)) => Err(io::Error::new(io::ErrorKind::InvalidInput, text.to_owned())),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Does what an order says to a spool of ours, and logs it; says what was done. Blocks.
///
/// # Errors
/// Why not, for an operator.
pub fn obey(spool: &Spool, order: &Order) -> Result<String, String> {
    let known = |recorded: Result<Option<()>, mail_queue::Error>| match recorded {
        Ok(Some(())) => Ok(()),
        Ok(None) => Err(String::from("no such message waits")),
        Err(error) => Err(error.to_string()),
    };
    match order {
        Order::Hold(id, why) => {
            let recorded = spool.record(*id, |_, progress| progress.hold = Some(why.clone()));
            known(recorded.map(|found| found.map(drop)))?;
            tracing::info!(event = "queue_held", queue_id = %id, reason = why);
            Ok(format!("{id} is held"))
        }
        Order::Release(id) => {
            let served = spool.release(*id);
            if let Ok(Some(outcome)) = &served {
                for (mailbox, error) in &outcome.pending {
                    tracing::warn!(event = "delivery_deferred", queue_id = %id, %mailbox, %error);
                }
            }
            known(served.map(|found| found.map(drop)))?;
            tracing::info!(event = "queue_released", queue_id = %id);
            Ok(format!("{id} goes on"))
        }
        Order::Retry(id) => {
            let mut held = None;
            let recorded = spool.record(*id, |_, progress| {
                held.clone_from(&progress.hold);
                if held.is_none() {
                    progress.recipients.iter_mut().for_each(|recipient| recipient.next = 0);
                }
            });
            known(recorded.map(|found| found.map(drop)))?;
            if let Some(why) = held {
                return Ok(is_held(*id, &why));
            }
            tracing::info!(event = "queue_retried", queue_id = %id);
            Ok(format!("{id} is tried now"))
        }
        Order::Drop(id, why) => {
            let waiting = spool.outbound(*id).map_err(|error| error.to_string())?;
            let waiting = waiting.ok_or("no such message waits")?;
            let here = spool.drop_held(*id).map_err(|error| error.to_string())?;
            let (mut from, mut to) = (waiting.envelope.reverse_path, Vec::new());
            to.extend(here.into_iter().map(|recipient| recipient.address));
            let recorded = spool.record(*id, |envelope, progress| {
                from.clone_from(&envelope.reverse_path);
                for (remote, recipient) in envelope.remotes.iter().zip(&mut progress.recipients) {
                    if recipient.fate.is_open() {
                        recipient.fate = Fate::Dropped;
                        to.push(remote.address.clone());
                    }
                }
            });
            recorded.map_err(|error| error.to_string())?;
            for recipient in to {
                tracing::warn!(event = "queue_dropped", queue_id = %id, from, recipient, reason = why);
            }
            Ok(format!("{id} is dropped"))
        }
        Order::Why(id) => match spool.outbound(*id) {
            Ok(Some(Waiting { progress: Progress { hold: Some(why), .. }, .. })) => Ok(is_held(*id, &why)),
            Ok(Some(_)) => Ok(String::from("no daemon runs that would send it")),
            found => known(found.map(|found| found.map(drop))).map(|()| String::new()),
        },
        Order::Status => Err(String::from("no daemon runs that would send anything")),
        Order::Adopt(directory) => {
            let (adopted, recovery) = spool.adopt(directory).map_err(|error| error.to_string())?;
            crate::local::log(&recovery, &spool.corrupt());
            let directory = directory.display();
            tracing::info!(event = "queue_adopted", %directory, messages = adopted.len());
            match recovery.trouble.first() {
                None => Ok(format!("{} messages of {directory} are ours", adopted.len())),
                Some(trouble) => Err(format!("{} messages are ours, then: {trouble}", adopted.len())),
            }
        }
    }
}

impl Outbound {
    /// Takes an operator's orders, as long as it is awaited.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub async fn take_orders(&self) -> io::Result<()> {
        let path = self.agent.queue().join(SOCKET);
        // The queue directory is ours alone, so whoever left this is gone.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.agent.clone().hear(stream))),
                // As while there is no descriptor left: a flood must not leave the operator without a say for good.
                Err(error) => {
                    tracing::error!(event = "outbound_unavailable", reason = %error);
                    tokio::time::sleep(limits::ORDER_PAUSE).await;
                }
            }
        }
    }
}

impl Agent {
    async fn hear(self: Arc<Self>, stream: UnixStream) {
        let (read, mut write) = stream.into_split();
        let mut line = String::new();
        if BufReader::new(read.take(LONGEST)).read_line(&mut line).await.is_err() {
            return;
        }
        let answer = match Order::parse(line.trim_end_matches('\n')) {
            Some(order) => self.follow(order).await,
            None => Err(String::from("this is no order")),
        };
        let line = match answer {
            Ok(text) => format!("ok {text}\n"),
            Err(text) => format!("no {text}\n"),
        };
        let _ = write.write_all(line.as_bytes()).await;
    }

    async fn follow(self: &Arc<Self>, order: Order) -> Result<String, String> {
        if order == Order::Status {
            return Ok(self.counts().line());
        }
        let forget = || {
            if let Order::Hold(id, _) | Order::Release(id) | Order::Retry(id) | Order::Drop(id, _) = &order {
                self.local.inner.arrivals.take_fresh(*id);
            }
        };
        // From now on the disk knows more of it, and again of one that was just being accepted.
        forget();
        let (spool, given) = (self.spool().clone(), order.clone());
        let done = self.local.inner.pool.run(move || obey(&spool, &given)).await;
        forget();
        let done = done.map_err(|error| error.to_string()).and_then(|done| done);
        if let Order::Adopt(_) = order {
            // What is ours now is sent, whatever kept others from it.
            let entered = self.enter_all();
            self.changed.notify_one();
            return done.and_then(|text| entered.map(|()| text));
        }
        let text = done?;
        match order {
            Order::Why(id) => {
                let found = self.spool().outbound(id).map_err(|error| error.to_string())?;
                let waiting = found.ok_or("no such message waits")?;
                if waiting.progress.hold.is_some() {
                    return Ok(text);
                }
                let held = self.limiter(&waiting);
                return Ok(held
                    .iter()
                    .map(|(to, why)| format!("{to}: {why}"))
                    .collect::<Vec<_>>()
                    .join("; "));
            }
            Order::Hold(id, _) => {
                self.local.inner.held().insert(id);
                self.book().remove(id);
            }
            Order::Drop(id, _) => {
                self.local.inner.held().remove(&id);
                self.book().remove(id);
            }
            Order::Status | Order::Adopt(_) => {}
            Order::Release(id) | Order::Retry(id) => {
                if matches!(order, Order::Release(_)) {
                    self.local.inner.held().remove(&id);
                    self.local.released(id);
                }
                let found = self.spool().outbound(id);
                {
                    let mut book = self.book();
                    book.remove(id);
                    if let (Order::Retry(_), Ok(Some(waiting))) = (&order, &found) {
                        for remote in &waiting.envelope.remotes {
                            book.hurry(&nexthop(&self.config, &remote.address).key);
                        }
                    }
                }
                self.enter(id, found).await;
            }
        }
        self.changed.notify_one();
        Ok(text)
    }

    /// Learns of what came into the queue directory otherwise than by being accepted here.
    fn enter_all(&self) -> Result<(), String> {
        self.local.inner.collect_late();
        for id in mail_queue::View::new(&self.queue()).ids().map_err(|error| error.to_string())? {
            self.book().remove(id);
            self.local.inner.arrivals.push(id);
        }
        Ok(())
    }
}
