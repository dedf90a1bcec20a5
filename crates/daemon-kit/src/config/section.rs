//! A strict, typed reader over one TOML table: keys are taken by name and type, faults are gathered, and what nobody took is an
//! unknown key.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Collector, Wrong};
use super::value::{Scalar, kind_of, nearest};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// What became of a key.
pub(crate) enum Read<T> {
    /// It is not in the file.
    Absent,
    /// It is there, and right.
    Given(At<T>),
    /// It is there, and wrong; the fault is reported.
    Faulty,
}

impl<T> Read<T> {
    /// The value, where it is given and right.
    pub(crate) fn given(self) -> Option<At<T>> {
        match self {
            Self::Given(at) => Some(at),
            Self::Absent | Self::Faulty => None,
        }
    }

    /// Where the value stands.
    pub(crate) fn span(&self) -> Option<&Range<usize>> {
        match self {
            Self::Given(at) => Some(&at.span),
            Self::Absent | Self::Faulty => None,
        }
    }

    /// The value or the default. A faulty value gives the default too: the file is refused anyway.
    pub(crate) fn or(self, default: T) -> T {
        self.given().map_or(default, |at| at.value)
    }
}

/// Where a key stands, and its value.
type Entry<'t> = (Range<usize>, Spanned<DeValue<'t>>);

/// One table of the file.
pub(crate) struct Section<'t> {
    title: String,
    span: Range<usize>,
    left: RefCell<BTreeMap<String, Entry<'t>>>,
    asked: RefCell<Vec<&'static str>>,
    faults: &'t Collector<'t>,
}

impl<'t> Section<'t> {
    /// The whole file.
    pub(crate) fn root(table: DeTable<'t>, faults: &'t Collector<'t>) -> Self {
        Self::new(String::from("the file"), 0..0, table, faults)
    }

    fn new(title: String, span: Range<usize>, table: DeTable<'t>, faults: &'t Collector<'t>) -> Self {
        let entry = |(key, value): (Spanned<_>, _)| {
            let span = key.span();
            (std::borrow::Cow::into_owned(key.into_inner()), (span, value))
        };
        let left = RefCell::new(table.into_iter().map(entry).collect());
        Self { title, span, left, asked: RefCell::default(), faults }
    }

    /// Where its heading stands.
    pub(crate) fn span(&self) -> &Range<usize> {
        &self.span
    }

    pub(crate) fn faults(&self) -> &'t Collector<'t> {
        self.faults
    }

    pub(crate) fn report(&self, span: &Range<usize>, wrong: Wrong) {
        self.faults.report(span, wrong);
    }

    fn take(&self, key: &'static str) -> Option<Entry<'t>> {
        self.asked.borrow_mut().push(key);
        self.left.borrow_mut().remove(key)
    }

    /// The value of a key that may be missing.
    pub(crate) fn optional<T: Scalar>(&self, key: &'static str) -> Read<T> {
        match self.take(key) {
            None => Read::Absent,
            Some((_, value)) => self.scalar(&value).map_or(Read::Faulty, Read::Given),
        }
    }

    /// The value of a key that must be there; none means that a fault is reported.
    pub(crate) fn required<T: Scalar>(&self, key: &'static str, example: &str) -> Option<At<T>> {
        match self.optional(key) {
            Read::Given(at) => Some(at),
            Read::Faulty => None,
            Read::Absent => {
                self.report_missing(key, example);
                None
            }
        }
    }

    pub(crate) fn report_missing(&self, key: &str, example: &str) {
        let what = format!("{} has no `{key}`", self.title);
        self.faults.report_absence(&self.span, Wrong::new(what, format!("{key} = {example}")));
    }

    /// A list of values, or a single one.
    pub(crate) fn list<T: Scalar>(&self, key: &'static str) -> Read<Vec<At<T>>> {
        self.take(key).map_or(Read::Absent, |(_, value)| self.list_of(value))
    }

    fn list_of<T: Scalar>(&self, value: Spanned<DeValue<'t>>) -> Read<Vec<At<T>>> {
        let span = value.span();
        let items = match value.into_inner() {
            DeValue::Array(items) => {
                // Every item is read before the first fault counts, so that all are told.
                let items: Vec<_> = items.into_iter().map(|item| self.scalar(&item)).collect();
                items.into_iter().collect()
            }
            single => self.scalar(&Spanned::new(span.clone(), single)).map(|at| vec![at]),
        };
        items.map_or(Read::Faulty, |value| Read::Given(At { value, span }))
    }

    /// Every key with its list of values, or single one, where the keys are the operator's own words; faulty values are reported and left
    /// out.
    pub(crate) fn lists<T: Scalar>(self) -> Vec<(At<String>, Vec<At<T>>)> {
        let entries = self.left.take();
        let read = |(key, (span, value)): (String, Entry<'t>)| {
            let whole = value.span();
            let items = match value.into_inner() {
                DeValue::Array(items) => items.into_iter().collect(),
                single => vec![Spanned::new(whole, single)],
            };
            (At { value: key, span }, items.iter().filter_map(|item| self.scalar(item)).collect())
        };
        entries.into_iter().map(read).collect()
    }

    fn scalar<T: Scalar>(&self, value: &Spanned<DeValue<'_>>) -> Option<At<T>> {
        match T::read(value.get_ref()) {
            Ok(read) => Some(At { value: read, span: value.span() }),
            Err(wrong) => {
                self.report(&value.span(), wrong);
                None
            }
        }
    }

    /// The table `[key]`.
    pub(crate) fn table(&self, key: &'static str) -> Read<Section<'t>> {
        let Some((heading, value)) = self.take(key) else { return Read::Absent };
        let title = format!("[{key}]");
        match value.into_inner() {
            DeValue::Table(table) => Read::Given(At {
                value: Self::new(title, heading.clone(), table, self.faults),
                span: heading,
            }),
            other => {
                self.report(
                    &heading,
                    Wrong::new(format!("`{key}` is {}, not a section", kind_of(&other)), title),
                );
                Read::Faulty
            }
        }
    }

    /// The tables `[[key]]`.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Section<'t>> {
        let Some((heading, value)) = self.take(key) else { return Vec::new() };
        let title = format!("[[{key}]]");
        let refuse = |span: &Range<usize>, kind: &str| {
            self.report(
                span,
                Wrong::new(format!("`{key}` is {kind}, not a list of sections"), title.clone()),
            );
        };
        let items = match value.into_inner() {
            DeValue::Array(items) => items,
            other => {
                let kind =
                    if matches!(other, DeValue::Table(_)) { "a single section" } else { kind_of(&other) };
                refuse(&heading, kind);
                return Vec::new();
            }
        };
        let mut sections = Vec::new();
        for item in items {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(table) => sections.push(Self::new(title.clone(), span, table, self.faults)),
                other => refuse(&span, kind_of(&other)),
            }
        }
        sections
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(self) {
        let asked = self.asked.into_inner();
        for (key, (span, _)) in self.left.into_inner() {
            let what = format!("unknown key `{}` in {}", key.escape_debug(), self.title);
            self.faults.report(&span, Wrong::new(what, nearest(&key, &asked)));
        }
    }
}
