//! The unique ids of other POP3 servers, from the files that they keep beside the messages.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::error::{During, Error};

/// By file name: up to `:` for Courier, up to `:` or `,` for Dovecot.
#[derive(Debug, Default)]
pub(super) struct UniqueIds {
    ids: HashMap<Vec<u8>, String>,
}

impl UniqueIds {
    /// Reads what there is: Dovecot's list, else Courier's, else nothing.
    pub(super) fn of(source: &Path, format: &str) -> Result<UniqueIds, Error> {
        if let Some(text) = read(&source.join("dovecot-uidlist"))? {
            return Ok(dovecot(&text, format));
        }
        Ok(read(&source.join("courierpop3dsizelist"))?.map_or_else(UniqueIds::default, |text| courier(&text)))
    }

    /// `None` for a message that its server had not listed yet: then its name is its id.
    pub(super) fn id_of(&self, file_name: &[u8]) -> Option<String> {
        let name = base(file_name);
        self.ids.get(name).or_else(|| self.ids.get(before_comma(name))).cloned()
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        text => text.during("read", path).map(Some),
    }
}

fn base(name: &[u8]) -> &[u8] {
    name.split(|&b| b == b':').next().unwrap_or_default()
}

fn before_comma(name: &[u8]) -> &[u8] {
    name.split(|&b| b == b',').next().unwrap_or_default()
}

/// `3 V<validity> N<next> G<guid>`, then `<uid> [P<pop3 id>] [W<size>] … :<file name>` (Dovecot, maildir-uidlist version 3).
fn dovecot(text: &[u8], format: &str) -> UniqueIds {
    let mut lines = text.split(|&b| b == b'\n');
    let header = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let validity =
        header.split(' ').find_map(|word| word.strip_prefix('V')?.parse::<u32>().ok()).unwrap_or(0);
    let mut ids = HashMap::new();
    for line in lines {
        let Some(at) = line.windows(2).position(|pair| pair == b" :") else { continue };
        let (fields, name) = (line.get(..at).unwrap_or_default(), line.get(at + 2..).unwrap_or_default());
        let fields = String::from_utf8_lossy(fields).into_owned();
        let mut fields = fields.split(' ');
        let Some(uid) = fields.next().and_then(|uid| uid.parse::<u32>().ok()) else { continue };
        let given = fields.find_map(|field| field.strip_prefix('P').map(str::to_owned));
        let key = before_comma(base(name));
        let id = given.or_else(|| expand(format, uid, validity, &String::from_utf8_lossy(key)));
        if let Some(id) = id {
            ids.insert(key.to_vec(), id);
        }
    }
    UniqueIds { ids }
}

/// Dovecot up to 2.3: `%[0<width>][X]<variable>` with u (uid), v (validity) and f or g (file name); X for hexadecimal.
/// From 2.4 on: `%{uid}`, `%{uidvalidity}`, `%{filename}`, `%{guid}`, and numbers `| hex(<width>)`. `None` for anything else.
fn expand(format: &str, uid: u32, validity: u32, name: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        if rest.next_if_eq(&'{').is_some() {
            let inside: String = rest.by_ref().take_while(|&c| c != '}').collect();
            text += &expand_braces(&inside, uid, validity, name)?;
            continue;
        }
        let mut width = String::new();
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            width.push(digit);
        }
        let (zeros, width) = (width.starts_with('0'), width.parse::<usize>().unwrap_or(0));
        let hexadecimal = rest.next_if_eq(&'X').is_some();
        let value = match (rest.next()?, hexadecimal) {
            ('u', false) => uid.to_string(),
            ('u', true) => format!("{uid:x}"),
            ('v', false) => validity.to_string(),
            ('v', true) => format!("{validity:x}"),
            ('f' | 'g', false) => name.to_owned(),
            ('%', false) => "%".to_owned(),
            _ => return None,
        };
        text += &if zeros { format!("{value:0>width$}") } else { value };
    }
    Some(text)
}

