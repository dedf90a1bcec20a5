//! The list of a mailbox: which message lies there under which name.
//!
//! `<hash> <octets> new|cur <file name>` LF for each, in the order of names; what could spoil a line stands as `%` and two digits.

use std::collections::HashMap;
use std::fmt::Write as _;

use mailstore::Filed;

use super::place::Hash;

/// A message in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) hash: Hash,
    pub(super) octets: u64,
    pub(super) filed: Filed,
}

/// All messages of a mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) entries: Vec<Entry>,
}

impl List {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut text = String::new();
        for Entry { hash, octets, filed } in &self.entries {
            let place = if filed.is_seen() { "cur" } else { "new" };
            let _ = write!(text, "{} {octets} {place} ", hash.as_str());
            for &octet in filed.name() {
                match octet {
                    b'%' | 0..=b' ' | 127.. => drop(write!(text, "%{octet:02X}")),
                    octet => text.push(char::from(octet)),
                }
            }
            text.push('\n');
        }
        text.into_bytes()
    }

    pub(super) fn decode(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        if !text.is_empty() && !text.ends_with('\n') {
            return None;
        }
        let entries = text.lines().map(|line| {
            let mut words = line.split(' ');
            let (hash, octets) = (Hash::parse(words.next()?)?, words.next()?.parse().ok()?);
            let seen = match words.next()? {
                "cur" => true,
                "new" => false,
                _ => return None,
            };
            let filed = Filed::new(unescape(words.next()?)?, seen)?;
            words.next().is_none().then_some(Entry { hash, octets, filed })
        });
        Some(Self { entries: entries.collect::<Option<_>>()? })
    }

    /// What is known of each message; a name that two had is known of none.
    pub(super) fn by_unique(&self) -> HashMap<&[u8], Option<&Entry>> {
        let mut known = HashMap::with_capacity(self.entries.len());
        for entry in &self.entries {
            known.entry(entry.filed.unique()).and_modify(|known| *known = None).or_insert(Some(entry));
        }
        known
    }

    pub(super) fn octets(&self) -> u64 {
        self.entries.iter().map(|entry| entry.octets).sum()
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            octet => octet,
        });
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_back_whatever_its_names_are() {
        let hash = Hash::parse(&"0a".repeat(32)).unwrap();
        let entry = |name: &[u8], seen| Entry {
            hash: hash.clone(),
            octets: 7,
            filed: Filed::new(name.into(), seen).unwrap(),
        };
        let list = List { entries: vec![entry(b"1.M2.mx,S=7:2,S", true), entry(b"a b%\n\xff", false)] };
        let text = list.encode();
        assert_eq!(List::decode(&text), Some(list.clone()));
        for cut in 1..text.len() {
            assert_ne!(List::decode(&text[..cut]), Some(list.clone()));
        }
        assert_eq!(List::decode(b""), Some(List::default()));
        for broken in ["x 7 new a", "7 new a\n", "%", "../x"] {
            let line = format!("{} 7 new {broken}\n", hash.as_str());
            assert_eq!(List::decode(line.as_bytes()), None, "{broken}");
        }
        assert!(Filed::new(b"../x".to_vec(), true).is_none());
    }

    #[test]
    fn a_name_that_two_had_is_known_of_none() {
        let filed = |name: &str| Filed::new(name.into(), false).unwrap();
        let entry =
            |name| Entry { hash: Hash::parse(&"00".repeat(32)).unwrap(), octets: 1, filed: filed(name) };
        let list = List { entries: vec![entry("1.a,S=1"), entry("1.a,S=2"), entry("2.a")] };
        assert_eq!(list.by_unique()[&b"1.a"[..]], None);
        assert_eq!(list.by_unique()[&b"2.a"[..]], Some(&list.entries[2]));
    }
}
