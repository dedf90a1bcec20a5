//! What each kind of listener offers, to a client that others wrote.

use crate::client::Client;
use crate::house::{Door, House, PASSWORD};

const MESSAGE: &[u8] = b"Subject: dots\r\n\r\n.one\r\n..two\r\n.\r\n\r\nlast\r\n";

/// A whole session of poplib: what is sent is what was delivered, and what is deleted is gone.
const SESSION: &str = r#"
assert pop.stat() == (2, 2 * len(wanted)), pop.stat()
assert [line.split() for line in pop.list()[1]] == [[b"1", b"%d" % len(wanted)], [b"2", b"%d" % len(wanted)]]
ids = [line.split()[1] for line in pop.uidl()[1]]
assert len(set(ids)) == 2 and pop.uidl(2) == b"+OK 2 " + ids[1]
assert b"\r\n".join(pop.retr(1)[1]) + b"\r\n" == wanted
assert pop.top(2, 1)[1] == [b"Subject: dots", b"", b".one"]
pop.noop()
pop.dele(1)
pop.rset()
pop.dele(1)
assert pop.stat() == (1, len(wanted))
assert b"goodbye" in pop.quit()
"#;

fn session(house: &House, door: Door, start: &str) {
    for _ in 0..2 {
        house.deliver("hanako", MESSAGE);
    }
    let wanted = format!("wanted = b'{}'\n", MESSAGE.escape_ascii());
    house.python(door, &format!("{wanted}{start}{SESSION}"));
    assert_eq!(house.session("hanako").ask("STAT"), format!("+OK 1 {}", MESSAGE.len()));
}

#[test]
fn r_01_p_09_a_whole_session_in_clear() {
    session(
        &House::open(),
        Door::Clear,
        r#"
pop = poplib.POP3("localhost", port)
pop.user("hanako")
pop.pass_("sakura saku")
"#,
    );
}

#[test]
fn r_03_apop_on_the_same_port() {
    session(
        &House::open(),
        Door::Clear,
        r#"
pop = poplib.POP3("localhost", port)
pop.apop("hanako", "sakura saku")
"#,
    );
}

#[test]
fn p_10_r_11_a_whole_session_under_tls_with_the_certificate_checked() {
    session(
        &House::open(),
        Door::Implicit,
        r#"
pop = poplib.POP3_SSL("localhost", port, context=context)
assert "STLS" not in pop.capa(), pop.capa()
pop.user("hanako")
pop.pass_("sakura saku")
"#,
    );
}

#[test]
fn a_whole_session_behind_stls() {
    session(
        &House::open(),
        Door::Stls,
        r#"
pop = poplib.POP3("localhost", port)
capa = pop.capa()
assert "STLS" in capa and "USER" not in capa and "SASL" not in capa, capa
try:
    pop.user("hanako")
    raise SystemExit("USER in clear")
except poplib.error_proto as refused:
    assert refused.args[0] == b"-ERR a password in clear needs TLS", refused
pop.stls(context)
capa = pop.capa()
assert "STLS" not in capa and "USER" in capa and capa["SASL"] == ["PLAIN", "LOGIN"], capa
pop.user("hanako")
pop.pass_("sakura saku")
"#,
    );
}

#[test]
fn p_10_implicit_tls_has_neither_stls_nor_a_greeting_in_clear() {
    let house = House::open();
    house.python(
        Door::Implicit,
        r#"
pop = poplib.POP3_SSL("localhost", port, context=context)
assert pop.welcome == b"+OK localhost POP3 server ready", pop.welcome
try:
    pop._shortcmd("STLS")
    raise SystemExit("STLS under TLS")
except poplib.error_proto as refused:
    assert refused.args[0] == b"-ERR STLS is not offered here", refused
"#,
    );
    let mut client = crate::client::Client::connect(house.address(Door::Implicit));
    client.send(b"USER hanako\r\nPASS sakura saku\r\n");
    let mut said = Vec::new();
    std::io::Read::read_to_end(&mut client.into_stream(), &mut said).unwrap();
    assert!(!said.windows(3).any(|octets| octets == b"+OK"), "{said:?}");
}

#[test]
fn p_13_a_listener_without_tls_has_no_stls_but_both_logins() {
    let house = House::open();
    let mut client = house.client(Door::Clear);
    let capabilities = client.lines("CAPA");
    let wanted = [
        "TOP",
        "UIDL",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "PIPELINING",
        "USER",
        "SASL PLAIN LOGIN",
        "UTF8 USER",
        "LANG",
        "EXPIRE NEVER",
    ];
    assert_eq!(capabilities, wanted);
    assert_eq!(client.ask("STLS"), "-ERR STLS is not offered here");
    assert!(client.login("taro", "sakura saku").starts_with("+OK"));
    house.python(
        Door::Clear,
        r#"
pop = poplib.POP3("localhost", port)
pop.apop("hanako", "sakura saku")
pop.quit()
"#,
    );
}

#[test]
fn p_23_octets_behind_stls_are_not_taken_into_tls() {
    let house = House::open();
    let mut client = house.client(Door::Stls);
    client.send(b"STLS\r\nCAPA\r\n");
    assert_eq!(client.rest(), "-ERR octets behind STLS, closing\r\n");
}

#[test]
fn who_comes_too_often_is_told_to_come_later() {
    let house = House::open();
    let first = house.client(Door::Narrow);
    let second = house.client(Door::Narrow);
    assert_eq!(second.greeting, "-ERR [SYS/TEMP] try again later");
    first.quit();
}

#[test]
fn n_10_behind_a_balancer_each_client_has_its_own_limits() {
    let house = House::open();
    let client = |address: &str| {
        let mut client = Client::connect(house.address(Door::Balanced));
        client.send(format!("PROXY TCP4 {address} 10.0.0.1 40000 110\r\n").as_bytes());
        client.greeting = client.line();
        client
    };
    let mut first = client("192.0.2.7");
    assert!(first.login("hanako", PASSWORD).starts_with("+OK"));
    assert!(client("192.0.2.7").greeting.starts_with("-ERR [SYS/TEMP]"));
    let mut other = client("192.0.2.8");
    assert!(other.login("taro", PASSWORD).starts_with("+OK"));
    house.close();
}
