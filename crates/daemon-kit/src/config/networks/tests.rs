use std::path::Path;

use super::*;
use crate::config::Config;

fn config(networks: &str) -> Result<Config, String> {
    let text = format!(
        "hostname = \"mx\"\nstore = {{ maildirs = \"mail\", queue = \"queue\" }}\n\
         accounts = {{ database = \"sqlite:x\" }}\n[networks]\n{networks}\n\
         [[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n"
    );
    Config::parse(&text, Path::new("yubin.toml")).map_err(|faults| faults.to_string())
}

fn networks(text: &str) -> Networks {
    config(text).unwrap().networks
}

#[test]
fn n_01_classes_include_and_exclude_and_the_longest_prefix_decides() {
    let networks = networks(
        "wimax = [\"10.8.0.0/13\", \"!10.9.1.0/24\"]\n\
         inside = [\"10.0.0.0/8\", \"2001:db8::/32\", \"!wimax\", \"10.15.255.7\"]\n",
    );
    for (address, inside) in [
        ("10.1.2.3", true),
        ("10.8.0.1", false),
        ("10.15.255.255", false),
        ("10.15.255.7", true),
        ("10.9.1.1", true),
        ("10.16.0.1", true),
        ("192.0.2.1", false),
        ("2001:db8::1", true),
        ("2001:db9::1", false),
        ("::ffff:10.1.2.3", true),
        ("::ffff:10.8.0.1", false),
    ] {
        assert_eq!(networks.contains(INSIDE, address.parse().unwrap()), inside, "{address}");
    }
    let of = |address: &str| networks.classes_of(address.parse().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("10.1.2.3"), [("inside", 8)]);
    assert_eq!(of("10.8.0.1"), [("wimax", 13)]);
    assert_eq!(of("10.15.255.7"), [("inside", 32), ("wimax", 13)]);
    assert!(!networks.contains("nobody", "10.1.2.3".parse().unwrap()));
}

#[test]
fn of_two_prefixes_of_one_length_the_excluding_one_decides() {
    for entries in ["\"10.0.0.0/8\", \"!10.0.0.0/8\"", "\"!10.0.0.0/8\", \"10.0.0.0/8\""] {
        assert!(!networks(&format!("inside = [{entries}]")).contains(INSIDE, "10.0.0.1".parse().unwrap()));
    }
}

#[test]
fn every_fault_of_a_list_is_told_at_once() {
    let told = config("inside = [\"10.0.0.0/33\", \"foo\", \"!nope\"]\nbarred = [\"inside\"]").unwrap_err();
    for (place, what) in
        [("5:11:", "10.0.0.0/33"), ("5:26:", "no class \"foo\""), ("5:33:", "no class \"nope\"")]
    {
        let lines = told.lines().filter(|line| line.contains(place) && line.contains(what));
        assert_eq!(lines.count(), 1, "{what}:\n{told}");
    }
}

#[test]
fn faults_name_the_place_and_what_to_write() {
    for (text, wanted) in [
        (
            "inside = [\"10.0.0.1/8\"]",
            "5:11: \"10.0.0.1/8\" has more bits than its prefix; write: \"10.0.0.0/8\"",
        ),
        ("inside = [\"0.0.0.0/0\"]", "5:11: a class of everybody is no class"),
        ("inside = [\"::/0\"]", "5:11: a class of everybody is no class"),
        (
            "inside = [\"0.0.0.0/1\", \"!10.0.0.0/8\", \"128.0.0.0/2\", \"192.0.0.0/2\"]",
            "5:11: together these are 0.0.0.0/0: a class of everybody is no class",
        ),
        (
            "inside = [\"wimx\"]\nwimax = \"10.8.0.0/13\"",
            "5:11: there is no class \"wimx\" in [networks]; write: wimax",
        ),
        ("a = [\"b\"]\nb = [\"!a\"]", "6:6: the class \"a\" is made of itself"),
        ("a = [\"a\"]", "5:6: the class \"a\" is made of itself"),
        ("\"Inside\" = [\"10.0.0.0/8\"]", "5:1: `Inside` is no name for a class"),
        ("inside = [\"10.0.0\"]", "5:11: \"10.0.0\" is not a network"),
        ("inside = [7]", "5:11: a whole number cannot stand here"),
    ] {
        let told = config(text).unwrap_err();
        assert!(told.contains(wanted), "{text}:\n{told}");
    }
}
