//! Argon2id in a bounded pool.
//!
//! One verification costs tens of milliseconds of a core and 12 MiB; a flood of logins must find a queue here, not
//! starve the delivery of mail of cores or the machine of memory.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use argon2::password_hash::{Error as HashError, PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use auth_sasl::Secret;
use tokio::sync::{Semaphore, oneshot};

use crate::error::Unavailable;
use crate::limits;

/// What an unknown user's password is compared with: a salt and a hash of no password, under the parameters that new
/// hashes get, so that "no such user" takes the same path and the same time as "wrong password".
pub(crate) const DECOY: &str =
    "$argon2id$v=19$m=12288,t=3,p=1$eXViaW4tZGVjb3ktc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Threads of its own do the work, one a slot. On the runtime's blocking threads, of which there are many, each would keep the
/// memory of the last hash that it computed.
pub(crate) struct Hasher {
    slots: Arc<Semaphore>,
    computed: Arc<AtomicU64>,
    work: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Hasher {
    /// Half of the cores, at least one.
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::with_slots((cores / 2).max(1))
    }

    fn with_slots(slots: usize) -> Self {
        let (work, jobs) = mpsc::channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..slots {
            let jobs = Arc::clone(&jobs);
            // Without threads, work is refused as unavailable: see `run`.
            let _ = thread::Builder::new().name("password".into()).spawn(move || labour(&jobs));
        }
        Self { slots: Arc::new(Semaphore::new(slots)), computed: Arc::default(), work }
    }

    /// Hashes a new password, with a fresh salt, to a PHC string.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<String, Unavailable> {
        // The blocking thread may outlive the caller, so it gets a copy, wiped like the original.
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

    /// Runs one computation on a thread of the pool. It keeps its slot to the end even if nobody waits for it any more:
    /// a client that hangs up must not make room for one more at a time than the pool allows.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let waiting = "waiting for the password pool";
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(Unavailable::when(waiting))?;
        let computed = Arc::clone(&self.computed);
        let (done, outcome) = oneshot::channel();
        let job = move || {
            let _slot = slot;
            computed.fetch_add(1, Ordering::Relaxed);
            // Nobody waits any more, perhaps.
            let _ = done.send(work());
        };
        self.work.send(Box::new(job)).map_err(|_| Unavailable::when(waiting)("it has no thread"))?;
        outcome.await.map_err(Unavailable::when(waiting))
    }
}

/// Does what comes until the [`Hasher`] is gone. A panic costs the one who asked, not the thread.
fn labour(jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        let _ = panic::catch_unwind(AssertUnwindSafe(job));
    }
}

fn verify(password: &Secret, stored: &str) -> Result<(), HashError> {
    let stored = PasswordHash::new(stored)?;
    // The parser takes a PHC string that was cut off for a whole one, and the verifier for a wrong password.
    if stored.salt.is_none() || stored.hash.is_none() {
        return Err(HashError::EncodingInvalid);
    }
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
    async fn abandoned_work_keeps_its_slot_until_it_ends() {
        let hasher = Hasher::with_slots(1);
        let (started, mut has_started) = tokio::sync::mpsc::channel::<()>(1);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let work = hasher.run(move || {
            started.blocking_send(()).unwrap();
            released.recv().unwrap();
        });
        tokio::select! {
            _ = work => panic!("it waits for us"),
            _ = has_started.recv() => {}
        }
        assert_eq!(hasher.slots.available_permits(), 0);
        release.send(()).unwrap();
        let _slot = hasher.slots.acquire().await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_costs_the_one_who_asked() {
        let hasher = Hasher::with_slots(1);
        assert!(hasher.run(|| panic!("in a test")).await.is_err());
        assert_eq!(hasher.run(|| 7).await.unwrap(), 7);
    }
}
