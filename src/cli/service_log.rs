//! The log of `serve`: every line with its time and level, as text or JSON.

use std::{fmt, io};

use clap::ValueEnum;
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

use crate::report::sanitise::{console_json, console_text};

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Starts the log on stderr.
pub(super) fn start(format: LogFormat, level: &str, coloured: bool) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_target(false)
        // It would report a closed stderr on stderr, and panic.
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Text => log
            .with_ansi(coloured)
            .with_writer(|| SafeLines(console_text))
            .try_init(),
        LogFormat::Json => log
            .event_format(JsonLines)
            .with_writer(|| SafeLines(json_line))
            .try_init(),
    };
    debug_assert!(started.is_ok(), "the log is started once");
}

fn json_line(line: &str) -> String {
    console_json(line)
}

/// Writes the log, one event at a time, so that no line is a command for a CI system.
struct SafeLines(fn(&str) -> String);

impl io::Write for SafeLines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let safe = (self.0)(&text);
        io::stderr().lock().write_all(safe.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// An event as a JSON object: `timestamp`, `level`, `message` and its fields.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut fields = JsonFields(Map::new());
        event.record(&mut fields);
        let mut object = fields.0;
        object.insert("timestamp".to_owned(), timestamp.into());
        let level = event.metadata().level().as_str();
        object.insert("level".to_owned(), level.into());
        writeln!(writer, "{}", Value::Object(object))
    }
}

struct JsonFields(Map<String, Value>);

impl JsonFields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for JsonFields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }
}
