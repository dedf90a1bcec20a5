//! `[store]`: where mail is.

use std::path::{Component, Path, PathBuf};

use super::fault::Wrong;
use super::section::Section;
use super::value::{Count, Size};
use crate::limits;

/// `[store]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The directory with one Maildir an account.
    pub maildirs: PathBuf,
    /// The directory of the queue; neither lies in the other.
    pub queue: PathBuf,
    /// Octets that stay free on the disks of both.
    pub reserve_space: u64,
    /// Inodes that stay free there.
    pub reserve_inodes: u64,
}

pub(super) fn store(section: Section<'_>, base: &Path) -> Option<Store> {
    let maildirs = section.required::<String>("maildirs", "\"mail\"");
    let queue = section.required::<String>("queue", "\"queue\"");
    let space = section.optional::<Size>("reserve_space").given().map(|at| at.value.0.map_or(0, u64::from));
    let inodes =
        section.optional::<Count>("reserve_inodes").given().map(|at| at.value.0.map_or(0, u64::from));
    let (maildirs, queue) = maildirs.zip(queue).map_or((None, None), |(maildirs, queue)| {
        let (maildirs, queue_at) = (base.join(maildirs.value), queue.span);
        let queue = base.join(queue.value);
        if let Some(wrong) = one_in_the_other(&maildirs, &queue) {
            section.report(&queue_at, wrong);
        }
        (Some(maildirs), Some(queue))
    });
    section.finish();
    Some(Store {
        maildirs: maildirs?,
        queue: queue?,
        reserve_space: space.unwrap_or(limits::RESERVE_SPACE),
        reserve_inodes: inodes.unwrap_or(limits::RESERVE_INODES),
    })
}

/// A mailbox could have the queue's name, and what belongs to the one would be swept, listed and backed up with the other.
fn one_in_the_other(maildirs: &Path, queue: &Path) -> Option<Wrong> {
    let (maildirs, queue) = (plain(maildirs), plain(queue));
    let what = if maildirs == queue {
        "the queue is the directory of the Maildirs"
    } else if queue.starts_with(&maildirs) {
        "the queue lies in the directory of the Maildirs"
    } else if maildirs.starts_with(&queue) {
        "the directory of the Maildirs lies in the queue"
    } else {
        return None;
    };
    Some(Wrong::new(what, "a directory beside the other, such as \"queue\" beside \"mail\""))
}

/// The same path without `.` and `..`, as far as the text tells; the directories need not be there.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
