//! The kinds of address that a provider gives, and that mail to each of them comes to one maildrop.

use crate::harness::Service;
use crate::harness::site::{AYUMI, Door, KENJI, Site, User};
use crate::harness::smtp::Smtp;

/// Sends to these addresses, one message each, and sees that they came to one customer and to nobody else.
fn arrives(service: &Service, addresses: &[&str], owner: &User, other: &User) {
    for (nth, address) in addresses.iter().enumerate() {
        let message = format!("Subject: {nth}\r\n\r\nHello\r\n");
        service.receive("friend@example.org", &[address], message.as_bytes());
    }
    assert_eq!(service.fetch(owner).len(), addresses.len());
    assert!(service.fetch(other).is_empty());
}

/// Whether the owner may write as each of these, and the other may not.
fn may_write(service: &Service, addresses: &[&str]) {
    for (user, reply) in [(AYUMI, "250"), (KENJI, "553 5.7.1")] {
        let mut smtp = service.smtp(Door::Submissions);
        smtp.hello();
        smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain(&user)), "235");
        for address in addresses {
            smtp.ask(&format!("MAIL FROM:<{address}>"), reply);
            smtp.ask("RSET", "250");
        }
        smtp.quit();
    }
}

fn strict(site: &Site) {
    let required = "auth = \"required\"\n";
    let configuration = Site::configuration();
    assert!(configuration.contains(required));
    let strict = format!("{required}sender_rights = \"reject\"\n");
    site.configure(&configuration.replace(required, &strict));
}

#[test]
fn d_04_the_user_name_and_the_alias_at_the_service_domain() {
    let site = Site::with_users();
    strict(&site);
    let service = Service::serve(site);
    let addresses = ["ab4t-ash@mx.example.jp", "ayumi@mx.example.jp"];
    may_write(&service, &addresses);
    arrives(&service, &addresses, &AYUMI, &KENJI);
}

#[test]
fn d_07_d_08_d_09_d_10_four_kinds_of_address_of_one_account() {
    let site = Site::with_users();
    strict(&site);
    for domain in ["asahinet.example", "my.email.example", "taro.example", "asahi-net.example"] {
        site.yubin(&["domain", "add", domain]);
    }
    let addresses = [
        ("asahitaro@asahinet.example", "alias"),
        ("asahitaro@my.email.example", "personal"),
        ("asahitaro@taro.example", "own"),
        ("ab4t-ash@asahi-net.example", "id"),
    ];
    for (address, kind) in addresses {
        site.yubin(&["address", "add", address, AYUMI.login, "--kind", kind]);
    }
    // A customer's own domain has boxes of other accounts too.
    site.yubin(&["address", "add", "hanako@taro.example", KENJI.login, "--kind", "own"]);
    let service = Service::serve(site);
    let addresses = addresses.map(|(address, _)| address);
    may_write(&service, &addresses);
    arrives(&service, &addresses, &AYUMI, &KENJI);
    service.receive("friend@example.org", &["hanako@taro.example"], b"Subject: x\r\n\r\nHello\r\n");
    assert_eq!(service.fetch(&KENJI).len(), 1);
}
