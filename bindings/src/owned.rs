//! An index of the engine behind an object of JavaScript's: shared with tasks, changed one at a
//! time, given back by `dispose`.

use std::sync::{Arc, PoisonError, RwLock};

use napi::Env;

use crate::control::{Call, Control};
use crate::failure::Failure;
use crate::memory::ReportedMemory;
use crate::single_query::{ScratchBuffer, SingleQuery, SingleSearch};
use crate::task::{Task, Threads};
use crate::turns::{Turn, Turns};

/// What every index of the engine can say.
pub(crate) trait Engine: Send + Sync + 'static {
    /// How it searches.
    type SearchOptions;

    /// Bytes that it holds.
    fn memory_bytes(&self) -> usize;

    /// For the change of one point.
    fn threads_for_one(&self) -> Threads;

    /// The options of a call that may wait for a thread: what they leave to the index is as it is
    /// now.
    fn as_of_now(&self, options: Self::SearchOptions) -> Self::SearchOptions {
        options
    }
}

/// An index and what its calls need.
#[derive(Debug)]
pub(crate) struct Owned<I> {
    shared: Arc<Shared<I>>,
}

/// What a JavaScript object and the tasks started on it share.
#[derive(Debug)]
struct Shared<I> {
    /// Empty after `dispose`.
    index: RwLock<Option<Arc<I>>>,
    turns: Arc<Turns>,
    memory: ReportedMemory,
}

impl<I: Engine> Shared<I> {
    fn index(&self) -> Option<Arc<I>> {
        self.index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn get(&self, call: &'static str) -> Result<Arc<I>, Failure> {
        self.index().ok_or(Failure::Disposed { argument: call })
    }

    /// Tell V8 what the index holds now.
    fn report_memory(&self, env: &Env) {
        self.memory
            .report(env, self.index().map_or(0, |index| index.memory_bytes()));
    }
}

impl<I: Engine> Owned<I> {
    pub(crate) fn new(index: I) -> Self {
        Self {
            shared: Arc::new(Shared {
                index: RwLock::new(Some(Arc::new(index))),
                turns: Arc::default(),
                memory: ReportedMemory::default(),
            }),
        }
    }

    /// The index, for the call of this name.
    pub(crate) fn get(&self, call: &'static str) -> Result<Arc<I>, Failure> {
        self.shared.get(call)
    }

    /// For the change of one point, for the call of this name.
    pub(crate) fn threads_for_one(&self, call: &'static str) -> Result<Threads, Failure> {
        Ok(self.get(call)?.threads_for_one())
    }

    /// Give the memory back. Tasks under way keep their own reference.
    pub(crate) fn release(&self, env: &Env) {
        self.shared
            .index
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.shared.memory.report(env, 0);
    }

    pub(crate) fn is_disposed(&self) -> bool {
        self.shared.index().is_none()
    }

    /// A change that is done within the call.
    pub(crate) fn change<T: Send>(
        &self,
        env: &Env,
        name: &'static str,
        threads: Threads,
        work: impl FnOnce(&I, &nearhash::Control) -> Result<T, Failure> + Send,
    ) -> napi::Result<T> {
        let index = self.get(name)?;
        let call = Arc::new(Call::default());
        let turn = self.shared.turns.take(name, &call)?;
        turn.begin();
        let result = threads.run_in_call(|| work(&index, &call.engine));
        drop(turn);
        self.shared.report_memory(env);
        Ok(result?)
    }

    /// A change that is done by a task.
    pub(crate) fn change_later<T: Send + 'static>(
        &self,
        name: &'static str,
        control: &Control,
        threads: Threads,
        work: impl FnOnce(&I, &nearhash::Control) -> Result<T, Failure> + Send + 'static,
    ) -> napi::Result<Task<T>> {
        let index = self.get(name)?;
        let call = control.call();
        let turn: Turn = self.shared.turns.take(name, &call)?;
        let shared = Arc::clone(&self.shared);
        Ok(
            Task::new(call, threads, move |control| work(&index, control))
                .in_turn(turn)
                .after(move |env| shared.report_memory(env)),
        )
    }

    /// A question that is answered within the call.
    pub(crate) fn ask<T: Send>(
        &self,
        name: &'static str,
        threads: Threads,
        work: impl FnOnce(&I, &nearhash::Control) -> Result<T, Failure> + Send,
    ) -> napi::Result<T> {
        let index = self.get(name)?;
        Ok(threads.run_in_call(|| work(&index, &nearhash::Control::new()))?)
    }

    /// A question that is answered by a task.
    pub(crate) fn ask_later<T: Send + 'static>(
        &self,
        name: &'static str,
        control: &Control,
        threads: Threads,
        work: impl FnOnce(&I, &nearhash::Control) -> Result<T, Failure> + Send + 'static,
    ) -> napi::Result<Task<T>> {
        let index = self.get(name)?;
        Ok(Task::new(control.call(), threads, move |control| {
            work(&index, control)
        }))
    }

    /// The function that answers single queries.
    pub(crate) fn single_search(
        &self,
        scratch: ScratchBuffer,
        answer: impl Fn(&I, &mut SingleQuery<'_>) -> Result<usize, Failure> + 'static,
    ) -> SingleSearch {
        let shared = Arc::clone(&self.shared);
        SingleSearch::new(scratch, move |query| {
            // Borrowed, not shared: nothing takes the index away within a call.
            let index = shared.index.read().unwrap_or_else(PoisonError::into_inner);
            let index = index.as_deref().ok_or(Failure::Disposed {
                argument: "searchSync",
            })?;
            answer(index, query)
        })
    }
}
