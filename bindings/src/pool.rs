//! The threads: one private rayon pool for the process, whatever number of JavaScript threads has
//! loaded the add-on.
//!
//! Rayon's own global pool can't be joined. Its threads would still run in this image when Node
//! unloads it (after the last worker that loaded it) or while the process exits. This pool starts
//! with the first parallel call and is joined when the last environment leaves; another one may
//! start after that.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::failure::Failure;
use crate::fault::{self, Place};

/// Most threads that may be asked for.
pub(crate) const MAX_THREADS: usize = 1024;

/// The environment variable that sets the number of threads.
const VARIABLE: &str = "NEARHASH_THREADS";

static STATE: Mutex<State> = Mutex::new(State {
    environments: 0,
    variable: None,
    configured: None,
    pool: None,
});

struct State {
    /// JavaScript environments (the main one, workers) that have loaded the add-on.
    environments: usize,
    /// What `NEARHASH_THREADS` said when it was first seen.
    variable: Option<String>,
    /// What `configure` said last.
    configured: Option<usize>,
    pool: Option<Arc<Pool>>,
}

/// Running threads. Dropping the last reference joins them.
struct Pool {
    threads: Option<rayon::ThreadPool>,
    handles: Vec<JoinHandle<()>>,
}

impl Pool {
    fn start(threads: usize) -> Result<Self, Failure> {
        let mut handles = Vec::with_capacity(threads);
        let built = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("nearhash-{index}"))
            .spawn_handler(|thread| {
                let mut builder = thread::Builder::new();
                if let Some(name) = thread.name() {
                    builder = builder.name(name.to_owned());
                }
                handles.push(builder.spawn(|| thread.run())?);
                Ok(())
            })
            .build();
        match built {
            Ok(pool) => Ok(Self {
                threads: Some(pool),
                handles,
            }),
            Err(error) => {
                // The threads that did start have been told to end.
                join(handles);
                Err(Failure::Threads {
                    argument: "threads",
                    received: format!("{threads} ({error})"),
                    allowed: "as many threads as the system gives".to_owned(),
                })
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Tells them to end when idle.
        self.threads = None;
        join(std::mem::take(&mut self.handles));
    }
}

fn join(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        // A panic in the pool has reached the caller through `install`; nothing is left to tell.
        let _ = handle.join();
    }
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A JavaScript environment has loaded the add-on.
pub(crate) fn enter_environment() {
    state().environments += 1;
}

/// A JavaScript environment is being torn down; Node has waited for its tasks. The last one to
/// leave joins the threads.
pub(crate) fn leave_environment() {
    let left = {
        let mut state = state();
        state.environments -= 1;
        if state.environments == 0 {
            state.pool.take()
        } else {
            None
        }
    };
    // Outside the lock: joining takes a moment, and somebody may be loading the add-on anew.
    drop(left);
}

/// What `NEARHASH_THREADS` says. The first environment that has it counts. Checked on first use.
pub(crate) fn set_variable(text: String) {
    state().variable.get_or_insert(text);
}

/// Use so many threads from now on. Calls that are running keep the threads they have.
pub(crate) fn configure(threads: usize) {
    let replaced = {
        let mut state = state();
        state.configured = Some(threads);
        match &state.pool {
            Some(pool) if pool.size() != threads => state.pool.take(),
            _ => None,
        }
    };
    drop(replaced);
}

/// How many threads there are or will be.
pub(crate) fn size() -> Result<usize, Failure> {
    let state = state();
    match &state.pool {
        Some(pool) => Ok(pool.size()),
        None => state.wanted(),
    }
}

/// Pieces of work that have the pool, and those among them that are long.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
static LONG: AtomicUsize = AtomicUsize::new(0);

/// Counts one piece of work while it lives.
struct Counted(&'static AtomicUsize);

impl Counted {
    fn new(counter: &'static AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether work that enters the pool now may have to wait for other work: rayon's threads take up
/// new work when they have nothing left to do of what they began.
pub(crate) fn is_taken() -> bool {
    UNDER_WAY.load(Ordering::Relaxed) > 0
}

/// Whether it may have to wait for long.
pub(crate) fn is_taken_for_long() -> bool {
    LONG.load(Ordering::Relaxed) > 0
}

/// Run `work` on a thread of the pool; its rayon calls use the pool.
pub(crate) fn install<T: Send>(
    long: bool,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let pool = state().running()?;
    let _counted = Counted::new(&UNDER_WAY);
    let _long = long.then(|| Counted::new(&LONG));
    // `threads` is there until the drop.
    match &pool.threads {
        Some(threads) => threads.install(|| {
            fault::point(Place::Pool);
            work()
        }),
        None => work(),
    }
}

/// Run `work` on this thread; its rayon calls, if any, stay on it too.
///
/// Rayon calls outside of a pool would start the global one. So a thread that does work of its own
/// becomes a pool of one, which costs nothing but a few kilobytes that rayon doesn't give back.
pub(crate) fn alone<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    thread_local! {
        static PREPARED: Cell<bool> = const { Cell::new(false) };
    }
    if !PREPARED.get() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .use_current_thread()
            .build();
        // Not dropped: the thread stays in it.
        std::mem::forget(pool);
        PREPARED.set(true);
    }
    work()
}

impl Pool {
    fn size(&self) -> usize {
        self.handles.len()
    }
}

impl State {
    fn wanted(&self) -> Result<usize, Failure> {
        if let Some(threads) = self.configured {
            return Ok(threads);
        }
        let Some(text) = &self.variable else {
            return Ok(thread::available_parallelism()
                .map_or(1, usize::from)
                .min(MAX_THREADS));
        };
        match text.trim().parse() {
            Ok(threads @ 1..=MAX_THREADS) => Ok(threads),
            _ => Err(Failure::Threads {
                argument: VARIABLE,
                received: format!("{text:?}"),
                allowed: format!("an integer from 1 to {MAX_THREADS}"),
            }),
        }
    }

    fn running(&mut self) -> Result<Arc<Pool>, Failure> {
        if let Some(pool) = &self.pool {
            return Ok(Arc::clone(pool));
        }
        let pool = Arc::new(Pool::start(self.wanted()?)?);
        self.pool = Some(Arc::clone(&pool));
        Ok(pool)
    }
}
