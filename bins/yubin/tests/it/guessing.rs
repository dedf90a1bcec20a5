//! Who guesses passwords, at two machines with both daemons on one database: what is counted at one holds at all, customers come in from
//! where they always do, and the desk can let somebody in.

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use xtask::postgres::Postgres;

use crate::harness::Service;
use crate::harness::pop3::Pop3;
use crate::harness::site::{AYUMI, Door, KENJI, Site, User};
use crate::harness::smtp::Smtp;
use crate::harness::wire::Wire;
use crate::postgres::{database, left_out};

/// What came of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    In,
    Wrong,
    /// Not looked at: come again later.
    Later,
}

/// One daemon of a machine.
#[derive(Clone, Copy)]
enum Daemon {
    Smtpd,
    Pop3d,
}

/// So often each daemon is asked at the most until all of them are where they should be.
const ROUNDS: u8 = 100;

struct Machines([Service; 2]);

impl Machines {
    /// In the order in which a round asks them.
    const DAEMONS: [(usize, Daemon); 4] =
        [(0, Daemon::Smtpd), (0, Daemon::Pop3d), (1, Daemon::Smtpd), (1, Daemon::Pop3d)];

    fn on(database: &str, site: Site) -> Self {
        let there = site.beside(database);
        Self([Service::serve(site), Service::serve(there)])
    }

    fn login(
        &self,
        (machine, daemon): (usize, Daemon),
        from: Ipv4Addr,
        login: &str,
        password: &str,
    ) -> Answer {
        let service = &self.0[machine];
        match daemon {
            Daemon::Smtpd => {
                let mut smtp = Smtp::greeted(Wire::clear_from(from, service.address(Door::Submission)));
                smtp.hello();
                smtp.wire.line(&format!("AUTH PLAIN {}", Smtp::plain_with(login, password)));
                match smtp.reply() {
                    reply if reply.is("235") => Answer::In,
                    reply if reply.is("535 5.7.8") => Answer::Wrong,
                    reply if reply.is("454 4.7.0") => Answer::Later,
                    reply => panic!("{reply:?}"),
                }
            }
            Daemon::Pop3d => {
                let mut pop3 = Pop3::greeted(Wire::clear_from(from, service.address(Door::Pop3)));
                pop3.ask(&format!("USER {login}"), "+OK");
                pop3.wire.line(&format!("PASS {password}"));
                match pop3.reply() {
                    // The other machine's may have the maildrop.
                    reply if reply.starts_with("+OK") || reply.starts_with("-ERR [IN-USE]") => Answer::In,
                    reply if reply.starts_with("-ERR [AUTH]") => Answer::Wrong,
                    reply if reply.starts_with("-ERR [SYS/TEMP]") => Answer::Later,
                    reply => panic!("{reply}"),
                }
            }
        }
    }

    /// What all four answer to one login each, at once.
    fn round(&self, from: impl Fn(u8) -> Ipv4Addr, user: &User, password: &str) -> [Answer; 4] {
        thread::scope(|scope| {
            let asked = [0, 1, 2, 3].map(|nth: u8| {
                let (daemon, from) = (Self::DAEMONS[usize::from(nth)], from(nth));
                scope.spawn(move || self.login(daemon, from, user.login, password))
            });
            asked.map(|answer| answer.join().unwrap())
        })
    }
}

fn s_15_at(machines: &Machines) {
    let home = |_| Ipv4Addr::new(127, 1, 0, 1);
    assert_eq!(machines.login(Machines::DAEMONS[1], home(0), KENJI.login, KENJI.password), Answer::In);

    // From another place each time, so that only what is counted for the account can end it: 20 of them, and one a minute. Then a right
    // password, too, is not looked at anywhere, and the desk sees it at the other machine; unless one was forgotten in between.
    let [here, there] = &machines.0;
    let elsewhere = |round: u8| move |nth: u8| Ipv4Addr::new(127, 3, round, nth + 1);
    let mut guesses = 0;
    let held = (0..ROUNDS).find(|round| {
        let places = |nth| Ipv4Addr::new(127, 2, *round, nth + 1);
        let answers = machines.round(places, &KENJI, "wrong");
        assert!(!answers.contains(&Answer::In), "{answers:?}");
        guesses += answers.iter().filter(|answer| **answer == Answer::Wrong).count();
        answers == [Answer::Later; 4]
            && machines.round(elsewhere(*round), &KENJI, KENJI.password) == [Answer::Later; 4]
            && is_listed(there, &KENJI)
    });
    let Some(held) = held else { panic!("after {guesses} guesses, some are still looked at") };
    assert!(guesses >= 20, "{guesses} guesses were looked at");

    // The owner comes in from where he was before, also where he never was; others from wherever they are.
    let at_home: Vec<Answer> = Machines::DAEMONS
        .into_iter()
        .map(|daemon| machines.login(daemon, home(0), KENJI.login, KENJI.password))
        .collect();
    assert_eq!(at_home, [Answer::In; 4]);
    for daemon in Machines::DAEMONS {
        let from = Ipv4Addr::new(127, 3, 0, 99);
        assert_eq!(machines.login(daemon, from, AYUMI.login, AYUMI.password), Answer::In);
    }

    // The desk lets him in everywhere.
    there.site.yubin(&["bans", "lift", KENJI.login]);
    for (nth, daemon) in (0..).zip(Machines::DAEMONS) {
        let from = elsewhere(held)(nth);
        let logs_in = |_: &u8| {
            let answer = machines.login(daemon, from, KENJI.login, KENJI.password);
            // Daemons look for changes twice a second.
            (answer == Answer::Later).then(|| thread::sleep(Duration::from_millis(100)));
            answer == Answer::In
        };
        assert!((0..ROUNDS).any(|round| logs_in(&round)), "{KENJI:?} is still held back");
    }
    assert_eq!(here.site.yubin(&["bans", "--json"]).trim(), "[]");
    let audit: serde_json::Value = serde_json::from_str(&here.site.yubin(&["audit", "--json"])).unwrap();
    assert_eq!((&audit[0]["action"], &audit[0]["subject"]), (&"ban lift".into(), &KENJI.login.into()));
}

/// Whether the desk sees that an account is held back.
fn is_listed(machine: &Service, user: &User) -> bool {
    let bans: serde_json::Value = serde_json::from_str(&machine.site.yubin(&["bans", "--json"])).unwrap();
    bans.as_array().unwrap().iter().any(|ban| ban["whom"] == user.login && ban["budget"] == "account-budget")
}

#[test]
fn s_15_guesses_count_at_all_daemons_on_one_sqlite_database() {
    let site = Site::with_users();
    let database = format!("sqlite:{}", site.path("accounts.sqlite").display());
    s_15_at(&Machines::on(&database, site));
}

#[test]
fn s_15_guesses_count_at_all_daemons_on_one_postgresql_database() {
    if left_out() {
        return;
    }
    let server = Postgres::start().unwrap();
    let database = database(&server);
    s_15_at(&Machines::on(&database, Site::with_users_at(&database)));
}
