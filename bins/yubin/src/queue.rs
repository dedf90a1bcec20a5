//! `yubin queue`: messages on their way to other hosts, and held ones. Looking changes nothing; orders go to the daemon that owns the queue, or, where
//! none runs, to the queue itself.

use std::collections::BTreeSet;
use std::path::PathBuf;

use accounts::State;
use clap::{Args, Subcommand};
use delivery::outbound::{Order, ask, obey, suspended};
use mail_queue::{Fate, Outbound, QueueId, Recipient, Spool, SpoolConfig, View};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts, table, time};

/// What to do with the queue.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Messages that wait for other hosts, and those that are held, the oldest first
    List(Which),
    /// How much waits, since when and for whom, and what the daemon has done since its start
    Status {
        /// So many domains, those with the most messages first
        #[arg(long, value_name = "N", default_value_t = 10)]
        top: usize,
    },
    /// All that is known of a message, with its latest tries
    Show {
        /// The message's queue id
        id: String,
    },
    /// What holds a message back: the last answer, the next try, the limit
    Why {
        /// The message's queue id
        id: String,
    },
    /// Keep messages back until they are released
    Hold {
        /// Which
        #[command(flatten)]
        which: Which,
        /// Why, for whoever looks later
        #[arg(long, default_value = "held by an operator")]
        reason: String,
    },
    /// Let held messages go on
    Release(Which),
    /// Try messages now
    Retry(Which),
    /// Throw messages away; their senders are not told
    Drop {
        /// Which
        #[command(flatten)]
        which: Which,
        /// Why, for the log
        #[arg(long)]
        reason: String,
    },
    /// Take over what waits in the queue directory of a machine that is dead
    Adopt {
        /// Its queue directory
        directory: PathBuf,
    },
}

/// Messages, by id or by what they have in common.
#[derive(Debug, Args)]
pub struct Which {
    /// Queue ids
    ids: Vec<String>,
    /// From this sender ("" for reports)
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
    /// Submitted by this account
    #[arg(long, value_name = "LOGIN")]
    account: Option<String>,
    /// With a recipient at this domain who waits
    #[arg(long)]
    domain: Option<String>,
    /// Only held ones
    #[arg(long)]
    held: bool,
    /// All of them
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Serialize)]
struct Shown {
    id: String,
    arrived: String,
    sender: String,
    account: Option<String>,
    octets: u64,
    held: Option<String>,
    /// Why it will be at its next try: somebody suspended its account, and this machine has not looked at it since.
    #[serde(skip_serializing_if = "Option::is_none")]
    about_to_be_held: Option<String>,
    recipients: Vec<Standing>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<Try>,
    /// What holds it back, from the daemon.
    #[serde(skip_serializing_if = "Option::is_none")]
    limiter: Option<String>,
}

#[derive(Debug, Serialize)]
struct Standing {
    address: String,
    state: &'static str,
    attempts: u32,
    next: Option<String>,
    last: String,
}

#[derive(Debug, Serialize)]
struct Try {
    at: String,
    recipient: String,
    host: String,
    tls: String,
    answer: String,
}

#[derive(Debug, Serialize)]
struct Done {
    done: Vec<String>,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: Command, output: Output) -> Result<(), Failure> {
    let view = View::new(&settings.config.store.queue);
    match command {
        Command::List(which) => {
            let mut list = Vec::new();
            let missing = which.each(&view, |waiting| list.push(Shown::new(waiting, false)))?;
            look_for_suspended(settings, &mut list).await;
            output.print(&list, |list| as_table(list))?;
            all_or(missing)
        }
        Command::Status { top } => crate::queue_status::run(&settings.config.store.queue, top, output).await,
        Command::Show { id } => {
            let mut shown = Shown::new(&find(&view, parse(&id)?)?, true);
            look_for_suspended(settings, std::slice::from_mut(&mut shown)).await;
            output.print(&shown, as_facts)
        }
        Command::Why { id } => {
            let id = parse(&id)?;
            let mut shown = Shown::new(&find(&view, id)?, false);
            let answer = ask(&settings.config.store.queue, &Order::Why(id)).await;
            let nobody = || String::from("no daemon runs that would send it");
            shown.limiter = Some(answer.map_err(refused)?.unwrap_or_else(nobody));
            look_for_suspended(settings, std::slice::from_mut(&mut shown)).await;
            output.print(&shown, as_facts)
        }
        Command::Hold { which, reason } => {
            give(settings, &view, &which, output, |id| Order::Hold(id, reason.clone())).await
        }
        Command::Release(which) => give(settings, &view, &which, output, Order::Release).await,
        Command::Retry(which) => give(settings, &view, &which, output, Order::Retry).await,
        Command::Drop { which, reason } => {
            give(settings, &view, &which, output, |id| Order::Drop(id, reason.clone())).await
        }
        Command::Adopt { directory } => {
            let directory = std::path::absolute(directory).map_err(refused)?;
            let done = vec![order(settings, Order::Adopt(directory)).await?];
            output.print(&Done { done }, |facts| facts.done.join("\n"))
        }
    }
}

