//! Answers that are kept for a moment, in memory only: each is dropped, and its value overwritten with it, when
//! its time is over, whether or not anybody asks again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Kept<K, T> {
    period: Duration,
    state: Mutex<State<K, T>>,
}

#[derive(Debug)]
struct State<K, T> {
    answers: HashMap<K, (Instant, T)>,
    /// How often everything was forgotten.
    forgotten: u64,
}

/// What a read takes along when it begins: its answer is kept only when nothing was forgotten meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

impl<K: Eq + Hash + Send + 'static, T: Clone + Send + 'static> Kept<K, T> {
    /// Keeps answers for `period`; for none of them where it is zero.
    pub(super) fn new(period: Duration) -> Self {
        Self {
            period,
            state: Mutex::new(State {
                answers: HashMap::new(),
                forgotten: 0,
            }),
        }
    }

    /// To be taken before the read begins.
    pub(super) fn ticket(&self) -> Ticket {
        Ticket(self.state().forgotten)
    }

    /// The answer for `key`, when there is one whose time is not over.
    pub(super) fn get(&self, key: &K) -> Option<T> {
        let state = self.state();
        let (since, answer) = state.answers.get(key)?;
        (since.elapsed() < self.period).then(|| answer.clone())
    }

    /// Keeps an answer from now on.
    pub(super) fn keep(self: &Arc<Self>, ticket: Ticket, key: K, answer: T) {
        if self.period.is_zero() {
            return;
        }
        let mut state = self.state();
        if ticket.0 != state.forgotten {
            return;
        }
        state.answers.insert(key, (Instant::now(), answer));
        let (weak, period) = (Arc::downgrade(self), self.period);
        tokio::spawn(async move {
            tokio::time::sleep(period).await;
            if let Some(kept) = weak.upgrade() {
                let mut state = kept.state();
                state
                    .answers
                    .retain(|_, (since, _)| since.elapsed() < kept.period);
            }
        });
    }

    /// Drops everything, also what is being read now.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.answers.clear();
        state.forgotten += 1;
    }

    fn state(&self) -> MutexGuard<'_, State<K, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
