//! `yubin export`: an account's mail in a file, for its owner to take along.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::Timestamp;
use mailstore::{Error, Maildir};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts};
use crate::progress::Progress;

/// Into what.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Into an mbox file, which every mail program can read
    #[command(after_help = HELP)]
    Mbox {
        /// The account's login
        login: String,
        /// The file, which must not be there yet
        path: PathBuf,
    },
}

const HELP: &str = "\
The mailbox is only read, in whatever state the account is, and mail may come
meanwhile. Lines that begin with From are quoted as mboxrd has it, so that what
comes out of the file again is what was in the mailbox.

Examples:
  yubin account close ab4t-ash --grace 30
  yubin export mbox ab4t-ash /tmp/ab4t-ash.mbox";

/// What came of it, in output.
#[derive(Debug, Serialize)]
struct Report {
    login: String,
    file: PathBuf,
    messages: u64,
    octets: u64,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: Command, output: Output) -> Result<(), Failure> {
    let Command::Mbox { login, path } = command;
    let account = settings.accounts().await?.account_show(&login).await?.account;
    let maildir = settings.maildir(&account.mailbox);
    let file = path.clone();
    let work = tokio::task::spawn_blocking(move || export(&maildir, &file));
    let (messages, octets) = work.await.map_err(|error| Failure::Refused(error.to_string()))??;
    let report = Report { login: account.login, file: path, messages, octets };
    output.print(&report, |report| {
        facts(&[
            ("exported", format!("{} messages of {}", report.messages, report.login)),
            ("file", format!("{}, {} octets", report.file.display(), report.octets)),
        ])
    })
}

/// How many messages are in the file, and how many octets it has. A file that could not be written to its end is gone.
fn export(maildir: &Path, path: &Path) -> Result<(u64, u64), Failure> {
    let failed = |error: io::Error| Failure::Refused(format!("{}: {error}", path.display()));
    let maildir = match Maildir::open(maildir) {
        Ok(maildir) => Some(maildir),
        // It never got a message.
        Err(Error::NotMaildir(_)) => None,
        Err(error) => return Err(error.into()),
    };
    // It is somebody's mail.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let written = write(maildir.as_ref(), &file).and_then(|messages| {
        file.sync_all()?;
        Ok((messages, file.metadata()?.len()))
    });
    written.map_err(|error| {
        let _ = std::fs::remove_file(path);
        failed(error)
    })
}

fn write(maildir: Option<&Maildir>, file: &File) -> io::Result<u64> {
    let Some(maildir) = maildir else { return Ok(0) };
    let mut out = BufWriter::new(file);
    let (filed, mut progress, mut messages) =
        (maildir.filed().map_err(io::Error::other)?, Progress::new(), 0);
    for message in &filed {
        let file = match maildir.open_filed(message) {
            // Its owner deleted it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        let named = message.delivered().and_then(|at| Timestamp::from_second(i64::try_from(at).ok()?).ok());
        let came = match named {
            Some(named) => named,
            None => Timestamp::try_from(file.metadata()?.modified()?).unwrap_or(Timestamp::UNIX_EPOCH),
        };
        let mut file = BufReader::new(file);
        let sender = return_path(file.fill_buf()?).unwrap_or_else(|| String::from("MAILER-DAEMON"));
        writeln!(out, "From {sender} {}", came.strftime("%a %b %e %H:%M:%S %Y"))?;
        copy(file, &mut out)?;
        messages += 1;
        progress.show(|| format!("{messages} of {} messages", filed.len()));
    }
    out.flush()?;
    Ok(messages)
}

/// Whom the header names in its Return-Path field, which a delivery writes first; nobody where it is a report, or where the address would
/// not be one word of a `From ` line.
fn return_path(beginning: &[u8]) -> Option<String> {
    const NAME: &str = "return-path:";
    let lines = beginning.split(|&octet| octet == b'\n').map(<[u8]>::trim_ascii_end);
    let mut header = lines.take_while(|line| !line.is_empty()).filter_map(|line| str::from_utf8(line).ok());
    let field = header.find_map(|line| {
        line.get(..NAME.len()).filter(|name| name.eq_ignore_ascii_case(NAME))?;
        line.get(NAME.len()..)
    })?;
    let address = field.trim().strip_prefix('<')?.strip_suffix('>')?;
    let is_word = !address.is_empty() && !address.contains(|c: char| c.is_whitespace() || c.is_control());
    is_word.then(|| address.to_owned())
}

/// Lines with an LF, a `>` before each that would be taken for the beginning of a message or for one that was quoted, and an empty one
/// at the end.
fn copy(mut from: impl io::BufRead, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let quotes = text.iter().take_while(|&&octet| octet == b'>').count();
        if text.get(quotes..).is_some_and(|rest| rest.starts_with(b"From ")) {
            out.write_all(b">")?;
        }
        out.write_all(text)?;
        out.write_all(b"\n")?;
        line.clear();
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_is_the_return_path_or_nobody() {
        for (message, sender) in [
            ("Return-Path: <taro@mx.example.jp>\r\nFrom: a\r\n\r\n", Some("taro@mx.example.jp")),
            ("From: a\nreturn-path:<taro@mx.example.jp>\n\n", Some("taro@mx.example.jp")),
            ("Return-Path: <>\r\n\r\n", None),
            ("Return-Path: <\"a b\"@mx.example.jp>\r\n\r\n", None),
            ("From: a\r\n\r\nReturn-Path: <taro@mx.example.jp>\r\n", None),
            ("", None),
        ] {
            assert_eq!(return_path(message.as_bytes()).as_deref(), sender, "{message:?}");
        }
    }
}
