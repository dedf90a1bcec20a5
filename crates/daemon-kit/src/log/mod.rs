//! The log: one line an event on stderr, for people or for programs.
//!
//! An event is written as `tracing::info!(event = event::SESSION_CLOSE, outcome = "quit")`: its name comes from [`event`], its
//! facts are fields, and what is true for the whole session comes from the session's span. No field ever holds a password, a
//! challenge's answer or a line that a peer sent where one could stand. Whatever a peer did send is escaped: it cannot begin a new
//! line or a new field.

mod bidi;
pub mod event;
mod text;

pub use bidi::escape_bidi;

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Log, LogFormat};

/// The environment variable that overrides `[log] level`, in the syntax of `tracing_subscriber::EnvFilter`.
pub const LEVEL_VARIABLE: &str = "YUBIN_LOG";

/// Sends every event of this process, and every panic, to stderr. Only the first call counts.
pub fn init(log: Log) {
    let filter = EnvFilter::builder()
        .with_default_directive(log.level.into())
        .with_env_var(LEVEL_VARIABLE)
        .from_env_lossy();
    if subscriber(log.format, filter, io::stderr).try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let text = panic.payload_as_str().unwrap_or("no text");
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(event = event::PANIC, text, place);
        }));
    }
}

/// A subscriber that writes to `writer`.
pub fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    writer: W,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_ansi(false);
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => {
            let layer = layer.with_writer(writer);
            Box::new(registry.with(layer.fmt_fields(text::Fields).event_format(text::Line)))
        }
        LogFormat::Json => Box::new(
            registry.with(
                layer
                    .with_writer(bidi::Escaped(writer))
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_target(false),
            ),
        ),
    }
}
