//! The life of what was opened: renewed in time, given back exactly once, whoever asks first.
//!
//! Terraform's habits that this module is built around:
//!
//! - `Close` is not sent when a consumer of the value fails; only the end of the process is. So
//!   [`Leases::shutdown`] revokes all that is left.
//! - `Close` brings the private bytes of `Open` (Terraform) or of the last `Renew` (OpenTofu), which may
//!   be empty. So the bytes are a stable id, the same in every answer, and unknown ones are no error.
//! - `Renew` is called at `renew_at`, never earlier, and its errors are lost in Terraform before 1.17. So
//!   a margin is subtracted, a failure is tried again while the lease lives, and whatever went wrong is
//!   said again at `Close`.

mod clock;
mod lease;
mod schedule;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::join_all;

pub use clock::{Clock, SystemClock};
pub use lease::{Lease, LeaseFacts};

use crate::diagnostic::{Diagnostic, Diagnostics};
use schedule::{renew_at, retry_at};

/// Time a `Close` may take. OpenTofu gives up after 10 s.
pub const CLOSE_BUDGET: Duration = Duration::from_secs(5);

/// What the private bytes of a lease start with.
const PREFIX: &str = "lease:";

/// Every lease of this process that has not been given back.
pub struct Leases {
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    entries: BTreeMap<String, Arc<Entry>>,
    /// After the shutdown nothing is taken in any more.
    shut: bool,
}

struct Entry {
    type_name: String,
    lease: Box<dyn Lease>,
    /// One renewal or revocation at a time.
    state: tokio::sync::Mutex<EntryState>,
}

struct EntryState {
    expires_at: Option<SystemTime>,
    revocable: bool,
    renewal_failed: bool,
    over: bool,
}

/// What `Open` answers about a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// To come back in `Renew` and `Close`. No secret.
    pub private: Vec<u8>,
    /// When to renew; `None` when it need not or cannot be.
    pub renew_at: Option<SystemTime>,
}

/// What `Renew` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// When to renew again; `None` when that is not needed or no longer possible.
    pub renew_at: Option<SystemTime>,
    /// What went wrong. A warning while the lease still lives, an error when it does not.
    pub diagnostics: Diagnostics,
}

