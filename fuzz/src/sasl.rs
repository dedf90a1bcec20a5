//! AUTH's exchanges, which both protocols share.

use auth_sasl::{ClientExchange, Exchange, Mechanism, Secret, Step, line};

/// Exchanges, from the server's side and from the client's.
pub fn sasl(data: &[u8]) {
    for mechanism in Mechanism::ALL {
        let Some((first, second)) = data.split_at_checked(data.len() / 2) else { return };
        if let Ok(initial) = line::decode_initial(first) {
            let mut again = Vec::new();
            line::encode(&initial, &mut again);
            assert!(first == b"=" || again == first);
        }
        if let Step::Challenge(exchange) = Exchange::start(mechanism, Some(first)) {
            let _ = exchange.respond(second);
        }
        let Ok(login) = str::from_utf8(first) else { continue };
        let password = Secret::new(second);
        let Ok(mut client) = ClientExchange::new(mechanism, login, &password) else { continue };
        let mut step = Exchange::start(mechanism, None);
        while let Step::Challenge(exchange) = step {
            step = exchange.respond(&client.respond().expect("a client answers what its mechanism asks"));
        }
        match step {
            Step::Done(claim) => assert!(claim.login() == login && claim.verify_secret(&password)),
            _ => assert!(login.chars().any(char::is_control)),
        }
    }
}
