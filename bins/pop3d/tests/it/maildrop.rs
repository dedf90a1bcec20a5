//! The maildrop of a session: what is in it, what is deleted, and whose it is.

use mailstore::Maildir;

use crate::house::{Door, House, PASSWORD};

fn letter(subject: &str) -> Vec<u8> {
    format!("Subject: {subject}\r\n\r\n{subject}\r\n").into_bytes()
}

fn unique_ids(house: &House) -> Vec<String> {
    let mut client = house.session("hanako");
    let ids = client.lines("UIDL").iter().map(|line| line.split_once(' ').unwrap().1.into()).collect();
    client.quit();
    ids
}

#[test]
fn r_05_only_quit_deletes() {
    let house = House::open();
    for subject in ["one", "two", "three"] {
        house.deliver("hanako", &letter(subject));
    }
    let ids = unique_ids(&house);

    let mut client = house.session("hanako");
    assert_eq!(client.ask("DELE 1"), "+OK message 1 deleted");
    client.send(b"DELE 2\r\nQUI");
    drop(client);
    assert_eq!(
        unique_ids(&house),
        ids,
        "a connection that breaks deletes nothing, and ids stay what they are"
    );

    let mut client = house.session("hanako");
    client.ask("DELE 1");
    client.ask("DELE 3");
    client.quit();
    assert_eq!(unique_ids(&house), ids[1..2]);
    assert_eq!(house.session("hanako").retrieve(1), letter("two"));
}

#[test]
fn all_of_a_session_in_one_write() {
    let house = House::open();
    house.deliver("hanako", &letter("one"));
    let mut client = house.client(Door::Clear);
    client.send(
        format!("USER hanako\r\nPASS {PASSWORD}\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\nNOOP\r\n").as_bytes(),
    );
    let said = client.rest();
    let octets = letter("one").len();
    let wanted = format!(
        "+OK now the password\r\n+OK maildrop has 1 messages ({octets} octets)\r\n+OK 1 {octets}\r\n+OK {octets} octets\r\n\
         Subject: one\r\n\r\none\r\n.\r\n+OK message 1 deleted\r\n+OK goodbye\r\n"
    );
    assert_eq!(said, wanted);
    assert_eq!(house.session("hanako").ask("STAT"), "+OK 0 0");
}

#[test]
fn r_12_a_second_session_is_told_that_the_maildrop_is_in_use() {
    let house = House::open();
    house.deliver("hanako", &letter("one"));
    let mut first = house.session("hanako");
    let mut second = house.client(Door::Clear);
    let in_use = "-ERR [IN-USE] maildrop is open in another session";
    assert_eq!(second.login("hanako", PASSWORD), in_use);
    assert!(second.login("taro", PASSWORD).starts_with("+OK"), "another maildrop is free");

    // Delivery waits for nobody's session, and what comes meanwhile is the next one's.
    house.deliver("hanako", &letter("two"));
    assert_eq!(first.ask("STAT"), format!("+OK 1 {}", letter("one").len()));
    first.quit();
    let mut third = house.session("hanako");
    assert!(third.ask("STAT").starts_with("+OK 2 "));
    // Who hangs up and comes back at once finds the door open.
    drop(third);
    house.session("hanako").quit();
}

#[test]
fn files_of_other_programs_are_read_as_they_are() {
    let house = House::open();
    let maildir = Maildir::create(house.maildir("hanako")).unwrap();
    let put = |name: &str, text: &str| std::fs::write(maildir.path().join(name), text).unwrap();
    put("cur/1000000001.M1P1.elsewhere:2,S", "Subject: lf\n\n.dot\nno end");
    put("new/1000000002.M1P1.elsewhere", "Subject: crlf\r\n\r\n.dot\r\n");
    let mut client = house.session("hanako");
    let wanted = "Subject: lf\r\n\r\n.dot\r\nno end\r\n";
    assert_eq!(client.retrieve(1), wanted.as_bytes());
    assert_eq!(client.ask("LIST 1"), format!("+OK 1 {}", wanted.len()));
    assert_eq!(client.ask("UIDL 1"), "+OK 1 1000000001.M1P1.elsewhere");
    assert_eq!(client.retrieve(2), b"Subject: crlf\r\n\r\n.dot\r\n");
    client.quit();
    assert!(maildir.path().join("new/1000000002.M1P1.elsewhere").exists(), "reading renames nothing");
}

/// Around the size of a piece that is read at once, and of each end of a line.
#[test]
fn messages_of_every_length_around_a_piece() {
    let house = House::open();
    let mut sent = Vec::new();
    for length in (65_536 - 4)..=(65_536 + 4) {
        let mut message = Vec::from(*b"Subject: long\r\n\r\n");
        while message.len() < length - 2 {
            let left = length - 2 - message.len();
            message.extend_from_slice(if left > 80 { b".a line\r\n" } else { b"x" });
        }
        message.extend_from_slice(b"\r\n");
        house.deliver("hanako", &message);
        sent.push(message);
    }
    let mut client = house.session("hanako");
    for (number, message) in sent.iter().enumerate() {
        assert!(client.retrieve(number + 1) == *message, "{} octets", message.len());
    }
    client.quit();
}

/// Most of these pieces go out from where they were read; around their borders are ends of lines, and dots behind them.
#[test]
fn messages_of_many_pieces_with_dots_around_their_borders() {
    const PIECE: usize = 65_536;
    let house = House::open();
    let mut sent = Vec::new();
    for before in 0..6 {
        let mut message = Vec::from(*b"Subject: long\r\n\r\n");
        for border in (1..=5).map(|nth| nth * PIECE - before) {
            while message.len() < border {
                let left = border - message.len();
                let line: &[u8] = if left > 2_000 { &[b'x'; 998] } else { b"x" };
                message.extend_from_slice(line);
                message.extend_from_slice(if left > 2_000 { b"\r\n" } else { b"" });
            }
            message.extend_from_slice(b"\r\n.a dot\r\n..\r\n");
        }
        house.deliver("hanako", &message);
        sent.push(message);
    }
    let mut client = house.session("hanako");
    for (number, message) in sent.iter().enumerate() {
        assert!(client.retrieve(number + 1) == *message, "{number}");
    }
    assert!(client.ask("NOOP").starts_with("+OK"), "in step");
    client.quit();
}
