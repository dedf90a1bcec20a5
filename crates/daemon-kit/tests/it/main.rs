#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
//! One binary for all integration tests.

mod config;
mod contradictions;
mod ends;
mod limits;
mod log;
mod outbound_settings;
mod proxy;
mod reference;
mod reply_settings;
mod script;
mod sending_settings;
mod smtp_settings;
mod tls;
mod virus_check;
mod world;
