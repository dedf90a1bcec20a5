use auth_sasl::{ApopDigest, Claim, Secret, Stamp, StampError};

/// The example of RFC 1939 §7.
const STAMP: &str = "<1896.697170952@dbc.mtview.ca.us>";
const DIGEST: &[u8] = b"c4c9334bac560ecc979e58001b3e22fb";

fn claim(digest: &[u8]) -> Claim {
    Claim::Apop {
        login: "mrose".into(),
        stamp: Stamp::new(STAMP).unwrap(),
        digest: ApopDigest::parse(digest).unwrap(),
    }
}

#[test]
fn the_example_of_rfc_1939() {
    let stamp = Stamp::find(&format!("+OK POP3 server ready {STAMP}\r\n")).unwrap();
    let digest = ApopDigest::compute(&stamp, &Secret::new(*b"tanstaaf"));
    assert_eq!(digest.to_string().as_bytes(), DIGEST);
    assert!(claim(DIGEST).verify_secret(&Secret::new(*b"tanstaaf")));
    assert!(claim(&DIGEST.to_ascii_uppercase()).verify_secret(&Secret::new(*b"tanstaaf")));
    assert!(!claim(DIGEST).verify_secret(&Secret::new(*b"tanstaaF")));
}

#[test]
fn a_digest_is_32_hexadecimal_digits() {
    for bad in [
        &b""[..],
        b"c4",
        &DIGEST[1..],
        b"c4c9334bac560ecc979e58001b3e22fbc4",
        b"g4c9334bac560ecc979e58001b3e22fb",
    ] {
        assert_eq!(ApopDigest::parse(bad), None, "{}", bad.escape_ascii());
    }
}

#[test]
fn stamps() {
    for good in ["<1@h>", "<1.2.3@mx.example.jp>"] {
        assert_eq!(Stamp::new(good).unwrap().as_str(), good);
    }
    for bad in
        ["", "<>", "1@h", "<1h>", "<@h>", "<1@>", "<1@h", "<1 2@h>", "<1<2@h>", "<1@h>\r\n", "<1@h\u{e9}>"]
    {
        assert_eq!(Stamp::new(bad), Err(StampError), "{bad:?}");
    }
    assert_eq!(Stamp::find("+OK ready"), None);
    assert_eq!(Stamp::find("+OK ready > <"), None);
}

#[test]
fn nothing_secret_is_printed() {
    assert!(!format!("{:?}", claim(DIGEST)).contains("c4c9"));
    assert_eq!(format!("{:?}", Secret::new(*b"tanstaaf")), "[secret]");
}
