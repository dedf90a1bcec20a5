//! How long mail stays and how often one may come: for an account, and for what is said before anybody has logged in.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use accounts::Pop3Rules;
use daemon_kit::config::Pop3;
use pop3_proto::{Expire, LoginDelay};

/// What holds for an account: its rules, its domain's, or the configuration's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Whether what was read has to be remembered: it goes some day.
    pub(crate) remembers_reading: bool,
    /// The fewest days that mail stays; none is for ever.
    days: Option<u32>,
    /// Whole seconds between two logins.
    delay: u32,
}

/// What CAPA says.
pub(crate) type Announced = (Option<Expire>, Option<LoginDelay>);

/// The rules of the house.
#[derive(Debug)]
pub(crate) struct Rules {
    configured: Pop3,
    /// That of an account without rules of its own, and those that differ from it.
    known: Mutex<Vec<Policy>>,
}

impl Rules {
    pub(crate) fn new(configured: Pop3) -> Self {
        let rules = Self { configured, known: Mutex::default() };
        rules.learn(rules.policy(Pop3Rules::default()));
        rules
    }

    pub(crate) fn policy(&self, rules: Pop3Rules) -> Policy {
        let days = |own: accounts::Allowance, configured: Option<u32>| {
            own.or(configured.map(u64::from)).map(|days| u32::try_from(days).unwrap_or(u32::MAX))
        };
        let read = days(rules.expire_read, self.configured.expire_read);
        let all = days(rules.expire_all, self.configured.expire_all);
        let delay = rules.login_delay.or(self.configured.login_delay.map(|delay| delay.as_secs()));
        Policy {
            remembers_reading: read.is_some(),
            days: [read, all].into_iter().flatten().min(),
            delay: delay.map_or(0, |seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
        }
    }

    /// Some account has it.
    pub(crate) fn learn(&self, policy: Policy) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Few differ in what is announced, however many accounts there are.
        if known.iter().all(|other| (other.days, other.delay) != (policy.days, policy.delay)) {
            known.push(policy);
        }
    }

    /// What can be said of whoever may log in: RFC 2449 §6.7 wants the fewest days that anybody has, §6.5 the longest wait.
    pub(crate) fn of_anybody(&self) -> Announced {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let days = known.iter().filter_map(|policy| policy.days).min();
        let delay = known.iter().map(|policy| policy.delay).max().unwrap_or(0);
        announced(
            (days, known.iter().any(|policy| policy.days != days)),
            (delay, known.iter().any(|policy| policy.delay != delay)),
        )
    }
}

impl Policy {
    pub(crate) fn announced(&self) -> Announced {
        announced((self.days, false), (self.delay, false))
    }

    pub(crate) const fn login_delay(&self) -> Duration {
        Duration::from_secs(self.delay as u64)
    }
}

fn announced((days, differs): (Option<u32>, bool), (seconds, delays_differ): (u32, bool)) -> Announced {
    let delay = LoginDelay { seconds, differs: delays_differ };
    (Some(Expire { days, differs }), (seconds > 0).then_some(delay))
}

#[cfg(test)]
mod tests {
    use accounts::Allowance;

    use super::*;

    #[test]
    fn r_08_r_15_before_login_the_strictest_rule_is_told() {
        let rules = Rules::new(Pop3::default());
        assert_eq!(rules.of_anybody(), (Some(Expire { days: None, differs: false }), None));
        let own = Pop3Rules {
            expire_read: Allowance::Limit(14),
            expire_all: Allowance::Limit(90),
            login_delay: Allowance::Limit(60),
        };
        let policy = rules.policy(own);
        assert!(policy.remembers_reading);
        rules.learn(policy);
        rules.learn(rules.policy(Pop3Rules { login_delay: Allowance::Configured, ..own }));
        let expire = Some(Expire { days: Some(14), differs: true });
        assert_eq!(rules.of_anybody(), (expire, Some(LoginDelay { seconds: 60, differs: true })));
        let expire = Some(Expire { days: Some(14), differs: false });
        assert_eq!(policy.announced(), (expire, Some(LoginDelay { seconds: 60, differs: false })));
    }

    #[test]
    fn r_08_an_account_may_be_without_a_rule_that_others_have() {
        let configured = Pop3 { expire_read: Some(7), expire_all: Some(30), ..Pop3::default() };
        let rules = Rules::new(configured);
        assert_eq!(rules.policy(Pop3Rules::default()).days, Some(7));
        let own = Pop3Rules { expire_read: Allowance::Unlimited, ..Pop3Rules::default() };
        let policy = rules.policy(own);
        assert_eq!((policy.days, policy.remembers_reading), (Some(30), false));
    }
}
