//! One change of an index at a time, decided on the JavaScript thread.
//!
//! The engine refuses a change while another runs, but a task's change begins only when libuv has
//! a thread for it: whether the second of two calls is refused would be a matter of luck. So the
//! turn is taken when the call is made and given back when its promise is settled. After a
//! cancelled change, which may need a moment to notice, the next one waits instead of being
//! refused: its caller has seen the rejection already.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::control::Call;
use crate::failure::Failure;

/// The changes of one index, in the order of their calls.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Turns given so far.
    given: u64,
    /// Turns whose work is over; the next one in order may begin.
    over: u64,
    /// The call of the last turn given, until it is settled.
    last: Option<Arc<Call>>,
}

/// The right to change the index, from the call until the turn is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    number: u64,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn for the change `name`, unless an earlier one is still wanted.
    pub(crate) fn take(
        self: &Arc<Self>,
        name: &'static str,
        call: &Arc<Call>,
    ) -> Result<Turn, Failure> {
        let mut state = self.lock();
        if let Some(last) = &state.last
            && !last.engine.is_cancelled()
        {
            return Err(nearhash::Error::Busy { argument: name }.into());
        }
        let number = state.given;
        state.given += 1;
        state.last = Some(Arc::clone(call));
        Ok(Turn {
            turns: Arc::clone(self),
            number,
        })
    }
}

impl Turn {
    /// Wait until the work of every earlier turn is over. It is cancelled, and each of them is on
    /// a thread already or before this one in libuv's queue, so the wait is short and can't be
    /// circular.
    pub(crate) fn begin(&self) {
        let mut state = self.turns.lock();
        while state.over < self.number {
            state = self
                .turns
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The work is over. From here on a waiting turn may begin.
    pub(crate) fn end(&self) {
        self.begin();
        let mut state = self.turns.lock();
        state.over = state.over.max(self.number + 1);
        drop(state);
        self.turns.moved.notify_all();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.end();
        let mut state = self.turns.lock();
        if state.given == self.number + 1 {
            state.last = None;
        }
    }
}
