//! Argon2id in a bounded pool.
//!
//! One verification costs tens of milliseconds of a core and 12 MiB; a flood of logins must find a queue here, not
//! starve the delivery of mail of cores or the machine of memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use argon2::password_hash::{Error as HashError, PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use auth_sasl::Secret;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::cost;
use crate::error::Unavailable;
use crate::foreign::Foreign;
use crate::limits;

/// What an unknown user's password is compared with: a salt and a hash of no password, under the parameters that new
/// hashes get, so that "no such user" takes the same path and the same time as "wrong password".
pub(crate) const DECOY: &str =
    "$argon2id$v=19$m=12288,t=3,p=1$eXViaW4tZGVjb3ktc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A computation, with its way back to who waits for it.
type Job = Box<dyn FnOnce() + Send>;

pub(crate) struct Hasher {
    jobs: mpsc::Sender<Job>,
    /// How long somebody waits for a result.
    patience: Duration,
    computed: Arc<AtomicU64>,
}

impl Hasher {
    /// Half of the cores, at least one. They are threads of their own: on the runtime's many blocking threads the allocator would keep
    /// the memory of a hash for each of them.
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads((cores / 2).max(1), limits::HASH_PATIENCE)
    }

    fn with_threads(threads: usize, patience: Duration) -> Self {
        let (jobs, waiting) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let waiting = Arc::clone(&waiting);
            std::thread::spawn(move || work(&waiting));
        }
        Self { jobs, patience, computed: Arc::default() }
    }

    /// Hashes a new password, with a fresh salt, to a PHC string.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<String, Unavailable> {
        // The computation may outlive the caller, so it gets a copy, wiped like the original.
        let password = password.clone();
        self.run(move || Ok(argon2()?.hash_password(password.expose())?.to_string()))
            .await?
            .map_err(|error: HashError| Unavailable::when("hashing a password")(error.to_string()))
    }

    /// Whether a password is the one behind a PHC string. Without a string the answer is no, at the same cost.
    pub(crate) async fn verify(
        &self,
        password: &Secret,
        stored: Option<String>,
    ) -> Result<bool, Unavailable> {
        let password = password.clone();
        if let Some(stored) = &stored {
            // It may have come before there were bounds, or past them: it is not to keep everybody waiting.
            cost::check(stored).map_err(Unavailable::when("reading a password hash"))?;
        }
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| DECOY.to_owned());
        let outcome = self.run(move || verify(&password, &stored)).await?;
        match outcome {
            Ok(()) => Ok(known),
            Err(HashError::PasswordInvalid) => Ok(false),
            // What is stored is no hash of ours: the machine room's fault, not the client's.
            Err(error) => Err(Unavailable::when("reading a password hash")(error.to_string())),
        }
    }

    /// How many hashes were computed so far.
    pub(crate) fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// Runs one computation when its turn comes. It is run to its end even if nobody waits for it any more: a client that hangs up must
    /// not make room for one more at a time than the pool allows. One that is abandoned before its turn is not begun.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let waiting = "waiting for the password pool";
        let (answer, answered) = oneshot::channel();
        let computed = Arc::clone(&self.computed);
        let job = Box::new(move || {
            if !answer.is_closed() {
                computed.fetch_add(1, Ordering::Relaxed);
                let _ = answer.send(work());
            }
        });
        self.jobs.send(job).map_err(|_| Unavailable::when(waiting)("its threads have ended"))?;
        let Ok(answered) = timeout(self.patience, answered).await else {
            let seconds = self.patience.as_secs();
            return Err(Unavailable::when(waiting)(format!("no result for {seconds} seconds")));
        };
        answered.map_err(Unavailable::when(waiting))
    }
}