/// Says of messages that wait whose accounts may not send any more: where one is suspended on another machine, this one's daemon hears
/// of it when it next tries the message. Without the accounts nothing is said: what waits can be seen all the same.
async fn look_for_suspended(settings: &Settings, list: &mut [Shown]) {
    let waiting = |shown: &&mut Shown| shown.held.is_none();
    let logins: BTreeSet<String> =
        list.iter_mut().filter(waiting).filter_map(|it| it.account.clone()).collect();
    if logins.is_empty() {
        return;
    }
    let Ok(accounts) = settings.accounts().await else { return };
    let mut barred = BTreeSet::new();
    for login in logins {
        if let Ok(found) = accounts.account_show(&login).await
            && let State::Suspended { stops, .. } = found.account.state
            && stops.sending
        {
            barred.insert(login);
        }
    }
    for shown in list.iter_mut().filter(waiting) {
        let login = shown.account.as_ref().filter(|login| barred.contains(*login));
        shown.about_to_be_held = login.map(|login| suspended(login));
    }
}

/// Of a recipient here who does not get the message before it is released.
const HELD: &str = "held";

/// Gives an order for each of the messages.
async fn give(
    settings: &Settings,
    view: &View,
    which: &Which,
    output: Output,
    what: impl Fn(QueueId) -> Order,
) -> Result<(), Failure> {
    if which.is_empty() {
        return Err(Failure::Refused(String::from(
            "say which messages: queue ids, --sender, --account, --domain, --held or --all",
        )));
    }
    let mut ids = Vec::new();
    let mut failed = which.each(view, |waiting| ids.push(waiting.envelope.queue_id))?;
    let mut done = Vec::new();
    for id in ids {
        match order(settings, what(id)).await {
            Ok(answer) => done.push(answer),
            Err(failure) => failed.push(format!("{id}: {failure}")),
        }
    }
    if !done.is_empty() || failed.is_empty() {
        output.print(&Done { done }, |facts| facts.done.join("\n"))?;
    }
    all_or(failed)
}

/// To the daemon, or to the queue itself.
pub(crate) async fn order(settings: &Settings, order: Order) -> Result<String, Failure> {
    if let Some(answer) = ask(&settings.config.store.queue, &order).await.map_err(refused)? {
        return Ok(answer);
    }
    let store = &settings.config.store;
    let config = SpoolConfig {
        queue: store.queue.clone(),
        maildirs: store.maildirs.clone(),
        host: settings.config.node.clone(),
    };
    let done = tokio::task::spawn_blocking(move || {
        let (spool, _) = Spool::open(config).map_err(|error| error.to_string())?;
        obey(&spool, &order)
    });
    done.await.map_err(refused)?.map_err(Failure::Refused)
}

/// Those that failed are told after those that did not.
fn all_or(failed: Vec<String>) -> Result<(), Failure> {
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::Refused(failed.join("\n"))),
    }
}

fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::Refused(error.to_string())
}

fn parse(id: &str) -> Result<QueueId, Failure> {
    QueueId::parse(id).ok_or_else(|| Failure::Refused(format!("{id:?} is no queue id")))
}

fn find(view: &View, id: QueueId) -> Result<Outbound, Failure> {
    view.outbound(id)
        .map_err(refused)?
        .ok_or_else(|| Failure::Refused(format!("no message {id} waits for another host, or is held")))
}

impl Which {
    fn is_empty(&self) -> bool {
        let Self { ids, sender, account, domain, held, all } = self;
        ids.is_empty() && sender.is_none() && account.is_none() && domain.is_none() && !held && !all
    }

    /// Those that are meant; what is wrong with those that were named and are not there.
    fn each(&self, view: &View, mut each: impl FnMut(&Outbound)) -> Result<Vec<String>, Failure> {
        let mut found = Vec::new();
        if self.ids.is_empty() {
            // One that cannot be read is the daemon's to set aside.
            let all = view.ids().map_err(refused)?.into_iter();
            found.extend(all.filter_map(|id| view.outbound(id).ok().flatten()).map(Ok));
        }
        found.extend(self.ids.iter().map(|id| find(view, parse(id)?)));
        let mut missing = Vec::new();
        for one in found {
            match one {
                Ok(waiting) if self.means(&waiting) => each(&waiting),
                Ok(_) => {}
                Err(failure) => missing.push(failure.to_string()),
            }
        }
        Ok(missing)
    }

