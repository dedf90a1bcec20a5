//! Which command is allowed when, and which phase it leads to: the whole state machine of RFC 1939 §3 but for the answers.

use crate::command::Verb;
use crate::replies::Reply;

/// Where a session stands between two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// AUTHORIZATION, RFC 1939 §4.
    Authorization,
    /// AUTHORIZATION behind USER: RFC 1939 §7 wants PASS next.
    Named,
    /// TRANSACTION, RFC 1939 §5.
    Transaction,
}

impl Phase {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 3] = [Self::Authorization, Self::Named, Self::Transaction];
}

/// The phase in which `verb` is carried out, and that lasts if nobody is asked; or the reply that refuses it, which changes nothing.
/// An accepted login leads to [`Phase::Transaction`], accepted TLS to [`Phase::Authorization`].
pub(crate) const fn transition(phase: Phase, verb: Verb) -> Result<Phase, Reply<'static>> {
    use Phase::{Authorization, Named, Transaction};
    match verb {
        Verb::Capa | Verb::Lang | Verb::Quit => Ok(phase),
        // RFC 6856 §2.1.
        Verb::Utf8 => match phase {
            Authorization | Named => Ok(phase),
            Transaction => Err(Reply::LoggedInAlready),
        },

        // A name given before is forgotten: whoever goes another way is not behind USER any more.
        Verb::Apop | Verb::Auth | Verb::Stls => match phase {
            Authorization | Named => Ok(Authorization),
            Transaction => Err(Reply::LoggedInAlready),
        },
        Verb::User => match phase {
            Authorization | Named => Ok(Named),
            Transaction => Err(Reply::LoggedInAlready),
        },
        Verb::Pass => match phase {
            Authorization => Err(Reply::UserFirst),
            Named => Ok(Authorization),
            Transaction => Err(Reply::LoggedInAlready),
        },

        Verb::Dele
        | Verb::List
        | Verb::Noop
        | Verb::Retr
        | Verb::Rset
        | Verb::Stat
        | Verb::Top
        | Verb::Uidl => match phase {
            Authorization | Named => Err(Reply::LogInFirst),
            Transaction => Ok(Transaction),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command in every state, as a reader of RFC 1939 would draw it.
    #[test]
    fn every_verb_in_every_phase() {
        let drawn = "
            APOP authorization  authorization  -
            AUTH authorization  authorization  -
            CAPA authorization  named          transaction
            DELE -              -              transaction
            LANG authorization  named          transaction
            LIST -              -              transaction
            NOOP -              -              transaction
            PASS -              authorization  -
            QUIT authorization  named          transaction
            RETR -              -              transaction
            RSET -              -              transaction
            STAT -              -              transaction
            STLS authorization  authorization  -
            TOP  -              -              transaction
            UIDL -              -              transaction
            USER named          named          -
            UTF8 authorization  named          -";
        let mut rows = drawn.lines().skip(1);
        for verb in Verb::ALL {
            let cells: std::vec::Vec<_> = Phase::ALL.iter().map(|&phase| cell(phase, verb)).collect();
            let row: std::vec::Vec<_> = rows.next().unwrap().split_whitespace().collect();
            assert_eq!(row[0], verb.keyword());
            assert_eq!(row[1..], cells, "{}", verb.keyword());
        }
        assert_eq!(rows.next(), None);
    }

    fn cell(phase: Phase, verb: Verb) -> &'static str {
        match transition(phase, verb) {
            Ok(Phase::Authorization) => "authorization",
            Ok(Phase::Named) => "named",
            Ok(Phase::Transaction) => "transaction",
            Err(_) => "-",
        }
    }
}