/// Until the last hasher is gone.
fn work(waiting: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A panic costs one login, not the thread.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

/// Whether a stored hash is of another program's making, to be replaced by one of ours.
pub(crate) fn is_foreign(stored: &str) -> bool {
    Foreign::parse(stored).is_some()
}

/// A wrong password for a hash of another program's costs what one for a hash of ours costs, and that hash beside it.
fn verify(password: &Secret, stored: &str) -> Result<(), HashError> {
    let stored = match Foreign::parse(stored) {
        Some(foreign) if foreign.is_of(password.expose()) => return Ok(()),
        Some(_) => DECOY,
        None => stored,
    };
    let stored = PasswordHash::new(stored)?;
    argon2()?.verify_password(password.expose(), &stored)
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(limits::ARGON2_MEMORY_KIB, limits::ARGON2_PASSES, limits::ARGON2_LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decoy is worth something only while it costs what a fresh hash costs.
    #[tokio::test]
    async fn the_decoy_has_the_parameters_of_a_fresh_hash() {
        let hasher = Hasher::new();
        let fresh = hasher.hash(&Secret::new("tanuki")).await.unwrap();
        let parameters = |phc: &str| phc.rsplitn(3, '$').nth(2).unwrap().to_owned();
        assert_eq!(parameters(&fresh), parameters(DECOY));
        assert_eq!(fresh.len(), DECOY.len(), "salt and hash are of the same length too");
    }

    #[tokio::test]
    async fn the_decoy_matches_nothing_and_costs_one_computation() {
        let hasher = Hasher::new();
        assert!(!hasher.verify(&Secret::new("tanuki"), None).await.unwrap());
        assert_eq!(hasher.computed(), 1);
    }

    #[tokio::test]
    async fn what_is_no_hash_is_the_machine_rooms_fault() {
        let hasher = Hasher::new();
        for broken in ["", "tanuki", "$argon2id$v=19$m=19456", "$1$abc$def"] {
            assert!(
                hasher.verify(&Secret::new("tanuki"), Some(broken.to_owned())).await.is_err(),
                "{broken}"
            );
        }
    }

    #[tokio::test]
    async fn abandoned_work_is_ended_before_the_next_begins() {
        let hasher = Hasher::with_threads(1, limits::HASH_PATIENCE);
        let order = Arc::new(Mutex::new(Vec::new()));
        let (started, mut has_started) = tokio::sync::mpsc::channel::<()>(1);
        let (release, released) = mpsc::channel::<()>();
        let (first, second) = (Arc::clone(&order), Arc::clone(&order));
        let work = hasher.run(move || {
            started.blocking_send(()).unwrap();
            released.recv().unwrap();
            first.lock().unwrap().push("abandoned");
        });
        tokio::select! {
            _ = work => panic!("it waits for us"),
            _ = has_started.recv() => {}
        }
        let next = hasher.run(move || second.lock().unwrap().push("next"));
        release.send(()).unwrap();
        next.await.unwrap();
        assert_eq!(*order.lock().unwrap(), ["abandoned", "next"]);
    }

    #[tokio::test]
    async fn who_waits_too_long_for_a_turn_is_told_to_come_again_and_costs_nothing() {
        let hasher = Hasher::with_threads(1, Duration::ZERO);
        let (release, released) = mpsc::channel::<()>();
        hasher
            .jobs
            .send(Box::new(move || {
                let _ = released.recv();
            }))
            .unwrap();
        let late = hasher.verify(&Secret::new("tanuki"), None).await.unwrap_err();
        assert!(late.to_string().contains("waiting for the password pool"), "{late}");
        drop(release);
        let (done, is_done) = oneshot::channel();
        hasher
            .jobs
            .send(Box::new(move || {
                let _ = done.send(());
            }))
            .unwrap();
        is_done.await.unwrap();
        assert_eq!(hasher.computed(), 0);
    }

    #[tokio::test]
    async fn a_panic_costs_one_computation() {
        let hasher = Hasher::with_threads(1, limits::HASH_PATIENCE);
        assert!(hasher.run(|| panic!("in one computation")).await.is_err());
        assert_eq!(hasher.run(|| 7).await.unwrap(), 7);
    }
}
