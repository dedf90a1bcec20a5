//! One session: the protocol machine's events, each answered by who knows.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use accounts::{Account, Attempt, Attendance, Noted, Sender, Service, Verdict};
use auth_sasl::Claim;
use daemon_kit::config::{self, Listener, Vrfy};
use daemon_kit::log::event;
use daemon_kit::{Filled, MemoryFull, Session, Wire, WireError, limits};
use delivery::{DeliveryError, StoreConfig};
use relay_policy::{Identity, Network};
use smtp_proto::{Channel, CloseReason, Event, Mail, Misuse, Rcpt, Reply, ResetReason, Unmet};

use crate::listener::Door;
use crate::recipient::{Standing, Taken};
use crate::transaction::{Client, Transaction};
use crate::{Smtpd, replies};

/// A session with its client.
pub(crate) struct Conversation<'s> {
    smtpd: &'s Smtpd,
    session: &'s Session,
    door: Arc<Door>,
    machine: smtp_proto::Session,
    client: Client,
    /// Who has logged in, for as long as it may be here.
    proved: Option<(Account, Attendance)>,
    transaction: Option<Transaction>,
    /// The client reads UTF-8: it said SMTPUTF8 at the MAIL of this transaction.
    utf8: bool,
}

/// What the protocol machine is told.
enum Answer {
    /// It was news, not a question.
    None,
    No(Reply),
    Yes,
    YesWith(Reply),
}

impl<'s> Conversation<'s> {
    pub(crate) fn new(smtpd: &'s Smtpd, wire: &Wire, session: &'s Session) -> Self {
        let door = smtpd.doors.find(&session.listener);
        let client = Client::new(wire);
        let channel = if client.tls.is_some() { Channel::Encrypted } else { Channel::Clear };
        let machine = smtp_proto::Session::new(door.protocol.clone(), channel);
        Self { smtpd, session, door, machine, client, proved: None, transaction: None, utf8: false }
    }

