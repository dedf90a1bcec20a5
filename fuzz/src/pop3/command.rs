//! The grammar: what is read can be written, and read again as the same.

use pop3_proto::{Command, Fault};

/// A command line, without its ending.
pub fn command(line: &[u8]) {
    match Command::parse(line) {
        Ok(command) => {
            let mut written = Vec::new();
            command.encode(&mut written);
            let again = written.strip_suffix(b"\r\n").expect("a command ends with its line");
            assert_eq!(Command::parse(again), Ok(command), "{}", again.escape_ascii());
        }
        Err(Fault::Malformed(verb, _)) => {
            let word = line.get(..verb.keyword().len()).expect("the verb was there");
            assert!(word.eq_ignore_ascii_case(verb.keyword().as_bytes()));
        }
        Err(_) => {}
    }
}
