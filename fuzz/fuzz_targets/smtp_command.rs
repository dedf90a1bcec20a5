#![no_main]
#![allow(missing_docs, reason = "the macro's function")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::smtp::command(data));
