//! `[replies]`: the operator's words.

use daemon_kit::config::{Config, ReplyEvent};

use crate::config::{check_faults, with};
use crate::world::World;

const LISTENER: &str = "protocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n";

fn file(replies: &str) -> String {
    with(&format!("{LISTENER}[replies]\n{replies}"))
}

#[test]
fn k_07_texts_by_event_and_language_with_an_address_behind() {
    let world = World::new();
    let text = file(
        "auth_missing = { url = \"https://example.jp/help\" }\n\
         [replies.unknown_user]\nen = \"Nobody\\nhere\"\nja = \"宛先がありません\"\n",
    );
    let replies = Config::parse(&text, world.path("yubin.toml")).unwrap().replies;
    let events: Vec<_> = replies.iter().map(|(event, _)| event.name()).collect();
    assert_eq!(events, ["auth_missing", "unknown_user"]);
    let at = |event| replies.at(event).unwrap();
    assert_eq!(at(ReplyEvent::AuthMissing).english("Log in"), "Log in, see https://example.jp/help");
    assert_eq!(at(ReplyEvent::UnknownUser).english("No such user"), "Nobody\nhere");
    assert_eq!(at(ReplyEvent::UnknownUser).japanese(None).as_deref(), Some("宛先がありません"));
    assert_eq!(replies.at(ReplyEvent::AuthFailed), None);
}

#[test]
fn every_fault_of_a_text_is_told_with_what_to_write() {
    let names: Vec<_> = ReplyEvent::ALL.iter().map(|event| event.name()).collect();
    let text = "a text in quotes, of 1 to 400 octets, that does not begin with a bracket; \\n parts lines";
    let page = "an address such as \"https://example.jp/help\", of at most 250 octets";
    let long = "x".repeat(230);
    check_faults(
        &file(&format!(
            "surprise = {{ en = \"x\" }}\n\
             unknown_users = {{ en = \"x\" }}\n\
             auth_failed = \"no\"\n\
             relay_denied = {{ }}\n\
             login_delay = {{ en = \"郵便\" }}\n\
             mailbox_full = {{ en = \"[IN-USE] x\", ja = \"a\\tb\" }}\n\
             message_too_big = {{ url = \"example.jp/help\", text = \"x\" }}\n\
             tls_missing = {{ en = \"{long}\", url = \"https://{long}\" }}\n"
        )),
        &[
            &format!(
                "yubin.toml:11:1: unknown key `surprise` in [replies]; write: one of {}",
                names.join(", ")
            ),
            "yubin.toml:12:1: unknown key `unknown_users` in [replies]; write: unknown_user",
            "yubin.toml:13:1: `auth_failed` is a text, not a section; write: [auth_failed]",
            "yubin.toml:14:1: nothing is said here; write: url = \"https://example.jp/help\", or en = \"…\", or ja = \"…\"",
            "yubin.toml:15:22: this goes to clients that have not asked for UTF-8; write: ASCII here, and other characters in ja = \"…\"",
            &format!("yubin.toml:16:23: this is no text for clients; write: {text}"),
            &format!("yubin.toml:16:42: this is no text for clients; write: {text}"),
            &format!("yubin.toml:17:27: this is no address of a page; write: {page}"),
            "yubin.toml:17:46: unknown key `text` in [message_too_big]; write: one of en, ja, url",
            "yubin.toml:18:1: with the address behind it, the text has 474 octets; write: at most 400 of them",
        ],
    );
}

#[test]
fn a_text_that_stands_in_two_places_is_a_fault() {
    let text =
        file("account_suspended = { en = \"Call us\" }\nservice_unregistered = { en = \"Call us\" }\n");
    let accounts = "accounts = { database = \"sqlite:a\", suspended_text = \"x\" }";
    check_faults(
        &text.replace("accounts = { database = \"sqlite:a\" }", accounts),
        &[
            "yubin.toml:11:1: `account_suspended` is said by suspended_text in [accounts], too; write: one of the two (remove the other)",
        ],
    );
}
