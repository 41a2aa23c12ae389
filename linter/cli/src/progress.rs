//! A progress bar on standard error, for people who wait: only in a terminal, only when a run takes
//! long, never under a CI system. Short runs pay for a counter and nothing else.

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use secretlint_engine::Progress;

use crate::environment::Environment;

/// Runs that end before this show nothing.
const PATIENCE: Duration = Duration::from_millis(500);

/// A progress bar, or none.
pub(crate) struct Bar(Option<Shown>);

struct Shown {
    what: &'static str,
    started: Instant,
    total: AtomicUsize,
    done: AtomicUsize,
    bar: OnceLock<ProgressBar>,
}

impl Bar {
    /// A bar that counts `what`, when somebody watches standard error.
    pub(crate) fn new(what: &'static str, quiet: bool, environment: &Environment) -> Self {
        let wanted = is_wanted(quiet, environment, std::io::stderr().is_terminal());
        Self(wanted.then(|| Shown {
            what,
            started: Instant::now(),
            total: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            bar: OnceLock::new(),
        }))
    }

    /// What a run tells its progress to.
    pub(crate) fn progress(&self) -> Option<&dyn Progress> {
        self.0.as_ref().map(|shown| shown as &dyn Progress)
    }

    /// Takes the bar away before the report is written.
    pub(crate) fn end(self) {
        if let Some(bar) = self.0.and_then(|shown| shown.bar.into_inner()) {
            bar.finish_and_clear();
        }
    }
}

fn is_wanted(quiet: bool, environment: &Environment, terminal: bool) -> bool {
    terminal && !quiet && !environment.unwatched
}

impl Progress for Shown {
    fn found(&self, files: usize) {
        self.total.store(files, Ordering::Relaxed);
    }

    fn read(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.bar.get().is_none() && self.started.elapsed() < PATIENCE {
            return;
        }
        let bar = self
            .bar
            .get_or_init(|| bar(self.what, self.total.load(Ordering::Relaxed)));
        bar.set_position(done as u64);
    }
}

fn bar(what: &str, total: usize) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(10);
    let bar = ProgressBar::with_draw_target(Some(total as u64), target);
    let template = format!("{{bar:30}} {{pos}} of {{len}} {what}");
    // The template is ours: should it ever be wrong, the plain bar will do.
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_people_who_wait_see_it() {
        let unwatched = Environment {
            unwatched: true,
            ..Environment::default()
        };
        let watched = Environment::default();
        assert!(is_wanted(false, &watched, true));
        assert!(!is_wanted(true, &watched, true));
        assert!(!is_wanted(false, &watched, false));
        assert!(!is_wanted(false, &unwatched, true));
    }

    #[test]
    fn short_runs_make_no_bar() {
        let shown = Shown {
            what: "files",
            started: Instant::now(),
            total: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            bar: OnceLock::new(),
        };
        shown.found(2);
        shown.read();
        assert!(shown.bar.get().is_none());
        let patient = Shown {
            started: Instant::now().checked_sub(PATIENCE).unwrap(),
            ..shown
        };
        patient.read();
        let bar = patient.bar.get().unwrap();
        assert_eq!((bar.position(), bar.length()), (2, Some(2)));
    }
}