    fn means(&self, Outbound { envelope, progress, held_here, .. }: &Outbound) -> bool {
        let at = |domain: &String| {
            let mut each = envelope.remotes.iter().zip(&progress.recipients);
            let here = |recipient: &Recipient| {
                let (_, of) = recipient.address.rsplit_once('@').unwrap_or_default();
                of.eq_ignore_ascii_case(domain)
            };
            each.any(|(remote, standing)| standing.fate.is_open() && remote.domain() == domain.to_lowercase())
                || held_here.iter().any(here)
        };
        self.sender.as_ref().is_none_or(|sender| *sender == envelope.reverse_path)
            && (self.account.is_none() || self.account == envelope.account)
            && self.domain.as_ref().is_none_or(at)
            && (!self.held || progress.hold.is_some())
    }
}

impl Shown {
    fn new(waiting: &Outbound, with_history: bool) -> Self {
        let Outbound { envelope, sizes, progress, held_here } = waiting;
        let seconds = |micros: u64| time(i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX));
        let at = |at: u64| time(i64::try_from(at).unwrap_or(i64::MAX));
        let each = envelope.remotes.iter().zip(&progress.recipients);
        let address =
            |nth: usize| envelope.remotes.get(nth).map(|remote| remote.address.clone()).unwrap_or_default();
        let history = progress.history.iter().filter(|_| with_history).map(|attempt| Try {
            at: at(attempt.at),
            recipient: address(attempt.recipient),
            host: attempt.host.clone(),
            tls: attempt.tls.clone(),
            answer: attempt.answer.clone(),
        });
        Self {
            id: envelope.queue_id.to_string(),
            arrived: seconds(envelope.queue_id.micros()),
            sender: envelope.reverse_path.clone(),
            account: envelope.account.clone(),
            octets: sizes.stored,
            held: progress.hold.clone(),
            about_to_be_held: None,
            recipients: each
                .map(|(remote, standing)| Standing {
                    address: remote.address.clone(),
                    state: standing.fate.word(),
                    attempts: standing.attempts,
                    next: (standing.fate == Fate::Waiting && standing.next > 0).then(|| at(standing.next)),
                    last: standing.last.clone(),
                })
                .chain(held_here.iter().map(|recipient| Standing {
                    address: recipient.address.clone(),
                    state: HELD,
                    attempts: 0,
                    next: None,
                    last: String::new(),
                }))
                .collect(),
            history: history.collect(),
            limiter: None,
        }
    }
}

fn as_table(list: &[Shown]) -> String {
    let row = |shown: &Shown| {
        let waiting: Vec<&Standing> = shown
            .recipients
            .iter()
            .filter(|it| it.state == Fate::Waiting.word() || it.state == HELD)
            .collect();
        let to = match &waiting[..] {
            [] => String::new(),
            [one] => one.address.clone(),
            [first, rest @ ..] => format!("{} and {} more", first.address, rest.len()),
        };
        let last = waiting.first().map(|standing| standing.last.clone()).filter(|last| !last.is_empty());
        // What holds it is of more use than what a host said before.
        let last = shown.held.clone().or(shown.about_to_be_held.clone()).or(last).unwrap_or_default();
        let state = if shown.held.is_some() { "held" } else { "waits" };
        [
            shown.id.clone(),
            shown.arrived.clone(),
            shown.octets.to_string(),
            state.to_owned(),
            format!("<{}>", shown.sender),
            to,
            last,
        ]
    };
    let head = ["ID", "ARRIVED", "OCTETS", "STATE", "SENDER", "TO", "LAST ANSWER"];
    table(head, &list.iter().map(row).collect::<Vec<_>>())
}

fn as_facts(shown: &Shown) -> String {
    let recipient = |standing: &Standing| {
        let next = standing.next.as_ref().map(|next| format!(", next try {next}")).unwrap_or_default();
        let tries = match standing.state {
            HELD => String::from("a mailbox here, held"),
            state => format!("{state} after {} tries{next}", standing.attempts),
        };
        match standing.last.is_empty() {
            true => format!("{}: {tries}", standing.address),
            false => format!("{}: {tries}\n  {}", standing.address, standing.last),
        }
    };
    let attempt = |it: &Try| format!("{} {} {} {}: {}", it.at, it.recipient, it.host, it.tls, it.answer);
    let lines = |list: Vec<String>| list.join("\n");
    let mut all = vec![
        ("id", shown.id.clone()),
        ("arrived", shown.arrived.clone()),
        ("sender", format!("<{}>", shown.sender)),
        ("octets", shown.octets.to_string()),
        ("recipients", lines(shown.recipients.iter().map(recipient).collect())),
    ];
    all.extend(shown.account.iter().map(|account| ("account", account.clone())));
    all.extend(shown.held.iter().map(|why| ("held", why.clone())));
    let soon = shown.about_to_be_held.iter();
    all.extend(soon.map(|why| ("about to be held", format!("{why}: held at the next try"))));
    all.extend(shown.limiter.iter().map(|why| ("held back by", why.replace("; ", "\n"))));
    if !shown.history.is_empty() {
        all.push(("history", lines(shown.history.iter().map(attempt).collect())));
    }
    facts(&all)
}
