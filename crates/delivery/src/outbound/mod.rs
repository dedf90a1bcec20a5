//! Mail for other hosts: RFC 5321 from its other side.
//!
//! What a newcomer reads first: `agent.rs` (the whole), `book.rs` (who is tried when), `session.rs` (what is done for a destination),
//! `transaction.rs` (one message over one session), `limits.rs`.

mod agent;
mod arrivals;
mod book;
mod clock;
mod config;
mod control;
mod delivered;
mod dsn;
mod forward;
mod guards;
mod letter;
mod limits;
mod outcome;
mod peer;
mod record;
mod report;
mod resolve;
mod route;
mod schedule;
mod session;
mod status;
mod tls;
mod transaction;

pub use agent::{Barring, Finding, Home, Homes, Outbound, Speaking};
pub(crate) use arrivals::{Arrivals, Fresh};
pub use book::Concurrency;
pub use config::{Language, Login, OutboundConfig, Relay, Route, TlsPolicy};
pub use control::{Order, ask, obey, suspended};
pub use delivered::SuccessReport;
pub use resolve::{Answering, Dns, Exchange, NoAnswer, Resolver};
pub use schedule::Schedule;
pub use status::Counts;
pub use tls::check_authorities;