    /// From the greeting to the end; says how it ended.
    pub(crate) async fn run(&mut self, wire: &mut Wire) -> Result<&'static str, WireError> {
        self.machine.greet(wire.out());
        loop {
            let (input, out) = wire.split();
            let step = self.machine.step(input, out).map_err(misuse)?;
            let consumed = step.consumed;
            if let Some(unmet) = self.machine.take_unmet() {
                self.log_unmet(unmet);
            }
            match step.event {
                Event::NeedInput => {
                    wire.erase(consumed);
                    if let Some(outcome) = self.wait(wire).await? {
                        return Ok(outcome);
                    }
                }
                Event::StartTls => {
                    self.machine.accept(out).map_err(misuse)?;
                    wire.erase(consumed);
                    self.session.start_tls(wire).await?;
                    self.machine.tls_established().map_err(misuse)?;
                    self.client = Client::new(wire);
                    self.proved = None;
                    self.transaction = None;
                    self.utf8 = false;
                }
                Event::Authenticate(claim) => {
                    wire.erase(consumed);
                    let answer = Box::pin(self.authenticate(&claim, wire.peer().ip())).await;
                    self.answer(answer, wire.out())?;
                }
                Event::Close(reason) => return Ok(word(reason)),
                event => {
                    let is_body = matches!(event, Event::Body(_));
                    let answer = self.decide(event).await;
                    self.answer(answer, out)?;
                    // Among commands a password may have been, well-formed or not: it does not lie there any longer.
                    if is_body { wire.consume(consumed) } else { wire.erase(consumed) }
                }
            }
        }
    }

    /// Sends the replies of everything that was asked, and waits for more. A message on its way is waited for even in a drain.
    async fn wait(&mut self, wire: &mut Wire) -> Result<Option<&'static str>, WireError> {
        let patience = self.machine.patience();
        wire.flush(patience).await?;
        let filled = tokio::select! {
            biased;
            () = self.session.draining(), if !self.machine.in_body() => {
                self.machine.shut_down(&replies::SHUTTING_DOWN, wire.out()).map_err(misuse)?;
                return Ok(None);
            }
            () = ended(self.proved.as_ref()) => {
                // Within a message no reply is due, and the rest of it would be taken for commands.
                if !self.machine.in_body() {
                    self.machine.shut_down(&replies::ACCOUNT_CHANGED, wire.out()).map_err(misuse)?;
                }
                return Ok(Some("account_changed"));
            }
            filled = wire.fill(patience) => filled,
        };
        match filled {
            Ok(Filled::Data) => Ok(None),
            Ok(Filled::Eof) => Ok(Some("hung_up")),
            Err(error) => {
                let goodbye = match error {
                    WireError::TimedOut => replies::TIMED_OUT,
                    WireError::TooSlow => replies::TOO_SLOW,
                    WireError::Overtime => replies::OVERTIME,
                    WireError::Memory(_) => replies::NO_MEMORY,
                    _ => return Err(error),
                };
                self.machine.shut_down(&goodbye, wire.out()).map_err(misuse)?;
                Ok(Some(error.word()))
            }
        }
    }

    async fn decide(&mut self, event: Event<'_>) -> Answer {
        match event {
            Event::Hello(hello) => {
                self.transaction = None;
                self.client.greeted(&hello);
                Answer::Yes
            }
            // Boxed, as all that asks the accounts or ends a message: their states are larger than all else of a session, which is
            // idle most of the time.
            Event::Mail(mail) => match Box::pin(self.begin(&mail)).await {
                Ok(()) => Answer::Yes,
                Err(reply) => Answer::No(reply),
            },
            Event::Rcpt(rcpt) => Box::pin(self.recipient(&rcpt)).await,
            Event::BodyStart => match &mut self.transaction {
                Some(transaction) => match room(self.smtpd, None).await {
                    Ok(()) => {
                        let Smtpd { delivery, node, scanner, .. } = self.smtpd;
                        let Listener { trace, smtp, .. } = &*self.session.listener;
                        let check = transaction.check(scanner.as_ref(), smtp.virus_check);
                        let octets = StoreConfig::SMALL_MESSAGE as u64 + check.memory();
                        match self.session.memory(octets) {
                            Ok(memory) => {
                                transaction.begin(delivery, &self.client, node, trace, check, memory);
                                Answer::Yes
                            }
                            Err(MemoryFull) => Answer::No(replies::NO_MEMORY_FOR_MESSAGE),
                        }
                    }
                    Err(reply) => Answer::No(reply),
                },
                None => Answer::No(replies::STORE_FAILED),
            },
            Event::Body(octets) => match &mut self.transaction {
                Some(transaction) => match transaction.write(octets).await {
                    Ok(()) => Answer::None,
                    Err(reply) => {
                        self.transaction = None;
                        Answer::No(reply)
                    }
                },
                None => Answer::None,
            },
            Event::BodyEnd => match self.transaction.take() {
                Some(transaction) => match Box::pin(self.finish(transaction)).await {
                    Ok(reply) => Answer::YesWith(reply),
                    Err(reply) => Answer::No(reply),
                },
                None => Answer::No(replies::STORE_FAILED),
            },
            Event::Reset(reason) => {
                if let (Some(transaction), Some(reason)) = (self.transaction.take(), fault(reason)) {
                    transaction.refused(reason);
                }
                Answer::None
            }
            Event::Verify(whom) => Box::pin(self.verify(whom)).await,
            // These are answered where the wire is at hand.
            Event::Authenticate(_) | Event::Close(_) | Event::NeedInput | Event::StartTls => Answer::None,
        }
    }

    /// A message, from another sender address where the listener wants one of who has logged in.
    async fn begin(&mut self, mail: &Mail<'_>) -> Result<(), Reply> {
        self.utf8 = mail.smtputf8;
        room(self.smtpd, mail.size).await?;
        let transaction = Transaction::new(mail).sent_by(self.checked_sender().await?);
        let Some((account, _)) = &self.proved else {
            self.transaction = Some(transaction);
            return Ok(());
        };
        let rights = self.session.listener.smtp.sender_rights;
        let sender = self.smtpd.sender(account, rights, &mail.reverse_path).await?;
        let budget = self.smtpd.budget(Sender::Account(account.login.clone())).await?;
        if let Some(budget) = &budget {
            self.smtpd.may_begin(budget).await?;
        }
        self.transaction = Some(transaction.rewritten(sender).within(budget));
        Ok(())
    }

    /// One more recipient, who costs somebody something perhaps.
    async fn spend(&mut self, elsewhere: bool, who: Option<Sender>) -> Result<(), Reply> {
        let Some(transaction) = &mut self.transaction else { return Ok(()) };
        if let (None, None, Some(who)) = (&self.proved, transaction.budget(), who) {
            *transaction.budget() = self.smtpd.budget(who).await?;
        }
        match transaction.budget() {
            // Who has not logged in sends to us as everybody does.
            Some(budget) if elsewhere || self.proved.is_some() => self.smtpd.may_add(budget, elsewhere).await,
            _ => Ok(()),
        }
    }

    /// The message is complete, and counted before it is accepted.
    async fn finish(&self, mut transaction: Transaction) -> Result<Reply, Reply> {
        let (budget, at) = (transaction.budget().take(), self.smtpd.clock.now());
        if let Some(budget) = &budget
            && let Some(why) = self.smtpd.count(budget, transaction.goes_elsewhere(), at).await?
        {
            transaction.hold(why);
        }
        let committed = transaction.commit(self.smtpd).await;
        if let (Some(budget), Err(_)) = (&budget, &committed) {
            self.smtpd.take_back(budget, at).await;
        }
        committed
    }

    /// Who sends, as far as the virus check goes.
    async fn checked_sender(&self) -> Result<relay_policy::Sender, Reply> {
        let account = self.proved.as_ref().map(|(account, _)| account);
        self.smtpd.checked_sender(self.session.listener.smtp.virus_check, account).await
    }

    /// Asked anew for each recipient: networks change while a session goes on.
    fn standing(&self) -> Standing {
        let address = self.session.peer_is_client.then_some(self.client.address);
        let inside = address.is_some_and(|address| self.session.networks.contains(config::INSIDE, address));
        Standing {
            listener: self.door.policy,
            address,
            network: if inside { Network::Inside } else { Network::Outside },
            identity: if self.client.account.is_some() {
                Identity::Authenticated
            } else {
                Identity::Anonymous
            },
            checked: self.session.listener.smtp.virus_check,
        }
    }

    async fn recipient(&mut self, rcpt: &Rcpt<'_>) -> Answer {
        if let Err(reply) = room(self.smtpd, None).await {
            return Answer::No(reply);
        }
        let standing = self.standing();
        let (listener, transaction) = (&self.session.listener, self.transaction.as_ref());
        let taken = match self.smtpd.recipient(standing, listener, rcpt.forward_path, transaction).await {
            Ok(taken) => taken,
            Err(reply) => return Answer::No(reply),
        };
        let elsewhere = matches!(taken, Taken::Elsewhere(_) | Taken::Returned(_));
        let who = if let Taken::Elsewhere(who) = &taken { who.clone() } else { None };
        if let Err(reply) = self.spend(elsewhere, who).await {
            return Answer::No(reply);
        }
        if let Some(transaction) = &mut self.transaction {
            match taken {
                Taken::Here(home) => transaction.add(rcpt, home),
                Taken::Elsewhere(_) => transaction.add_remote(rcpt),
                Taken::SentOn(expansion) => transaction.add_sent_on(rcpt, expansion),
                Taken::Returned(sender) => transaction.add_returned(rcpt, sender),
            }
        }
        Answer::Yes
    }

    async fn verify(&self, whom: &str) -> Answer {
        let Listener { hostname, smtp, .. } = &*self.session.listener;
        match smtp.vrfy {
            Vrfy::Off => Answer::No(replies::VRFY_OFF),
            Vrfy::Authenticated if self.client.account.is_some() => {
                match self.smtpd.verify(hostname, whom).await {
                    Ok(Some(reply)) => Answer::YesWith(reply),
                    Ok(None) => Answer::Yes,
                    Err(reply) => Answer::No(reply),
                }
            }
            Vrfy::Authenticated | Vrfy::Neutral => Answer::Yes,
        }
    }

    async fn authenticate(&mut self, claim: &Claim, from: IpAddr) -> Answer {
        let tls = self.client.tls.as_ref().map(|tls| tls.version);
        let accounts = self.smtpd.accounts.at_brand(self.session.listener.brand.as_deref());
        let attempt = Attempt::new(claim, Service::SmtpAuth, &self.door.place, from, tls);
        let verdict = match accounts.authenticate_from(claim, from, Service::SmtpAuth).await {
            Ok(verdict) => verdict,
            Err(error) => {
                tracing::error!(event = event::AUTH_UNAVAILABLE, reason = %error);
                return Answer::No(replies::AUTH_UNAVAILABLE);
            }
        };
        let log = async {
            let Noted { login, outcome, hint } = accounts.note_login(attempt, &verdict).await;
            let (encrypted, hint) = (tls.is_some(), hint.as_ref().map(tracing::field::display));
            match &verdict {
                Verdict::Accepted(_) => tracing::info!(event = event::AUTH_OK, login, encrypted, tls),
                _ => {
                    tracing::info!(event = event::AUTH_FAILED, login, encrypted, tls, reason = outcome, hint)
                }
            }
        };
        match &verdict {
            // The client waits meanwhile: its answer does not tell by its time whether there was a hint.
            Verdict::Rejected(_) => drop(tokio::join!(log, tokio::time::sleep(limits::FAILED_LOGIN_DELAY))),
            _ => log.await,
        }
        match verdict {
            Verdict::Accepted(account) => {
                self.client.account = Some(account.login.clone());
                let attendance = accounts.attend(&account, Service::SmtpAuth);
                self.proved = Some((account, attendance));
                Answer::Yes
            }
            Verdict::Barred(_, bar) => Answer::No(self.smtpd.barred(&bar)),
            Verdict::Rejected(_) => Answer::No(replies::AUTH_FAILED),
            Verdict::Deferred(_) => Answer::No(replies::AUTH_UNAVAILABLE),
        }
    }

    /// What the desk looks for when a customer says that sending does not work.
    fn log_unmet(&self, unmet: Unmet) {
        let encrypted = self.client.tls.is_some();
        match unmet {
            Unmet::AuthMissing => {
                let greeting = self.client.greeting();
                tracing::info!(event = event::AUTH_MISSING, greeting, encrypted);
            }
            Unmet::MechanismNotOffered(mechanism) => {
                let (reason, hint) = ("mechanism-not-offered", "mechanism not offered");
                tracing::info!(event = event::AUTH_FAILED, %mechanism, encrypted, reason, hint);
            }
        }
    }

    fn answer(&mut self, answer: Answer, out: &mut Vec<u8>) -> Result<(), WireError> {
        match answer {
            Answer::None => Ok(()),
            Answer::No(reply) => {
                let (words, brand) = (self.smtpd.words.now(), self.session.listener.brand.as_deref());
                let reply = if self.utf8 { words.say_in_utf8(brand, reply) } else { words.say(brand, reply) };
                self.machine.refuse(reply, out)
            }
            Answer::Yes => self.machine.accept(out),
            Answer::YesWith(reply) => self.machine.accept_with(&reply, out),
        }
        .map_err(misuse)?;
        // The answer to the message, or to a MAIL that began none, was the last for who asked.
        self.utf8 &= self.transaction.is_some();
        Ok(())
    }
}

