//! The account database as its callers see it, on SQLite and, where `YUBIN_TEST_POSTGRES` names a server, on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accounts;
mod addresses;
mod brands;
mod contention;
mod desk;
mod domains;
mod dump;
mod failing;
mod forwarding;
mod guessing;
mod hanging;
mod importing;
mod issuing;
mod life;
mod logins;
mod names;
mod opening;
mod polls;
mod replaced;
mod sending;
mod support;
mod taken;
mod tickets;
