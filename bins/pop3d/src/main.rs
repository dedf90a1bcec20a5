//! `pop3d --config FILE [--check]`

use std::process::ExitCode;

fn main() -> ExitCode {
    daemon_kit::daemon::main::<pop3d::Pop3d>()
}
