//! `yubin init`: a commented configuration to begin with.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Output, facts};

/// Which profile, and where to.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// As whose service
    #[arg(long, default_value = "modern")]
    profile: Profile,
    /// The directory for yubin.toml; made if it is not there
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

const EXAMPLES: &str = "\
Profiles:
  modern        passwords cross the network encrypted, or not at all
  editnet       EditNet's service as its customers' guide describes it
  editnet-2006  the same with POP before SMTP
  asahi         ASAHI Net's service as its customers' guide describes it

A file that is there is left as it is.

Examples:
  yubin init /etc/yubin
  yubin init --profile asahi ./asahi";

/// A profile that is shipped.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Profile {
    /// `examples/modern.toml`
    Modern,
    /// `examples/editnet.toml`
    Editnet,
    /// `examples/editnet-2006.toml`
    #[value(name = "editnet-2006")]
    Editnet2006,
    /// `examples/asahi.toml`
    Asahi,
}

impl Profile {
    /// Its name, and its text as it is shipped.
    fn shipped(self) -> (&'static str, &'static str) {
        match self {
            Self::Modern => ("modern", include_str!("../../../examples/modern.toml")),
            Self::Editnet => ("editnet", include_str!("../../../examples/editnet.toml")),
            Self::Editnet2006 => ("editnet-2006", include_str!("../../../examples/editnet-2006.toml")),
            Self::Asahi => ("asahi", include_str!("../../../examples/asahi.toml")),
        }
    }
}

/// What was made, in output.
#[derive(Debug, Serialize)]
struct Made {
    profile: &'static str,
    config: PathBuf,
    next: Vec<String>,
}

/// Writes the file.
pub(crate) fn run(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let Arguments { profile, directory } = arguments;
    let config = directory.join("yubin.toml");
    let (profile, text) = profile.shipped();
    // Relative to the file, wherever it is: certificate and keys lie beside it.
    let text = text.replace("/etc/yubin/", "").replace(&format!("{profile}.toml"), "yubin.toml");
    write(directory, &config, &text)?;
    let shown = config.display();
    let made = Made {
        profile,
        next: vec![
            format!("put your names, addresses and networks into {shown}"),
            format!("put cert.pem and key.pem into {}", directory.display()),
            format!("yubin --config {shown} check --create"),
        ],
        config,
    };
    output.print(&made, |made| {
        facts(&[
            ("profile", made.profile.to_owned()),
            ("configuration", made.config.display().to_string()),
            ("next", made.next.join("\n")),
        ])
    })
}

fn write(directory: &Path, config: &Path, text: &str) -> Result<(), Failure> {
    let refused = |path: &Path, error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Refused(format!(
            "{} is there already, and is left as it is; name another directory, or move it away",
            path.display()
        )),
        _ => Failure::Refused(format!("cannot write {}: {error}", path.display())),
    };
    fs::create_dir_all(directory).map_err(|error| refused(directory, error))?;
    let mut file = fs::File::create_new(config).map_err(|error| refused(config, error))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| refused(config, error))
}
