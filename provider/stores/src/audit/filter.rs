//! Which events to show.

use jiff::Timestamp;

use super::chain::Entry;
use super::event::{EventKind, Outcome};

/// Conditions on events; all that are set must hold. The default shows every access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not at or after.
    pub until: Option<Timestamp>,
    /// What was done.
    pub event: Option<EventKind>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The start of the reference.
    pub reference: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The run.
    pub run: Option<String>,
    /// Also show what the log says about itself.
    pub bookkeeping: bool,
}

impl Filter {
    /// True when `entry` should be shown.
    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        let event = &entry.event;
        let same =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let starts = |wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|start| {
                event
                    .reference
                    .as_ref()
                    .is_some_and(|reference| reference.starts_with(start))
            })
        };
        (self.bookkeeping || !event.event.is_bookkeeping() || self.event == Some(event.event))
            && self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time < until)
            && self.event.is_none_or(|kind| event.event == kind)
            && self.outcome.is_none_or(|outcome| event.outcome == outcome)
            && starts(&self.reference)
            && same(&self.environment, &event.context.environment)
            && same(&self.run, &event.context.run)
    }
}
