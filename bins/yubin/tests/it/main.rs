//! End to end: the real `smtpd` and `pop3d`, set up by the real `yubin`, spoken to over sockets by scripts and by programs
//! that other people wrote. A test's name carries the requirement that it shows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod addresses;
mod authentication;
mod backup;
mod brands;
mod clients;
mod configuration;
mod crashes;
mod customers;
mod desk;
mod examples;
mod expire;
mod forwarding;
mod guessing;
mod guide;
mod harness;
mod hosts;
mod import;
mod kill;
mod language;
mod life;
mod listeners;
mod maildrop;
mod memory;
mod networks;
mod outbound;
mod owner;
mod pop_before_smtp;
mod postgres;
mod profiles;
mod promise;
mod quickstart;
mod quota;
mod receiving;
mod reports;
mod sending;
mod size;
mod space;
mod trace;
mod virus_check;