/// Waits until who has logged in may not be here any longer; for ever for who has not.
async fn ended(proved: Option<&(Account, Attendance)>) {
    match proved {
        Some((_, attendance)) => attendance.ended().await,
        None => std::future::pending().await,
    }
}

/// Whether there is room for a message of so many octets: said before it comes (RFC 1870 §6.1).
async fn room(smtpd: &Smtpd, octets: Option<u64>) -> Result<(), Reply> {
    smtpd.delivery.room(octets).await.map_err(|error| match error {
        DeliveryError::NoSpace(_) => replies::NO_SPACE,
        _ => replies::STORE_FAILED,
    })
}

/// A fault of this program: the session ends, the others go on.
fn misuse(misuse: Misuse) -> WireError {
    WireError::Io(io::Error::other(misuse))
}

/// Why a message will be refused at its end, if that is why its transaction was forgotten.
fn fault(reason: ResetReason) -> Option<&'static str> {
    match reason {
        ResetReason::BareCr => Some("bare_cr"),
        ResetReason::BareLf => Some("bare_lf"),
        ResetReason::TooBig => Some("too_big"),
        ResetReason::ChunkOutOfOrder | ResetReason::Client => None,
    }
}

fn word(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::BytesBehindStartTls => "bytes_behind_starttls",
        CloseReason::Http => "http",
        CloseReason::Quit => "quit",
        CloseReason::ShutDown => "shut_down",
        CloseReason::TooManyAuthFailures => "too_many_auth_failures",
        CloseReason::TooManyErrors => "too_many_errors",
        CloseReason::TooManyIdleCommands => "too_many_idle_commands",
        CloseReason::TooManyTransactions => "too_many_transactions",
        CloseReason::UnreadableChunk => "unreadable_chunk",
    }
}
