//! What any daemon needs and no protocol knows: configuration, listeners, connections with TLS, limits, log, drain.
//!
//! A protocol is a [`Service`]; the rest is here:
//!
//! ```
//! use daemon_kit::config::{Config, Listener, Protocol};
//! use daemon_kit::{Drain, Filled, Refusal, Server, Service, Session, Wire, WireError};
//!
//! struct Echo;
//!
//! impl Service for Echo {
//!     async fn serve(&self, wire: &mut Wire, session: &Session) -> Result<&'static str, WireError> {
//!         let patience = session.listener.limits.patience;
//!         while wire.fill(patience).await? == Filled::Data {
//!             let (input, out) = wire.split();
//!             out.extend_from_slice(input);
//!             let octets = input.len();
//!             wire.consume(octets);
//!             wire.flush(patience).await?;
//!         }
//!         Ok("hung_up")
//!     }
//!
//!     fn refusal(&self, refusal: Refusal, _: &Listener) -> Vec<u8> {
//!         format!("{refusal}\r\n").into()
//!     }
//! }
//!
//! # const TEXT: &str = r#"
//! # hostname = "localhost"
//! # store = { maildirs = "mail", queue = "queue" }
//! # accounts = { database = "sqlite:accounts.sqlite" }
//! # [[listener]]
//! # protocol = "smtp"
//! # address = "127.0.0.1:0"
//! # "#;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::parse(TEXT, "yubin.toml")?; // or Config::load("yubin.toml")
//! let server = Server::bind(&config, Protocol::Smtp)?; // every address or none
//! let addresses: Vec<_> = server.bound().map(|(_, address)| address).collect(); // ready from here on
//! let drain = Drain::new(); // or Drain::on_signals()
//! let running = tokio::spawn(server.run(Echo.into(), drain.clone()));
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # let mut client = tokio::net::TcpStream::connect(addresses[0]).await?;
//! # client.write_all("郵便".as_bytes()).await?;
//! # client.shutdown().await?;
//! # let mut echo = String::new();
//! # client.read_to_string(&mut echo).await?;
//! # assert_eq!(echo, "郵便");
//! drain.begin(); // no new sessions; open ones end at their next good moment
//! running.await??;
//! # Ok(()) }
//! ```
//!
//! What a newcomer reads first: [`limits`] (every number with its reason), [`log::event`] (every event), [`config`] (the file).
//!
//! Invariants: no protocol is named here but for the word in the file; nothing is served before every address is bound; a session
//! can neither outlive the drain nor take another one with it; waiting costs a session no buffer.

mod bind;
mod certificates;
pub mod config;
mod conn;
pub mod daemon;
pub mod directory;
mod drain;
mod gate;
mod house;
pub mod limits;
mod live;
pub mod log;
mod memory;
mod networks;
mod pace;
pub mod process;
mod proxy;
mod refusals;
mod serve;
mod session;
pub mod tls;
mod wire;

pub use drain::Drain;
pub use gate::Refusal;
pub use live::Live;
pub use memory::{MemoryFull, Share};
pub use networks::LiveNetworks;
pub use serve::{Server, Service};
pub use session::{Session, SessionId};
pub use wire::{Filled, Traffic, Wire, WireError};
