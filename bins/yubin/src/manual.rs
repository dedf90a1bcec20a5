//! What the shell and `man` know of this command, made from its own definition.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use daemon_kit::config::reference;
use serde::Serialize;

use crate::Cli;
use crate::failure::Failure;
use crate::output::Output;

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  yubin completions bash > /usr/share/bash-completion/completions/yubin
  yubin completions zsh > /usr/share/zsh/vendor-completions/_yubin
  yubin completions fish > /usr/share/fish/vendor_completions.d/yubin.fish";

/// Where to.
#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct Man {
    /// The directory, made if it is not there
    directory: PathBuf,
}

const MAN_EXAMPLES: &str = "\
A page for each command, as yubin-account-add(1), and yubin.toml(5) with all
settings; that one goes to man5 beside the directory if it is named man1.

Example:
  yubin man /usr/local/share/man/man1";

/// What was written, in output.
#[derive(Debug, Serialize)]
struct Written {
    directory: PathBuf,
    pages: usize,
}

/// Prints what the shell is to read.
pub(crate) fn completions(wanted: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(wanted.shell, &mut Cli::command(), "yubin", &mut script);
    match io::stdout().lock().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Refused(format!("cannot write to the output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes the pages.
pub(crate) fn man(wanted: &Man, output: Output) -> Result<(), Failure> {
    let directory = &wanted.directory;
    let failed = |error: io::Error| Failure::Refused(format!("{}: {error}", directory.display()));
    fs::create_dir_all(directory).map_err(failed)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = 0;
    let mut waiting = vec![command];
    while let Some(command) = waiting.pop() {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        waiting.extend(command.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned());
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(failed)?;
        fs::write(directory.join(format!("{name}.1")), page).map_err(failed)?;
        pages += 1;
    }
    let directory = settings_directory(directory);
    fs::create_dir_all(&directory)
        .and_then(|()| fs::write(directory.join("yubin.toml.5"), settings_page()))
        .map_err(failed)?;
    pages += 1;
    let written = Written { directory: wanted.directory.clone(), pages };
    output.print(&written, |written| format!("{} pages in {}", written.pages, written.directory.display()))
}

/// `man` looks for a page in its section's directory only.
fn settings_directory(directory: &Path) -> PathBuf {
    match directory.file_name().is_some_and(|name| name == "man1") {
        true => directory.with_file_name("man5"),
        false => directory.to_owned(),
    }
}

/// yubin.toml(5).
fn settings_page() -> String {
    let mut page = String::from(
        ".TH yubin.toml 5\n.SH NAME\nyubin.toml \\- the configuration of smtpd, pop3d and yubin\n.SH SETTINGS\n.nf\n",
    );
    for line in reference().lines() {
        // Text: a dot or an apostrophe in front would be an instruction, a bare hyphen a dash.
        page += &format!("\\&{}\n", line.replace('\\', "\\e").replace('-', "\\-"));
    }
    page + ".fi\n.SH SEE ALSO\nyubin(1), yubin\\-check(1), yubin\\-init(1)\n"
}
