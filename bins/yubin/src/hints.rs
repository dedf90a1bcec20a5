//! Hints that name a command, completed by the options without which it would be about another installation.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::CommandFactory as _;

use crate::Cli;

/// Of this command line.
static CONFIG: OnceLock<PathBuf> = OnceLock::new();

/// From here on, commands in hints name this configuration.
pub(crate) fn name(config: Option<&Path>) {
    if let Some(config) = config {
        // Only the first counts: a process has one command line.
        let _ = CONFIG.set(config.to_owned());
    }
}

/// The text, with `--config FILE` in its commands where one was given.
pub(crate) fn complete(text: String) -> String {
    match CONFIG.get() {
        Some(config) => with(&text, config),
        None => text,
    }
}

fn with(text: &str, config: &Path) -> String {
    let cli = Cli::command();
    let is_command = |word: &str| cli.get_subcommands().any(|it| it.get_name() == word);
    let option = format!("--config {} ", quoted(config));
    let mut parts = text.split("yubin ");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let stands_alone = whole.chars().next_back().is_none_or(|c| c.is_whitespace() || "\"'`(".contains(c));
        let word: String = part.chars().take_while(char::is_ascii_lowercase).collect();
        whole.push_str("yubin ");
        if stands_alone && is_command(&word) {
            whole.push_str(&option);
        }
        whole.push_str(part);
    }
    whole
}

/// As a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    match path.chars().all(is_plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_configuration_and_nothing_else_changes() {
        let config = Path::new("/srv/mail/yubin.toml");
        for (text, completed) in [
            (
                "make it with: yubin check --create",
                "make it with: yubin --config /srv/mail/yubin.toml check --create",
            ),
            (
                "yubin queue list\n  yubin queue drop",
                "yubin --config /srv/mail/yubin.toml queue list\n  yubin --config /srv/mail/yubin.toml queue drop",
            ),
            ("yubin --config x check", "yubin --config x check"),
            ("the yubin way, user yubin runs it", "the yubin way, user yubin runs it"),
            ("/etc/yubin check", "/etc/yubin check"),
        ] {
            assert_eq!(with(text, config), completed);
        }
        let spaced = with("yubin check", Path::new("it's here/y.toml"));
        assert_eq!(spaced, "yubin --config 'it'\\''s here/y.toml' check");
    }
}
