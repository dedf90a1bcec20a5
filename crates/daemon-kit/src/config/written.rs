//! The file as it was written, to tell which settings another version of it changed.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use toml::{Table, Value};

/// What a running daemon takes over from a new version of the file.
const LIVE: [&str; 5] =
    ["accounts.suspended_text", "accounts.unregistered_text", "certificate", "networks", "replies"];

/// The whole file. It may hold a password: only names of settings come out of it.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Table>);

impl Written {
    /// Of a text that was read without faults.
    pub(super) fn new(text: &str) -> Self {
        Self(Arc::new(text.parse().unwrap_or_default()))
    }

    /// The settings that are others in `new`, or only in one of the two, and that a daemon takes over at its start only:
    /// `limits.connections`, `listener`.
    pub(crate) fn waiting(&self, new: &Self) -> Vec<String> {
        let mut waiting = Vec::new();
        for key in keys(&self.0, &new.0) {
            match (self.0.get(key), new.0.get(key)) {
                (old, new) if old == new => {}
                (Some(Value::Table(old)), Some(Value::Table(new))) if !LIVE.contains(&key) => {
                    let changed = keys(old, new).into_iter().filter(|name| old.get(*name) != new.get(*name));
                    waiting.extend(changed.map(|name| format!("{key}.{name}")));
                }
                _ => waiting.push(key.to_owned()),
            }
        }
        waiting.retain(|setting| !LIVE.contains(&setting.as_str()));
        waiting
    }
}

fn keys<'t>(old: &'t Table, new: &'t Table) -> BTreeSet<&'t str> {
    old.keys().chain(new.keys()).map(String::as_str).collect()
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_restart_is_named_and_what_does_not_is_not() {
        let old = "hostname = \"mx\"\n[limits]\nconnections = 1\nmemory = 2\n[networks]\ninside = \"10.0.0.0/8\"\n[[listener]]\nprotocol = \"smtp\"\n";
        for (from, to, waiting) in [
            ("\"mx\"", "\"mx\" # a comment", &[][..]),
            ("10.0.0.0/8", "10.0.0.0/9", &[]),
            ("[networks]", "[replies]\nunknown_user = 1\n[networks]", &[]),
            ("connections = 1", "connections = 3", &["limits.connections"]),
            ("memory = 2", "sessions = 2", &["limits.memory", "limits.sessions"]),
            ("\"smtp\"", "\"pop3\"", &["listener"]),
            ("[limits]", "[pop3]\na = 1\n[limits]", &["pop3"]),
        ] {
            let new = Written::new(&old.replacen(from, to, 1));
            assert_eq!(Written::new(old).waiting(&new), waiting, "{from} {to}");
        }
    }
}
