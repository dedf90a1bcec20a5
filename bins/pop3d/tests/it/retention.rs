//! How long mail stays: what is announced, and what is remembered for it.

use std::fs;

use accounts::{Allowance, Pop3Changes};

use crate::client::Client;
use crate::house::{Door, House, PASSWORD};

const LETTER: &[u8] = b"Subject: x\r\n\r\nbody\r\n";
const RULES: &str = "[pop3]\nexpire_read = 30\nexpire_all = 180\n";

/// Names of the messages in one of a Maildir's directories.
fn names(house: &House, part: &str) -> Vec<String> {
    let dir = fs::read_dir(house.maildir("hanako").join(part)).unwrap();
    let mut names: Vec<_> = dir.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn with_letters(rules: &str) -> House {
    let house = House::open_with(rules, |pop3d| pop3d);
    for _ in 0..4 {
        house.deliver("hanako", LETTER);
    }
    house
}

#[test]
fn r_08_what_was_read_is_remembered_by_quit_and_by_nothing_else() {
    let house = with_letters(RULES);
    let before = names(&house, "new");

    let mut client = house.session("hanako");
    let ids = client.lines("UIDL");
    assert_eq!(client.retrieve(1), LETTER);
    drop(client);
    assert_eq!(names(&house, "new"), before, "a connection that breaks marks nothing");

    let mut client = house.session("hanako");
    client.retrieve(2);
    client.lines("TOP 3 1");
    client.retrieve(4);
    client.ask("DELE 4");
    client.quit();
    assert_eq!(names(&house, "new"), [before[0].as_str(), &before[2]], "TOP is no reading");
    assert_eq!(names(&house, "cur"), [format!("{}:2,S", before[1])]);

    let mut client = house.session("hanako");
    assert_eq!(client.lines("UIDL"), ids[..3], "numbers and unique-ids are what they were");
    assert_eq!(client.retrieve(2), LETTER);
    client.quit();
    assert_eq!(names(&house, "cur").len(), 1, "marked once");
}

#[test]
fn r_08_where_no_rule_wants_it_nothing_is_marked() {
    let house = with_letters("[pop3]\nexpire_all = 180\n");
    let before = names(&house, "new");
    let mut client = house.session("hanako");
    client.retrieve(1);
    client.quit();
    assert_eq!(names(&house, "new"), before);
}

#[test]
fn r_08_expire_is_announced_by_account_domain_and_configuration() {
    let house = House::open_with("[pop3]\nexpire_read = 30\n", |pop3d| pop3d);
    let expire = |client: &mut Client| {
        client.lines("CAPA").into_iter().find(|line| line.starts_with("EXPIRE")).unwrap()
    };
    let (mut stranger, mut session) = (house.client(Door::Clear), house.session("hanako"));
    assert_eq!([expire(&mut stranger), expire(&mut session)], ["EXPIRE 30", "EXPIRE 30"]);
    session.quit();

    let days = |days| Pop3Changes { expire_all: Some(days), ..Pop3Changes::default() };
    house.block_on(house.accounts.domain_set_pop3("example.jp", days(Allowance::Limit(14)))).unwrap();
    house.block_on(house.accounts.account_set_pop3("taro", days(Allowance::Unlimited))).unwrap();
    for (login, announced) in [("hanako", "EXPIRE 14"), ("taro", "EXPIRE 30")] {
        let mut session = house.session(login);
        assert_eq!(expire(&mut session), announced, "{login}");
        session.quit();
    }
    assert_eq!(expire(&mut house.client(Door::Clear)), "EXPIRE 14 USER");
}

#[test]
fn r_15_a_login_delay_of_one_account() {
    let house = House::open();
    let delay = Pop3Changes { login_delay: Some(Allowance::Limit(3600)), ..Pop3Changes::default() };
    house.block_on(house.accounts.account_set_pop3("hanako", delay)).unwrap();
    for _ in 0..2 {
        house.session("taro").quit();
    }
    let mut client = house.session("hanako");
    assert!(client.lines("CAPA").contains(&"LOGIN-DELAY 3600".to_owned()));
    client.quit();
    let mut client = house.client(Door::Clear);
    assert!(client.lines("CAPA").contains(&"LOGIN-DELAY 3600 USER".to_owned()));
    let reply = client.login("hanako", PASSWORD);
    assert_eq!(reply, "-ERR [LOGIN-DELAY] the last login was too short a while ago");

    let shorter = Pop3Changes { login_delay: Some(Allowance::Unlimited), ..Pop3Changes::default() };
    house.block_on(house.accounts.account_set_pop3("hanako", shorter)).unwrap();
    assert!(client.login("hanako", PASSWORD).starts_with("+OK"), "seen at the next login");
}
