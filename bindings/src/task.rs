//! Work off the event loop: one kind of task over a closure.

use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
use napi::{Env, ScopedTask};
use nearhash::CopiedRows;

use crate::control::Call;
use crate::failure::{Failure, catch};
use crate::fault::{self, Place};
use crate::pool;
use crate::turns::Turn;

type Work<T> = Box<dyn FnOnce(&nearhash::Control) -> Result<T, Failure> + Send>;
type After = Box<dyn FnOnce(&Env) + Send>;

/// A closure for libuv's threads. Its output becomes the promise's value.
pub struct Task<T: Send + 'static> {
    call: Arc<Call>,
    turn: Option<Turn>,
    work: Option<Work<T>>,
    after: Option<After>,
    threads: Threads,
}

/// Where work runs. Answers are the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// On the thread it is on.
    One,
    /// A batch of queries: on the pool, unless long work has it. A service goes on answering while
    /// an index is fitted.
    Queries,
    /// Work that may take long: on the pool, after what is there already.
    All,
}

/// As many queries as the engine answers without asking for threads. They are answered on the
/// thread that asks: it would take longer to wake another.
const SERIAL_QUERIES: usize = 16;

/// For a batch of so many queries.
pub(crate) fn threads_for(rows: usize) -> Threads {
    if rows > SERIAL_QUERIES {
        Threads::Queries
    } else {
        Threads::One
    }
}

/// Vectors of length `dim` in these values.
pub(crate) fn row_count(values: &CopiedRows, dim: f64) -> usize {
    values.len() / (dim as usize).max(1)
}

impl Threads {
    /// Do `work` on behalf of a task.
    fn run_in_task<T: Send>(
        self,
        work: impl FnOnce() -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        match self {
            Self::One => pool::alone(work),
            Self::Queries if pool::is_taken_for_long() => pool::alone(work),
            Self::Queries => pool::install(false, work),
            Self::All => pool::install(true, work),
        }
    }

    /// Do `work` on behalf of a call. The event loop stands still meanwhile: it doesn't wait for
    /// the work of others.
    pub(crate) fn run_in_call<T: Send>(
        self,
        work: impl FnOnce() -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        fault::point(Place::Call);
        if self == Self::One || pool::is_taken() {
            pool::alone(work)
        } else {
            pool::install(self == Self::All, work)
        }
    }
}

impl<T: Send + 'static> Task<T> {
    pub(crate) fn new(
        call: Arc<Call>,
        threads: Threads,
        work: impl FnOnce(&nearhash::Control) -> Result<T, Failure> + Send + 'static,
    ) -> Self {
        Self {
            call,
            turn: None,
            work: Some(Box::new(work)),
            after: None,
            threads,
        }
    }

    /// A change of an index: it waits for its turn and gives it back at the end.
    pub(crate) fn in_turn(mut self, turn: Turn) -> Self {
        self.turn = Some(turn);
        self
    }

    /// To be done on the JavaScript thread when the work is over, however it ended.
    pub(crate) fn after(mut self, after: impl FnOnce(&Env) + Send + 'static) -> Self {
        self.after = Some(Box::new(after));
        self
    }
}

impl<T> From<Task<T>> for AsyncTask<Task<T>>
where
    T: Send + ToNapiValue + TypeName + 'static,
{
    fn from(task: Task<T>) -> Self {
        AsyncTask::new(task)
    }
}

impl<'task, T> ScopedTask<'task> for Task<T>
where
    T: Send + ToNapiValue + TypeName + 'static,
{
    type Output = T;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<T> {
        if let Some(turn) = &self.turn {
            turn.begin();
        }
        let (work, call, threads) = (self.work.take(), &self.call, self.threads);
        let result = catch(|| {
            fault::point(Place::Task);
            // Aborted while it was queued.
            if call.engine.is_cancelled() {
                return Err(nearhash::Error::Cancelled.into());
            }
            let work = work.ok_or_else(|| Failure::Internal("a task was run twice".to_owned()))?;
            threads.run_in_task(|| work(&call.engine))
        });
        self.call.end();
        if let Some(turn) = &self.turn {
            turn.end();
        }
        Ok(result?)
    }

    fn resolve(&mut self, _env: &'task Env, output: T) -> napi::Result<T> {
        Ok(output)
    }

    fn finally(self, env: Env) -> napi::Result<()> {
        if let Some(after) = self.after {
            after(&env);
        }
        Ok(())
    }
}