impl Leases {
    /// An empty table.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            table: Mutex::default(),
        }
    }

    /// Takes a lease in. `None` when the process is shutting down: the lease has been revoked.
    pub async fn register(&self, type_name: &str, lease: Box<dyn Lease>) -> Option<Registered> {
        let facts = facts_of(lease.as_ref(), type_name);
        let now = self.clock.now();
        let id = format!("{PREFIX}{:032x}", rand::random::<u128>());
        let entry = Arc::new(Entry {
            type_name: type_name.to_owned(),
            lease,
            state: tokio::sync::Mutex::new(EntryState {
                expires_at: facts.ttl.and_then(|ttl| now.checked_add(ttl)),
                revocable: facts.revocable,
                renewal_failed: false,
                over: false,
            }),
        });
        let taken = {
            let mut table = self.table();
            if !table.shut {
                table.entries.insert(id.clone(), Arc::clone(&entry));
            }
            !table.shut
        };
        if !taken {
            // The reply is an error either way, and there is nobody left to tell more.
            let _ = entry.revoke().await;
            return None;
        }
        Some(Registered {
            private: id.into_bytes(),
            renew_at: renew_at(now, &facts, self.clock.jitter()),
        })
    }

    /// Renews a lease. Fails with a diagnostic for bytes it does not know.
    pub async fn renew(&self, private: &[u8]) -> Renewed {
        let Some(entry) = self.find(private) else {
            let unknown = Diagnostic::error("Unknown lease")
                .detail("This provider process holds no such lease, so it cannot renew it.");
            return Renewed {
                renew_at: None,
                diagnostics: unknown.into(),
            };
        };
        let mut state = entry.state.lock().await;
        if state.over {
            return Renewed {
                renew_at: None,
                diagnostics: Diagnostics::new(),
            };
        }
        let outcome = AssertUnwindSafe(entry.lease.renew()).catch_unwind().await;
        let now = self.clock.now();
        match outcome.unwrap_or_else(|_| Err(crashed("renewing"))) {
            Ok(facts) => {
                state.expires_at = facts.ttl.and_then(|ttl| now.checked_add(ttl));
                state.revocable = facts.revocable;
                let renew_at = renew_at(now, &facts, self.clock.jitter());
                Renewed {
                    renew_at,
                    diagnostics: Diagnostics::new(),
                }
            }
            Err(problem) => {
                state.renewal_failed = true;
                tracing::warn!(resource = %entry.type_name, problem = %problem.summary, "a lease could not be renewed");
                entry.renewal_failure(&problem, retry_at(now, state.expires_at))
            }
        }
    }

    /// Gives a lease back. Bytes that are empty or unknown, and leases that are over, need nothing.
    /// Trouble is a warning: the run itself has done its work.
    pub async fn close(&self, private: &[u8]) -> Diagnostics {
        let Some(entry) = self.find(private) else {
            return Diagnostics::new();
        };
        let mut diagnostics = Diagnostics::new();
        match tokio::time::timeout(CLOSE_BUDGET, entry.revoke()).await {
            Ok(Ok(())) => self.forget(private),
            Ok(Err(problem)) => diagnostics.push(entry.not_revoked(&problem)),
            Err(_) => {
                let late = Diagnostic::warning(format!(
                    "there was no answer within {} s",
                    CLOSE_BUDGET.as_secs()
                ));
                diagnostics.push(entry.not_revoked(&late));
            }
        }
        // Not awaited: while a slow revocation holds the state, the warning above says enough.
        if entry
            .state
            .try_lock()
            .is_ok_and(|state| state.renewal_failed)
        {
            diagnostics.push(entry.was_not_renewed());
        }
        diagnostics
    }

    /// Gives everything back that is left, all at once, and takes nothing in any more. What cannot be
    /// given back within `budget` is named in the log.
    pub async fn shutdown(&self, budget: Duration) {
        let left = {
            let mut table = self.table();
            table.shut = true;
            std::mem::take(&mut table.entries)
        };
        join_all(left.values().map(|entry| async move {
            match tokio::time::timeout(budget, entry.revoke()).await {
                Ok(Ok(())) => tracing::info!(resource = %entry.type_name, "revoked a lease that was not closed"),
                Ok(Err(problem)) => {
                    tracing::warn!(resource = %entry.type_name, problem = %problem, "a lease could not be revoked");
                }
                Err(_) => tracing::warn!(resource = %entry.type_name, "a lease was not revoked in time"),
            }
        }))
        .await;
    }

    /// Leases that have not been given back.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table().entries.len()
    }

    /// True when nothing has to be given back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&self, private: &[u8]) -> Option<Arc<Entry>> {
        let id = std::str::from_utf8(private).ok()?;
        self.table().entries.get(id).cloned()
    }

    fn forget(&self, private: &[u8]) {
        if let Ok(id) = std::str::from_utf8(private) {
            self.table().entries.remove(id);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Revokes once; later calls, and leases that cannot be revoked, succeed at once.
    async fn revoke(&self) -> Result<(), Diagnostic> {
        let mut state = self.state.lock().await;
        if !state.over && state.revocable {
            let outcome = AssertUnwindSafe(self.lease.revoke()).catch_unwind().await;
            outcome.unwrap_or_else(|_| Err(crashed("revoking")))?;
        }
        state.over = true;
        Ok(())
    }

    fn renewal_failure(&self, problem: &Diagnostic, again: Option<SystemTime>) -> Renewed {
        let summary = format!("Lease of {} not renewed", self.type_name);
        let diagnostic = match again {
            Some(_) => Diagnostic::warning(summary).detail(format!(
                "{problem}. The value is still valid; renewal will be tried again."
            )),
            None => Diagnostic::error(summary)
                .detail(format!("{problem}. The value is no longer valid.")),
        };
        Renewed {
            renew_at: again,
            diagnostics: diagnostic.into(),
        }
    }

    fn not_revoked(&self, problem: &Diagnostic) -> Diagnostic {
        Diagnostic::warning(format!("Lease of {} not revoked", self.type_name)).detail(format!(
            "The lease could not be given back: {problem}. It is tried once more when the provider ends; \
             otherwise the value stays valid until the lease expires."
        ))
    }

    fn was_not_renewed(&self) -> Diagnostic {
        Diagnostic::warning(format!("Lease of {} could not be renewed during the run", self.type_name)).detail(
            "Whatever used the value after its lease ran out may have failed or have been refused. Ask for a \
             longer time to live, or check why renewal is refused.",
        )
    }
}

/// The facts of a lease. One that crashes when asked for them is kept all the same, to be given back.
fn facts_of(lease: &dyn Lease, type_name: &str) -> LeaseFacts {
    std::panic::catch_unwind(AssertUnwindSafe(|| lease.facts())).unwrap_or_else(|_| {
        tracing::error!(resource = %type_name, "the provider crashed while looking at a lease; it is given back at the end");
        LeaseFacts {
            ttl: None,
            renewable: false,
            revocable: true,
        }
    })
}

fn crashed(doing: &str) -> Diagnostic {
    Diagnostic::error(format!("the provider crashed while {doing} the lease"))
}
