//! `[networks]`: classes of clients, by their addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use ipnet::IpNet;
use toml::de::DeValue;

use super::fault::Wrong;
use super::section::{At, Section};
use super::value::{Scalar, nearest};

/// The class whose members may relay where a listener's `relay` has `"inside"`.
pub const INSIDE: &str = "inside";

/// Classes by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(BTreeMap<String, Arc<Class>>);

/// Which addresses belong to a class.
#[derive(Debug, Default, PartialEq, Eq)]
struct Class(Vec<Rule>);

#[derive(Debug, PartialEq, Eq)]
struct Rule {
    excluded: bool,
    of: Members,
}

#[derive(Debug, PartialEq, Eq)]
enum Members {
    Prefix(IpNet),
    Class(Arc<Class>),
}

impl Networks {
    /// Whether there is such a class.
    pub fn has(&self, class: &str) -> bool {
        self.0.contains_key(class)
    }

    /// Whether the address belongs to the class. The longest prefix decides; of two of one length, the excluding one.
    pub fn contains(&self, class: &str, address: IpAddr) -> bool {
        self.0.get(class).is_some_and(|class| class.decided_by(address.to_canonical()).is_some())
    }

    /// The classes that the address belongs to, in alphabetical order, and the length of the prefix that decided.
    pub fn classes_of(&self, address: IpAddr) -> impl Iterator<Item = (&str, u8)> {
        let address = address.to_canonical();
        self.0.iter().filter_map(move |(name, class)| Some((name.as_str(), class.decided_by(address)?)))
    }
}

impl Class {
    /// The length of the prefix that makes the address a member, if one does.
    fn decided_by(&self, address: IpAddr) -> Option<u8> {
        let matched = self.0.iter().filter_map(|rule| Some((rule.of.matched(address)?, rule.excluded)));
        matched.max().and_then(|(length, excluded)| (!excluded).then_some(length))
    }
}

impl Members {
    fn matched(&self, address: IpAddr) -> Option<u8> {
        match self {
            Self::Prefix(prefix) => prefix.contains(&address).then(|| prefix.prefix_len()),
            Self::Class(class) => class.decided_by(address),
        }
    }
}

/// One entry of a class, as written: `"10.0.0.0/8"`, `"!10.9.0.0/16"`, `"dial-up"`, `"!wimax"`.
#[derive(Clone, Debug)]
struct Entry {
    excluded: bool,
    of: Named,
}

#[derive(Clone, Debug)]
enum Named {
    Prefix(IpNet),
    Class(String),
}

impl Scalar for Entry {
    const EXAMPLE: &'static str =
        "a network such as \"10.0.0.0/8\", or the name of a class; with \"!\" before it, to leave it out";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let given = String::read(value)?;
        let (excluded, given) = match given.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, given.as_str()),
        };
        if is_class_name(given) {
            return Ok(Self { excluded, of: Named::Class(given.to_owned()) });
        }
        let prefix = IpNet::read(&DeValue::String(given.into()))?;
        if prefix.prefix_len() == 0 && !excluded {
            return Err(Wrong::new("a class of everybody is no class", "the networks that are meant"));
        }
        Ok(Self { excluded, of: Named::Prefix(prefix) })
    }
}

/// Begins with a letter and is no address: `fd00::` is one, `fd00` is none.
fn is_class_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

type Written = BTreeMap<String, Vec<At<Entry>>>;

/// None means that a fault was reported.
pub(super) fn read(section: Section<'_>) -> Option<Networks> {
    let faults = section.faults();
    let before = faults.count();
    let mut written = Written::new();
    for (name, entries) in section.lists::<Entry>() {
        if !is_class_name(&name.value) {
            let what = format!("`{}` is no name for a class", name.value.escape_debug());
            faults.report(&name.span, Wrong::new(what, "small letters, digits, - and _, a letter first"));
        }
        written.insert(name.value, entries);
    }
    let mut networks = Networks::default();
    let mut resolving =
        Resolving { written: &written, done: &mut networks.0, path: Vec::new(), wrong: BTreeMap::new() };
    for name in written.keys() {
        resolving.class(name);
    }
    for (start, (end, wrong)) in resolving.wrong {
        faults.report(&(start..end), wrong);
    }
    (faults.count() == before).then_some(networks)
}

/// Follows the names of classes to their addresses.
struct Resolving<'w> {
    written: &'w Written,
    done: &'w mut BTreeMap<String, Arc<Class>>,
    /// The classes that led here: one of them again would be a circle.
    path: Vec<&'w str>,
    /// What cannot be followed, by where it begins and ends: once, however many classes lead there.
    wrong: BTreeMap<usize, (usize, Wrong)>,
}

impl<'w> Resolving<'w> {
    /// None where something of it cannot be followed, and is told.
    fn class(&mut self, name: &'w str) -> Option<Arc<Class>> {
        if let Some(class) = self.done.get(name) {
            return Some(class.clone());
        }
        self.path.push(name);
        let entries = self.written.get(name).into_iter().flatten();
        // Every entry is followed before the first fault counts, so that all are told.
        let rules: Vec<_> = entries.map(|entry| self.rule(entry)).collect();
        self.path.pop();
        let rules: Vec<_> = rules.into_iter().collect::<Option<_>>()?;
        if let Some(everybody) = everybody(&rules) {
            let span = self.written.get(name).and_then(|entries| entries.first()).map(|entry| &entry.span);
            let what = format!("together these are {everybody}: a class of everybody is no class");
            return self
                .wrong(span.cloned().unwrap_or_default(), Wrong::new(what, "the networks that are meant"));
        }
        let class = Arc::new(Class(rules));
        self.done.insert(name.to_owned(), class.clone());
        Some(class)
    }

    fn rule(&mut self, At { value: Entry { excluded, of }, span }: &'w At<Entry>) -> Option<Rule> {
        let of = match of {
            Named::Prefix(prefix) => Members::Prefix(*prefix),
            Named::Class(other) if self.path.contains(&other.as_str()) => {
                let what = format!("the class \"{other}\" is made of itself");
                return self.wrong(span.clone(), Wrong::new(what, "its networks, or another class"));
            }
            Named::Class(other) if !self.written.contains_key(other) => {
                let known: Vec<_> = self.written.keys().map(String::as_str).collect();
                let what = format!("there is no class \"{other}\" in [networks]");
                return self.wrong(span.clone(), Wrong::new(what, nearest(other, &known)));
            }
            Named::Class(other) => Members::Class(self.class(other)?),
        };
        Some(Rule { excluded: *excluded, of })
    }

    fn wrong<T>(&mut self, span: Range<usize>, wrong: Wrong) -> Option<T> {
        self.wrong.insert(span.start, (span.end, wrong));
        None
    }
}

/// Whether the prefixes of a class add up to all addresses of a family.
fn everybody(rules: &[Rule]) -> Option<IpNet> {
    let included = rules.iter().filter_map(|rule| match (rule.excluded, &rule.of) {
        (false, Members::Prefix(prefix)) => Some(*prefix),
        _ => None,
    });
    IpNet::aggregate(&included.collect()).into_iter().find(|prefix| prefix.prefix_len() == 0)
}

#[cfg(test)]
mod tests;
