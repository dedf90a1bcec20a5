//! What other programs, the disk and the clock do to a session.

use std::fs;

use crate::house::{Door, House, PASSWORD};

const LETTER: &[u8] = b"Subject: x\r\n\r\nbody\r\n";

/// The files of a Maildir, in their order.
fn files(house: &House) -> Vec<std::path::PathBuf> {
    let new = fs::read_dir(house.maildir("hanako").join("new")).unwrap();
    let mut files: Vec<_> = new.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_message_that_another_program_takes_away_is_answered() {
    let house = House::open();
    for _ in 0..3 {
        house.deliver("hanako", LETTER);
    }
    let mut client = house.session("hanako");
    let files = files(&house);
    fs::remove_file(&files[1]).unwrap();
    let renamed = house.maildir("hanako").join("cur").join(files[2].file_name().unwrap());
    fs::rename(&files[2], renamed.with_extension("jp,S=20:2,S")).unwrap();

    assert_eq!(client.ask("RETR 2"), "-ERR the message is gone from the maildrop");
    assert_eq!(client.ask("TOP 2 1"), "-ERR the message is gone from the maildrop");
    assert_eq!(client.retrieve(1), LETTER, "the session goes on");
    for number in 1..=2 {
        assert_eq!(client.ask(&format!("DELE {number}")), format!("+OK message {number} deleted"));
    }
    client.quit();
    assert!(house.session("hanako").ask("STAT").starts_with("+OK 1 "));
}

#[test]
fn r_13_a_maildrop_that_cannot_be_read_is_not_a_wrong_password() {
    let house = House::open();
    house.deliver("hanako", LETTER);
    // A file where the Maildir's directory belongs: trouble for root, too.
    let maildir = house.maildir("hanako");
    fs::rename(&maildir, maildir.with_extension("away")).unwrap();
    fs::write(&maildir, "").unwrap();
    let mut client = house.client(Door::Clear);
    assert_eq!(client.login("hanako", PASSWORD), "-ERR [SYS/TEMP] try again later");
    fs::remove_file(&maildir).unwrap();
    fs::rename(maildir.with_extension("away"), &maildir).unwrap();
    assert!(client.login("hanako", PASSWORD).starts_with("+OK maildrop has 1 messages"));
}

#[test]
fn what_cannot_be_removed_is_reported() {
    let house = House::open();
    house.deliver("hanako", LETTER);
    house.deliver("hanako", LETTER);
    let mut client = house.session("hanako");
    // A directory cannot be unlinked, not even by root.
    let file = files(&house).remove(0);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    client.ask("DELE 1");
    client.ask("DELE 2");
    assert_eq!(client.ask("QUIT"), "-ERR some deleted messages not removed");
    assert_eq!(client.rest(), "");
    assert_eq!(files(&house), [file], "the other is gone");
}

#[test]
fn patience_ends_without_a_word_and_deletes_nothing() {
    let house = House::open();
    house.deliver("hanako", LETTER);
    let mut client = house.client(Door::Narrow);
    assert!(client.login("hanako", PASSWORD).starts_with("+OK"));
    assert_eq!(client.ask("DELE 1"), "+OK message 1 deleted");
    assert_eq!(client.rest(), "");
    assert!(house.session("hanako").ask("STAT").starts_with("+OK 1 "));
}

#[test]
fn a_drain_ends_sessions_between_two_commands() {
    let house = House::open();
    house.deliver("hanako", LETTER);
    let mut client = house.session("hanako");
    assert_eq!(client.ask("DELE 1"), "+OK message 1 deleted");
    house.drain.begin();
    assert_eq!(client.rest(), "");
    assert_eq!(files(&house).len(), 1);
    house.close();
}

#[test]
fn a_file_that_nobody_may_read_costs_one_command() {
    let house = House::open();
    house.deliver("hanako", LETTER);
    house.deliver("hanako", LETTER);
    let mut client = house.session("hanako");
    // Root may read anything but a link that leads to itself.
    let file = files(&house).remove(0);
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&file, &file).unwrap();
    assert_eq!(client.ask("RETR 1"), "-ERR [SYS/TEMP] try again later");
    assert_eq!(client.retrieve(2), LETTER);
}
