//! Logging in: every form, and every kind of no.

use std::sync::mpsc;

use crate::house::{Door, House, PASSWORD};

#[test]
fn r_01_every_form_of_login() {
    let house = House::open();
    // PLAIN with an initial response, PLAIN and LOGIN in an exchange: base64 of "\0hanako\0sakura saku" and its parts.
    let plain = "AGhhbmFrbwBzYWt1cmEgc2FrdQ==";
    let (name, password) = ("aGFuYWtv", "c2FrdXJhIHNha3U=");
    let forms: [&[&str]; 4] = [
        &["USER hanako", &format!("PASS {PASSWORD}")],
        &[&format!("AUTH PLAIN {plain}")],
        &["AUTH PLAIN", plain],
        &["AUTH LOGIN", name, password],
    ];
    for form in forms {
        let mut client = house.client(Door::Clear);
        let (last, before) = form.split_last().unwrap();
        for line in before {
            assert!(client.ask(line).starts_with('+'), "{line}");
        }
        assert_eq!(client.ask(last), "+OK maildrop has 0 messages (0 octets)", "{form:?}");
        client.quit();
    }
}

#[test]
fn r_02_a_stamp_is_good_for_one_session() {
    let house = House::open();
    let digest = |greeting: &str| {
        let stamp = auth_sasl::Stamp::find(greeting).unwrap();
        auth_sasl::ApopDigest::compute(&stamp, &auth_sasl::Secret::new(PASSWORD)).to_string()
    };
    let mut client = house.client(Door::Clear);
    let overheard = digest(&client.greeting);
    assert!(client.ask(&format!("APOP hanako {overheard}")).starts_with("+OK"));
    client.quit();

    let mut client = house.client(Door::Clear);
    assert_ne!(digest(&client.greeting), overheard);
    assert_eq!(client.ask(&format!("APOP hanako {overheard}")), "-ERR [AUTH] login failed");
    // An account without APOP, with the right digest.
    let right = digest(&client.greeting);
    assert_eq!(client.ask(&format!("APOP taro {right}")), "-ERR [AUTH] login failed");

    let mut client = house.client(Door::Stls);
    assert_eq!(client.greeting, "+OK localhost POP3 server ready", "a listener without APOP shows no stamp");
    assert_eq!(client.ask(&format!("APOP hanako {right}")), "-ERR APOP is not offered here");
}

/// The same reply for all, after the same work: an Argon2 computation each, and the pause of a failed login, before which nothing is
/// said.
#[test]
fn s_06_s_20_every_kind_of_wrong_sounds_alike() {
    // Who waits sends for how long, and the other end of what it waits for.
    let (pauses, paused) = mpsc::channel();
    let house = House::open_with("", |pop3d| {
        pop3d.pausing(move |time| {
            let (go_on, over) = tokio::sync::oneshot::channel::<()>();
            pauses.send((time, go_on)).unwrap();
            async { drop(over.await) }
        })
    });
    let alias = "ayumi@example.jp";
    house.block_on(house.accounts.address_add(alias, "hanako")).unwrap();
    // A wrong password, an unknown name, what cannot be a name, the aliases of an account (which are no logins), a password in other
    // letters.
    let wrong = [
        ("hanako", "wrong"),
        ("nobody", PASSWORD),
        ("no/../such", PASSWORD),
        (alias, PASSWORD),
        ("ayumi", PASSWORD),
        ("hanako@example.jp", PASSWORD),
        ("hanako", "Sakura Saku"),
    ];
    for (login, password) in wrong {
        let hashes = house.accounts.hashes_computed();
        let mut client = house.client(Door::Clear);
        assert_eq!(client.ask(&format!("USER {login}")), "+OK now the password");
        client.send(format!("PASS {password}\r\n").as_bytes());
        let (time, go_on) = paused.recv().unwrap();
        assert_eq!(time, daemon_kit::limits::FAILED_LOGIN_DELAY);
        assert_eq!(house.accounts.hashes_computed(), hashes + 1, "{login}");
        assert!(client.is_silent(), "{login}");
        go_on.send(()).unwrap();
        assert_eq!(client.line(), "-ERR [AUTH] login failed", "{login}");
        // The session goes on; and the name is one in any case of its letters, wide ones too.
        for name in ["hanako", "HANAKO", "ｈａｎａｋｏ"].iter().filter(|_| login == "hanako") {
            house.session(name).quit();
        }
        assert!(client.login("hanako", PASSWORD).starts_with("+OK"));
    }
}

#[test]
fn too_many_failures_end_the_session() {
    let house = House::open();
    let mut client = house.client(Door::Narrow);
    assert_eq!(client.login("hanako", "wrong"), "-ERR [AUTH] login failed too often, closing");
    assert_eq!(client.rest(), "");
}

#[test]
fn too_many_errors_end_the_session() {
    let house = House::open();
    let mut client = house.client(Door::Narrow);
    client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUSER hanako\r\n");
    let said = client.rest();
    assert!(said.ends_with("-ERR unknown command\r\n-ERR too many errors, closing\r\n"), "{said}");
}

#[test]
fn r_13_an_account_database_that_is_away_is_not_a_wrong_password() {
    let house = House::open();
    house.block_on(house.accounts.close());
    let mut client = house.client(Door::Clear);
    assert_eq!(client.login("hanako", PASSWORD), "-ERR [SYS/TEMP] try again later");
    client.quit();
}

#[test]
fn a_poll_costs_no_hash() {
    let house = House::open();
    house.session("hanako").quit();
    let hashes = house.accounts.hashes_computed();
    for _ in 0..3 {
        house.session("hanako").quit();
    }
    assert_eq!(house.accounts.hashes_computed(), hashes);
}

/// Who guesses is told to come later, whether or not the guess was right; the owner comes in from where he was before.
#[test]
fn s_15_r_13_too_many_guesses_are_not_looked_at() {
    let house = House::open();
    house.session("hanako").quit();
    for login in ["hanako", "taro"] {
        for number in 0..accounts::limits::GUESSES_OF_ACCOUNT.0 {
            let from = [198, 51, u8::try_from(number).unwrap(), 7].into();
            let claim = auth_sasl::Claim::password(login, auth_sasl::Secret::new("wrong"));
            house.block_on(house.accounts.authenticate_from(&claim, from, accounts::Service::Pop)).unwrap();
        }
    }
    let mut client = house.client(Door::Clear);
    assert_eq!(client.login("taro", PASSWORD), "-ERR [SYS/TEMP] try again later");
    assert!(client.login("hanako", PASSWORD).starts_with("+OK"));
}

#[test]
fn r_15_r_14_login_delay_is_announced_and_kept() {
    let house = House::open_with("[pop3]\nlogin_delay = '1h'", |pop3d| pop3d);
    let mut client = house.session("hanako");
    assert!(client.lines("CAPA").contains(&"LOGIN-DELAY 3600".to_owned()));
    client.quit();
    let mut client = house.client(Door::Clear);
    let reply = client.login("hanako", PASSWORD);
    assert_eq!(reply, "-ERR [LOGIN-DELAY] the last login was too short a while ago");
    house.session("taro").quit();
}

#[test]
fn r_15_a_login_delay_ends() {
    let house = House::open_with("[pop3]\nlogin_delay = '1s'", |pop3d| pop3d);
    house.session("hanako").quit();
    // A client that tries again and again is let in when the delay is over; that it was refused before is shown above.
    while !house.client(Door::Clear).login("hanako", PASSWORD).starts_with("+OK") {}
}
