//! What the maildrops of those who came lately hold: who polls finds his as he left it, for two looks at directories.
//!
//! A time stamp is not trusted within its granularity: a directory that changed a moment ago may change again and look the same. So a
//! listing is kept only if both directories had been at rest for a while before it was made, and looked the same behind it; whatever
//! changes them later gets a later time. (Where the clock of a file server is not ours, "a while" may be none: that is why a listing
//! is not kept for ever.)

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::error::Error;
use crate::files::Stat;
use crate::listing::Listing;
use crate::maildir::Maildir;
use crate::scan::{Place, TIME_STAMP_GRAIN};

/// After this time a maildrop is listed again, whatever its directories say, and its `tmp/` is swept.
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);

/// Octets of all listings that are kept: 100 000 maildrops of some messages, or 50 of 100 000.
const OCTETS: usize = 64 << 20;

/// What one costs besides its rows: its path, its place in the table.
const ENTRY: usize = 512;

/// Listings of maildrops, by their path. Cheap to clone; clones are one and the same.
#[derive(Clone, Default)]
pub struct Listings(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    kept: HashMap<PathBuf, Kept>,
    octets: usize,
}

struct Kept {
    shape: Shape,
    since: Instant,
    listing: Arc<Listing>,
}

/// What the directories of a maildrop are without a look into them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape([Stat; 2]);

impl Shape {
    pub(crate) fn of(maildir: &Maildir) -> Result<Shape, Error> {
        let look = |place: Place| {
            let dir = place.dir(maildir);
            maildir.files.stat(&dir).map_err(|error| maildir.missing_or(error, "look at", &dir))
        };
        let [new, cur] = Place::ALL.map(look);
        Ok(Shape([new?, cur?]))
    }

    /// Whether what changes a directory at `now` or later is sure to show.
    fn was_at_rest(&self, now: SystemTime) -> bool {
        let Shape(places) = self;
        // A time stamp of the content can be set to any time; the other cannot.
        let latest = |stat: &Stat| stat.modified.max(stat.changed);
        places.iter().all(|stat| now.duration_since(latest(stat)).is_ok_and(|age| age > TIME_STAMP_GRAIN))
    }
}

impl Listings {
    /// Whether there is a listing of at most so many messages, which may hold or not.
    pub(crate) fn knows(&self, maildir: &Maildir, most: usize) -> bool {
        self.inner().kept.get(maildir.path()).is_some_and(|kept| kept.listing.len() <= most)
    }

    /// The listing of a maildrop of this shape, if it is known.
    pub(crate) fn find(&self, maildir: &Maildir, shape: Shape) -> Option<Arc<Listing>> {
        let inner = self.inner();
        let kept = inner.kept.get(maildir.path())?;
        (kept.shape == shape && kept.since.elapsed() < KEPT_FOR).then(|| kept.listing.clone())
    }

    /// Keeps a listing that was begun at `begun`, when the maildrop had the shape `before`.
    pub(crate) fn keep(&self, maildir: &Maildir, before: Shape, begun: SystemTime, listing: &Arc<Listing>) {
        if !before.was_at_rest(begun) || Shape::of(maildir).ok() != Some(before) {
            return;
        }
        let octets = ENTRY + listing.size();
        let mut inner = self.inner();
        if inner.octets + octets > OCTETS {
            // Each is made anew when it is next wanted.
            *inner = Inner::default();
        }
        let kept = Kept { shape: before, since: Instant::now(), listing: listing.clone() };
        let replaced = inner.kept.insert(maildir.path().to_owned(), kept);
        inner.octets += octets;
        inner.octets -= replaced.map_or(0, |kept| ENTRY + kept.listing.size());
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Listings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listings").field("octets", &self.inner().octets).finish_non_exhaustive()
    }
}
