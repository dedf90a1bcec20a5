//! TLS over real sockets.

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::script::{Client, House, connector, der, file};
use crate::world::World;

const IMPLICIT: &str = "tls = \"implicit\"\nauth = \"required\"";
const STARTTLS: &str = "tls = \"starttls\"\nauth = \"required\"";

#[tokio::test]
async fn implicit_tls_from_the_first_byte() {
    let house = House::start("", IMPLICIT);
    let roots = [der(&house.world, "cert.pem")];
    let mut client = house.stranger().await.encrypt("mx.example.jp", &roots).await.unwrap();
    assert_eq!(client.line().await, "hello");
    let info = client.ask("INFO").await;
    let (_, session) = client.0.get_ref().get_ref();
    let cipher = session.negotiated_cipher_suite().unwrap().suite().as_str().unwrap().replace("TLS13", "TLS");
    assert_eq!(info, format!("TLSv1.3 {cipher} 256 Some(\"mx.example.jp\")"));
    assert_eq!(client.ask("QUIT").await, "bye");
    assert_eq!(client.rest().await, b"", "close_notify, or this would be an error");
}

#[tokio::test]
async fn tls_1_2_is_taken_too() {
    let house = House::start("", IMPLICIT);
    let connector = connector(&[der(&house.world, "cert.pem")], &[&rustls::version::TLS12]);
    let stream = TcpStream::connect(house.address).await.unwrap();
    let stream = connector.connect("mx.example.jp".try_into().unwrap(), stream).await.unwrap();
    let mut client = Client(BufReader::new(stream));
    assert_eq!(client.line().await, "hello");
    let info = client.ask("INFO").await;
    assert!(info.starts_with("TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 256 "), "{info}");
}

