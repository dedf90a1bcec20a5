//! `[pop3]`: how long mail stays, and how often one may come, where neither account nor domain has a rule of its own.

use std::time::Duration;

use super::section::Section;
use super::value::Count;

/// `[pop3]`; none is: for ever, and as often as one likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pop3 {
    /// Days after which a message goes that was read.
    pub expire_read: Option<u32>,
    /// Days after which any message goes.
    pub expire_all: Option<u32>,
    /// Between two logins of an account; whole seconds are announced.
    pub login_delay: Option<Duration>,
}

pub(super) fn read(section: Section<'_>) -> Pop3 {
    let days = |key| section.optional::<Count>(key).given().and_then(|at| at.value.0);
    let (expire_read, expire_all) = (days("expire_read"), days("expire_all"));
    let login_delay = section.optional::<Duration>("login_delay").given().map(|at| at.value);
    section.finish();
    Pop3 { expire_read, expire_all, login_delay }
}
