//! What a provider's guide tells a customer to do to check the settings: log in, send oneself a message over 465, fetch it over 995,
//! and look at its `Received` field.

use std::io;
use std::net::SocketAddr;

use auth_sasl::{ClientExchange, Mechanism, Secret, line};

use super::conversation::Conversation;
use super::service::{Offered, POP3S, SUBMISSIONS};
use super::site::{Site, User};
use crate::failure::Failure;

/// Sends the first account a message from itself, and fetches it. Returns the message's `Received` field, as it stands in it.
pub(super) async fn run(site: &Site, services: &[Offered]) -> Result<String, Failure> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| Failure::Refused(format!("{what}: {error}"))
    };
    let user = site.users.first().ok_or_else(|| Failure::Refused("there is no account to try".into()))?;
    let [submissions, pop3s] = [SUBMISSIONS, POP3S].map(|wanted| {
        let found = services.iter().find(|offered| offered.service == wanted);
        found.map(|offered| reachable(offered.address)).ok_or_else(|| {
            Failure::Refused(format!(
                "{}: the trial needs a listener with tls = \"implicit\" for {wanted}",
                site.configuration().display()
            ))
        })
    });
    let queue_id = send(site, submissions?, user).await.map_err(failed("the trial message was not taken"))?;
    let message =
        fetch(site, pop3s?, user, &queue_id).await.map_err(failed("the trial message was not found"))?;
    let header = message.split("\r\n\r\n").next().unwrap_or_default();
    field(header, "Received:")
        .ok_or_else(|| Failure::Refused("the trial message has no Received field".into()))
}

/// A server that listens on every address is here, too.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if ip.is_unspecified() => SocketAddr::from(([127, 0, 0, 1], address.port())),
        _ => address,
    }
}

/// Returns the queue id.
async fn send(site: &Site, server: SocketAddr, user: &User) -> io::Result<String> {
    let address = user.addresses.first().map(String::as_str).unwrap_or_default();
    let mut smtp = Conversation::open(server, &site.certificate()).await?;
    smtp.hear("220").await?;
    smtp.ask("EHLO [127.0.0.1]", "250").await?;
    smtp.ask(&format!("AUTH PLAIN {}", plain(user)?), "235").await?;
    smtp.ask(&format!("MAIL FROM:<{address}>"), "250").await?;
    smtp.ask(&format!("RCPT TO:<{address}>"), "250").await?;
    smtp.ask("DATA", "354").await?;
    let message = format!(
        "From: {address}\r\nTo: {address}\r\nSubject: It works\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nThis message went in by SMTP and came out by POP3.\r\n郵便\r\n.\r\n"
    );
    smtp.send(message.as_bytes()).await?;
    let accepted = smtp.hear("250").await?;
    smtp.ask("QUIT", "221").await?;
    Ok(accepted.rsplit(' ').next().unwrap_or_default().to_owned())
}

/// Fetches the message with this queue id and removes it; what else is in the maildrop stays.
async fn fetch(site: &Site, server: SocketAddr, user: &User, queue_id: &str) -> io::Result<String> {
    let mut pop3 = Conversation::open(server, &site.certificate()).await?;
    pop3.hear("+OK").await?;
    pop3.ask(&format!("USER {}", user.login), "+OK").await?;
    pop3.ask(&format!("PASS {}", user.password), "+OK").await?;
    let status = pop3.ask("STAT", "+OK").await?;
    let messages: u32 = status.split(' ').nth(1).and_then(|count| count.parse().ok()).unwrap_or(0);
    // The newest is the last.
    for number in (1..=messages).rev() {
        let message = retrieve(&mut pop3, number).await?;
        if message.contains(&format!(" id {queue_id}")) {
            pop3.ask(&format!("DELE {number}"), "+OK").await?;
            pop3.ask("QUIT", "+OK").await?;
            return Ok(message);
        }
    }
    Err(io::Error::other(format!("none of {messages} messages has the queue id {queue_id}")))
}

async fn retrieve(pop3: &mut Conversation, number: u32) -> io::Result<String> {
    pop3.ask(&format!("RETR {number}"), "+OK").await?;
    let mut message = String::new();
    loop {
        match pop3.line().await?.as_str() {
            "." => return Ok(message),
            line => {
                message += line.strip_prefix('.').unwrap_or(line);
                message += "\r\n";
            }
        }
    }
}

fn plain(user: &User) -> io::Result<String> {
    let password = Secret::new(user.password.as_bytes());
    let mut exchange =
        ClientExchange::new(Mechanism::Plain, &user.login, &password).map_err(io::Error::other)?;
    let mut encoded = Vec::new();
    line::encode(&exchange.respond().unwrap_or_default(), &mut encoded);
    String::from_utf8(encoded).map_err(io::Error::other)
}

/// A field of a header, folded as it is.
fn field(header: &str, name: &str) -> Option<String> {
    let mut lines = header.split("\r\n").skip_while(|line| !line.starts_with(name));
    let first = lines.next()?;
    let folded = lines.take_while(|line| line.starts_with([' ', '\t']));
    Some(std::iter::once(first).chain(folded).collect::<Vec<_>>().join("\n"))
}
