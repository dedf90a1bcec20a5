//! What any daemon needs and no protocol knows.

pub mod config;
pub mod limits;
pub mod tls;
