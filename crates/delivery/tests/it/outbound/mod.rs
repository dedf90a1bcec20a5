//! Mail for other hosts, against hosts of every kind on loopback and a table in place of the DNS.

mod beyond_ascii;
mod delivered;
mod host;
mod operator;
mod reports;
mod sending;
mod smarthost;
mod stopping;
mod tls;
mod trouble;
mod world;
