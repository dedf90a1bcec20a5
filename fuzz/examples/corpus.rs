//! Writes the seeds of every target to `corpus/TARGET/`, from where a fuzzer starts.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    for (name, _) in fuzz::TARGETS {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        fs::create_dir_all(&directory)?;
        for (number, seed) in fuzz::seeds::for_target(name).iter().enumerate() {
            fs::write(directory.join(format!("seed-{number:04}")), seed)?;
        }
    }
    Ok(())
}