fn expand_braces(inside: &str, uid: u32, validity: u32, name: &str) -> Option<String> {
    let (variable, filter) =
        inside.split_once('|').map_or((inside, None), |(name, filter)| (name, Some(filter.trim())));
    let number = match variable.trim() {
        "uid" => uid,
        "uidvalidity" => validity,
        "filename" | "guid" if filter.is_none() => return Some(name.to_owned()),
        _ => return None,
    };
    let Some(filter) = filter else { return Some(number.to_string()) };
    let width = filter.strip_prefix("hex")?;
    let width = match width {
        "" => 0,
        width => {
            width.strip_prefix('(')?.strip_suffix(')')?.trim().parse().ok().filter(|width| *width <= 20)?
        }
    };
    Some(format!("{number:0>width$x}"))
}

/// `/2 …` or `/3 …`, then `<file name> <size> <uid>:<validity>[:<kind>]`; the id is `UID<uid>-<validity>`, without
/// what is 0; the name where the uid is (Courier).
fn courier(text: &[u8]) -> UniqueIds {
    let mut lines = text.split(|&b| b == b'\n');
    let header = lines.next().unwrap_or_default();
    if ![b"/2 ", b"/3 "].iter().any(|version| header.starts_with(*version)) {
        return UniqueIds::default();
    }
    let mut ids = HashMap::new();
    for line in lines {
        let mut words = line.rsplitn(3, |&b| b == b' ');
        let (Some(uid), Some(_size), Some(name)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let uid = String::from_utf8_lossy(uid);
        let Some((uid, validity)) = uid.split_once(':') else { continue };
        let validity = validity.split(':').next().unwrap_or_default();
        let name = base(name);
        let id = match (uid, validity) {
            ("0", _) => couriers_name(name),
            (uid, "0") => format!("UID{uid}"),
            (uid, validity) => format!("UID{uid}-{validity}"),
        };
        ids.insert(name.to_vec(), id);
    }
    UniqueIds { ids }
}

/// A name as its oldest version shows it: what could not be an id, and three characters more, as `+` and two digits.
fn couriers_name(name: &[u8]) -> String {
    let mut id = String::new();
    for &byte in name {
        match byte {
            b'\'' | b'"' | b'+' => id += &format!("+{byte:02X}"),
            byte if byte.is_ascii_graphic() => id.push(char::from(byte)),
            byte => id += &format!("+{byte:02X}"),
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dovecots_ids_are_made_by_its_format() {
        let list = b"3 V1795315646 N4 G0123456789abcdef\n1 :1.M1P1.mx,S=10,W=12\n2 W12 Pold-id :2.M1P1.mx\n3 G1 :3.M1P1.mx:2,S\nx :y\n";
        let ids = |format: &str| {
            let ids = dovecot(list, format);
            ["1.M1P1.mx,S=10,W=12:2,S", "2.M1P1.mx", "3.M1P1.mx,S=1", "4.M1P1.mx"]
                .map(|name| ids.id_of(name.as_bytes()).unwrap_or_default())
        };
        assert_eq!(ids("%08Xu%08Xv"), ["000000016b0257be", "old-id", "000000036b0257be", ""]);
        assert_eq!(ids("%{uid | hex(8)}%{uidvalidity | hex(8)}"), ids("%08Xu%08Xv"), "Dovecot 2.4");
        assert_eq!(ids("%{uidvalidity}.%{uid}"), ids("%v.%u"));
        assert_eq!(ids("%{filename}"), ids("%f"));
        assert_eq!(ids("%{uid | md5}")[0], "");
        assert_eq!(ids("%v.%u"), ["1795315646.1", "old-id", "1795315646.3", ""]);
        assert_eq!(ids("%f"), ["1.M1P1.mx", "old-id", "3.M1P1.mx", ""]);
        assert_eq!(ids("%m"), ["", "old-id", "", ""], "a digest of the header is not made");
    }

    #[test]
    fn couriers_ids_are_numbers_or_names() {
        let ids =
            courier(b"/3 9 1234\n1.M1P1.mx,S=10 12 8:1234:0\n2.M+1P1.mx,S=10 12 0:1234\n3.mx 1 7:0\ntorn\n");
        assert_eq!(ids.id_of(b"1.M1P1.mx,S=10:2,S").as_deref(), Some("UID8-1234"));
        assert_eq!(ids.id_of(b"2.M+1P1.mx,S=10").as_deref(), Some("2.M+2B1P1.mx,S=10"));
        assert_eq!(ids.id_of(b"3.mx:2,").as_deref(), Some("UID7"));
        assert!(courier(b"/1 9\n1.M1P1.mx 12\n").ids.is_empty());
    }
}
