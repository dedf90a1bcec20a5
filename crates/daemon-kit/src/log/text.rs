//! Lines for people: `TIME LEVEL event key=value …`, where no value can break out of its place.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::bidi::is_bidi_control;

/// Formats an event: its own fields first, then those of the spans around it, the innermost first.
pub(super) struct Line;

impl<S> FormatEvent<S, Fields> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Fields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        SystemTime.format_time(&mut writer)?;
        write!(writer, " {:5}", event.metadata().level())?;
        Fields.format_fields(writer.by_ref(), event)?;
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<Fields>>() {
                write!(writer, "{fields}")?;
            }
        }
        writeln!(writer)
    }
}

/// Formats fields as ` key=value`; the event's name and a message stand without a key.
pub(super) struct Fields;

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = Pairs { writer, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct Pairs<'w> {
    writer: Writer<'w>,
    result: fmt::Result,
}

impl Pairs<'_> {
    fn pair(&mut self, field: &Field, value: &str) {
        self.result = self.result.and_then(|()| match field.name() {
            "event" => write!(self.writer, " {value}"),
            "message" => write!(self.writer, " {}", Quoted(value)),
            name => write!(self.writer, " {name}={}", Quoted(value)),
        });
    }
}

impl Visit for Pairs<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.pair(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.pair(field, &format!("{value:?}"));
    }
}

/// A value, in quotes and escaped unless it is one plain word.
struct Quoted<'v>(&'v str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |char: char| char.is_control() || is_bidi_control(char);
        let plain = |char: char| !char.is_whitespace() && !hidden(char) && !matches!(char, '"' | '\\' | '=');
        if !self.0.is_empty() && self.0.chars().all(plain) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        for char in self.0.chars() {
            match char {
                '"' | '\\' => write!(f, "\\{char}")?,
                // Line and paragraph separators are no control characters, but some readers end a line there.
                char if hidden(char) || matches!(char, '\u{2028}' | '\u{2029}') => {
                    write!(f, "{}", char.escape_default())?;
                }
                char => f.write_char(char)?,
            }
        }
        f.write_char('"')
    }
}