#[tokio::test]
async fn p_05_p_10_clear_text_on_a_tls_port_gets_no_greeting() {
    let mut house = House::start("", IMPLICIT);
    let mut client = house.stranger().await;
    client.send("EHLO client.example.jp\r\n").await;
    let answer = client.rest().await;
    // A TLS alert (record type 21), no word of the protocol.
    assert_eq!(answer.first(), Some(&21));
    assert!(!answer.windows(5).any(|window| window == b"hello"));
    drop(client);
    house.drain.begin();
    (&mut house.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_silent_client_is_sent_away_when_the_handshake_takes_too_long() {
    let house = House::start("handshake = \"10ms\"", IMPLICIT);
    assert_eq!(house.stranger().await.rest().await, b"");
}

#[tokio::test]
async fn p_20_each_name_gets_its_certificate_and_strangers_the_first() {
    let world = World::new();
    world.certificate("pop.pem", "pop.key", &["pop.example.jp", "*.pop.example.jp"]);
    let text = file("", IMPLICIT)
        .replace("[[listener]]", "[[certificate]]\nchain = \"pop.pem\"\nkey = \"pop.key\"\n[[listener]]");
    let house = House::start_in(world, &text);
    let (mx, pop) = (der(&house.world, "cert.pem"), der(&house.world, "pop.pem"));
    for (name, root) in [("mx.example.jp", &mx), ("pop.example.jp", &pop), ("kyoto.pop.example.jp", &pop)] {
        house.stranger().await.encrypt(name, std::slice::from_ref(root)).await.expect(name);
    }
    let stranger = house.stranger().await.encrypt("other.example.jp", std::slice::from_ref(&mx)).await;
    let refused = stranger.map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("mx.example.jp"), "{refused}");
}

#[tokio::test]
async fn starttls_in_the_middle() {
    let house = House::start("", STARTTLS);
    let mut client = house.client().await;
    assert_eq!(client.ask("INFO").await, "clear");
    assert_eq!(client.ask("TLS").await, "go");
    let mut client = client.encrypt("mx.example.jp", &[der(&house.world, "cert.pem")]).await.unwrap();
    assert!(client.ask("INFO").await.starts_with("TLSv1.3 "));
    assert_eq!(client.ask("TLS").await, "go", "the wire refuses a second one");
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn p_23_clear_text_behind_starttls_ends_the_session() {
    let mut house = House::start("", STARTTLS);
    let mut client = house.client().await;
    client.send("TLS\r\nINJECTED\r\n").await;
    let answer = client.rest().await;
    assert!(!String::from_utf8_lossy(&answer).contains("INJECTED"));
    assert_eq!(house.end().await, "input_before_tls");
}

#[tokio::test]
async fn clear_text_instead_of_a_handshake_ends_the_session() {
    let mut house = House::start("", STARTTLS);
    let mut client = house.client().await;
    assert_eq!(client.ask("TLS").await, "go");
    client.send("INFO\r\n").await;
    assert_eq!(client.rest().await.first(), Some(&21));
    drop(client);
    assert_eq!(house.end().await, "tls_failed");
}

#[tokio::test]
async fn without_tls_on_the_listener_nothing_is_encrypted() {
    let mut house = House::start("", "");
    let mut client = house.client().await;
    client.send("TLS\r\n").await;
    client.rest().await;
    assert_eq!(house.end().await, "broken");
}

#[tokio::test]
async fn p_22_new_certificates_serve_new_sessions_and_old_sessions_go_on() {
    let house = House::start("", IMPLICIT);
    let old = [der(&house.world, "cert.pem")];
    let mut client = house.stranger().await.encrypt("mx.example.jp", &old).await.unwrap();
    let new = [house.world.certificate("new.pem", "new.key", &["mx.example.jp"])];
    let identity =
        daemon_kit::tls::Identity::load(&house.world.path("new.pem"), &house.world.path("new.key")).unwrap();
    house.server_tls.as_ref().unwrap().replace(vec![identity]);
    house.stranger().await.encrypt("mx.example.jp", &new).await.unwrap();
    assert!(house.stranger().await.encrypt("mx.example.jp", &old).await.is_err());
    assert_eq!(client.line().await, "hello");
    assert_eq!(client.ask("QUIT").await, "bye");
}

#[tokio::test]
async fn a_client_that_hangs_up_without_close_notify_is_at_its_end() {
    let mut house = House::start("", IMPLICIT);
    let roots = [der(&house.world, "cert.pem")];
    let mut client = house.stranger().await.encrypt("mx.example.jp", &roots).await.unwrap();
    assert_eq!(client.line().await, "hello");
    client.0.get_mut().get_mut().0.shutdown().await.unwrap();
    assert_eq!(house.end().await, "hung_up");
}

#[tokio::test]
async fn megabytes_pass_both_ways() {
    let house = House::start("", IMPLICIT);
    let roots = [der(&house.world, "cert.pem")];
    let client = house.stranger().await.encrypt("mx.example.jp", &roots).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(client.0.into_inner());
    let line = "x".repeat(997);
    let sending = tokio::spawn(async move {
        for _ in 0..2000 {
            writer.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        }
        writer.write_all(b"QUIT\r\n").await.unwrap();
        writer.flush().await.unwrap();
        writer
    });
    let mut answer = Vec::new();
    reader.read_to_end(&mut answer).await.unwrap();
    sending.await.unwrap();
    assert_eq!(answer.len(), "hello\r\n".len() + 2000 * ("you said ".len() + 999) + "bye\r\n".len());
}

/// Connects twice with one configuration: how the second handshake went.
async fn twice(
    house: &House,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::HandshakeKind {
    let connector = connector(&[der(&house.world, "cert.pem")], versions);
    let mut kind = None;
    for _ in 0..2 {
        let stream = TcpStream::connect(house.address).await.unwrap();
        let stream = connector.connect("mx.example.jp".try_into().unwrap(), stream).await.unwrap();
        let mut client = Client(BufReader::new(stream));
        // With the first octets of TLS 1.3 comes the ticket.
        assert_eq!(client.line().await, "hello");
        kind = client.0.get_ref().get_ref().1.handshake_kind();
        assert_eq!(client.ask("QUIT").await, "bye");
    }
    kind.unwrap()
}

#[tokio::test]
async fn sessions_are_resumed_in_both_versions_and_over_an_exchange_of_certificates() {
    let house = House::start("", IMPLICIT);
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        assert_eq!(twice(&house, versions).await, rustls::HandshakeKind::Resumed, "{versions:?}");
    }
}

/// What is logged of a handshake that begins with `octets`.
async fn failure(octets: &[u8]) -> String {
    let house = House::start("", IMPLICIT);
    let mut client = house.stranger().await;
    client.0.write_all(octets).await.unwrap();
    client.0.shutdown().await.unwrap();
    client.rest_or_reset().await;
    house.drain.begin();
    house.running.await.unwrap().unwrap();
    let log = crate::log::logged();
    log.lines().rfind(|line| line.contains(" tls_failed ")).expect("an event").to_owned()
}

/// A ClientHello as Outlook Express on Windows XP might send it: TLS 1.0, eleven suites, no extension.
fn old_hello() -> Vec<u8> {
    let mut body = vec![3, 1];
    body.extend_from_slice(&[7; 32]);
    body.extend_from_slice(&[0, 0, 22]);
    for suite in [4, 5, 10, 9, 0x64, 0x62, 3, 6, 0x13, 0x12, 0x63] {
        body.extend_from_slice(&[0, suite]);
    }
    body.extend_from_slice(&[1, 0]);
    let message = [&[1, 0, 0, u8::try_from(body.len()).unwrap()][..], &body].concat();
    [&[0x16, 3, 1, 0, u8::try_from(message.len()).unwrap()][..], &message].concat()
}

#[tokio::test]
async fn p_27_who_cannot_agree_with_us_is_known_by_what_it_offered() {
    let line = failure(&old_hello()).await;
    assert!(line.contains(" reason=no_common_version "), "{line}");
    assert!(line.contains(" count=1 version=TLSv1.0 ciphers=11 session="), "{line}");
}

#[tokio::test]
async fn p_27_a_client_of_the_last_century_is_no_clear_text() {
    let line = failure(b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10").await;
    assert!(line.contains(" reason=no_common_version "), "{line}");
}

#[tokio::test]
async fn clear_text_on_a_tls_port_is_told_as_such() {
    let line = failure(b"EHLO client.example.jp\r\n").await;
    assert!(line.contains(" reason=clear_text "), "{line}");
    let line = failure(b"").await;
    assert!(line.contains(" reason=hung_up "), "{line}");
}

#[tokio::test]
async fn who_does_not_trust_us_is_known_by_name() {
    let house = House::start("", IMPLICIT);
    let roots = [der(&house.world, "cert.pem")];
    for _ in 0..2 {
        house.stranger().await.encrypt("pop.example.jp", &roots).await.map(drop).unwrap_err();
    }
    let tls = house.server_tls.clone().unwrap();
    house.drain.begin();
    house.running.await.unwrap().unwrap();
    let log = crate::log::logged();
    let line = log.lines().rfind(|line| line.contains(" tls_failed ")).unwrap();
    assert!(line.contains(" reason=certificate_refused "), "{line}");
    assert!(line.contains(" count=2 version=TLSv1.3 ") && line.contains(" sni=pop.example.jp "), "{line}");
    assert_eq!(tls.failures().get("certificate_refused"), Some(&2));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_greeting_on_a_tls_port_is_told_apart() {
    let house = House::start("", IMPLICIT);
    assert_eq!(house.stranger().await.rest().await, b"");
    let log = crate::log::logged();
    assert!(log.contains(" reason=silent "), "{log}");
}

#[tokio::test]
async fn h_02_what_a_clients_certificate_is_worth_is_known_and_nobody_is_refused_for_it() {
    let world = World::new();
    world.chain("client.pem", "full.pem", "client.key", "client.example.jp");
    world.certificate("other.pem", "other.key", &["client.example.jp"]);
    // The authority stands behind the client's own.
    let full = std::fs::read_to_string(world.path("full.pem")).unwrap();
    let client = std::fs::read_to_string(world.path("client.pem")).unwrap();
    world.write("authority.pem", full.strip_prefix(&client).unwrap());
    let text = format!("client_authority = \"authority.pem\"\n{}", file("", IMPLICIT));
    let house = House::start_in(world, &text);
    let shown = [
        (None, "NO"),
        (Some(("client.pem", "client.key")), "OK"),
        (Some(("other.pem", "other.key")), "FAIL"),
    ];
    for (shown, verify) in shown {
        for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
            let connector = presenting(&house.world, shown, versions);
            // The second one is resumed: the ticket knows it too.
            for _ in 0..2 {
                let stream = TcpStream::connect(house.address).await.unwrap();
                let stream = connector.connect("mx.example.jp".try_into().unwrap(), stream).await.unwrap();
                let mut client = Client(BufReader::new(stream));
                assert_eq!(client.line().await, "hello");
                assert_eq!(client.ask("VERIFY").await, verify);
            }
        }
    }
}

/// A client that has a certificate, or none.
fn presenting(
    world: &World,
    shown: Option<(&str, &str)>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> tokio_rustls::TlsConnector {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(der(world, "cert.pem"))).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        Some((chain, key)) => {
            let chain = vec![CertificateDer::from_pem_file(world.path(chain)).unwrap()];
            let key = PrivateKeyDer::from_pem_file(world.path(key)).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    std::sync::Arc::new(config).into()
}
