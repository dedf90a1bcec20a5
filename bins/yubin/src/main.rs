//! The operator's command; see the library for everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    yubin::main()
}
