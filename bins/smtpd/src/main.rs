//! `smtpd --config FILE [--check]`

use std::process::ExitCode;

fn main() -> ExitCode {
    daemon_kit::daemon::main::<smtpd::Smtpd>()
}
