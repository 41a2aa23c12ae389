//! Proving that a log is as it was written, or naming the lines where it is not.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use secret_value::Secret;

use super::chain::{self, Entry, MAX_LINE_BYTES, Tip};
use super::event::EventKind;
use super::key::Head;
use super::log::AuditOptions;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;

/// Problems listed at most; a log that is all wrong need not be repeated in full.
const MAX_PROBLEMS: usize = 1000;

/// What verifying a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines read.
    pub lines: u64,
    /// Accesses among them.
    pub events: u64,
    /// Checkpoints among them that the key confirms.
    pub checkpoints: u64,
    /// Accesses after the last confirmed checkpoint. Only what this machine remembers protects them.
    pub unsealed: u64,
    /// True when a key was there to confirm checkpoints.
    pub keyed: bool,
    /// True when this machine remembers where the log stood, so that a cut at the end is noticed.
    pub anchored: bool,
    /// Everything that is not as it was written, by line.
    pub problems: Vec<Problem>,
}

impl Report {
    /// True when nothing was found.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }
}

/// One place where the log is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; one more than there are lines for what is missing at the end.
    pub line: u64,
    /// What kind of change it is.
    pub kind: ProblemKind,
    /// The same for people.
    pub message: String,
}

/// What happened to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The line is no line of a log.
    Unreadable,
    /// The line was edited.
    Edited,
    /// Lines before this one are missing.
    Missing,
    /// The line stands at the wrong place, or twice.
    Reordered,
    /// The line before was replaced by another.
    Replaced,
    /// A checkpoint does not confirm what stands before it: the log was rewritten.
    Rewritten,
    /// Lines at the end are missing.
    Truncated,
    /// The last line is not complete.
    Torn,
}

/// Verifies the log that `options` describe: its chain, its checkpoints when the key is there, and its end
/// when this machine remembers it.
///
/// # Errors
/// `not_found` when there is no log and none is remembered; `io` and `permission_denied`; those of the key.
/// A changed log is no error but a [`Report`] with problems.
pub fn verify(options: &AuditOptions) -> Result<Report> {
    let head = options
        .heads
        .as_ref()
        .map(|folder| Head::of(folder, &options.path));
    let remembered = head.as_ref().map(Head::load).transpose()?.flatten();
    let key = options.key.load(false)?;
    let lines = match Lines::open(&options.path) {
        // A log that is remembered and gone was removed: that is a finding.
        Err(error) if error.kind() == ErrorKind::NotFound && remembered.is_some() => None,
        other => Some(other?),
    };
    let mut checker = Checker::new(key, remembered);
    for line in lines.into_iter().flatten() {
        checker.line(&line?);
    }
    Ok(checker.finish(head.as_ref()))
}

/// A line of the file, or why it cannot be one.
pub(super) enum Line {
    Whole(Vec<u8>),
    TooLong,
    /// Without a line break at its end.
    Torn,
}

/// The lines of a log, read one at a time whatever the size of the file.
pub(super) struct Lines {
    reader: BufReader<File>,
    path: std::path::PathBuf,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| {
            let help = "it is made at the first access; name it with SECRETREF_AUDIT_LOG";
            files::io_error(Operation::Configure, "open the audit log", path, error).with_help(help)
        })?;
        Ok(Self {
            reader: BufReader::new(file),
            path: path.to_owned(),
        })
    }

    fn read(&mut self) -> std::io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        if (&mut self.reader)
            .take(limit)
            .read_until(b'\n', &mut bytes)?
            == 0
        {
            return Ok(None);
        }
        if bytes.pop_if(|byte| *byte == b'\n').is_some() {
            return Ok(Some(Line::Whole(bytes)));
        }
        if bytes.len() <= MAX_LINE_BYTES {
            return Ok(Some(Line::Torn));
        }
        self.reader.skip_until(b'\n')?;
        Ok(Some(Line::TooLong))
    }
}

impl Iterator for Lines {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.read().transpose()?;
        Some(line.map_err(|error| {
            files::io_error(
                Operation::Configure,
                "read the audit log",
                &self.path,
                error,
            )
        }))
    }
}

struct Checker {
    report: Report,
    key: Option<Secret>,
    remembered: Option<Tip>,
    /// Where the chain stands after the lines so far.
    tip: Tip,
    /// After an unreadable line the next one cannot be linked.
    lost: bool,
    met_head: bool,
}

impl Checker {
    fn new(key: Option<Secret>, remembered: Option<Tip>) -> Self {
        Self {
            report: Report {
                keyed: key.is_some(),
                anchored: remembered.is_some(),
                ..Report::default()
            },
            key,
            remembered,
            tip: Tip::genesis(),
            lost: false,
            met_head: false,
        }
    }

    fn line(&mut self, line: &Line) {
        self.report.lines += 1;
        let text = match line {
            Line::Torn => {
                return self.problem(
                    ProblemKind::Torn,
                    "the line is cut off; the next access takes it out",
                );
            }
            Line::TooLong => None,
            Line::Whole(bytes) => std::str::from_utf8(bytes).ok(),
        };
        match text.and_then(|text| Some((text, chain::parse(text)?))) {
            Some((text, entry)) => self.entry(text, &entry),
            None => {
                self.lost = true;
                self.problem(
                    ProblemKind::Unreadable,
                    "this is not a line of an audit log",
                );
            }
        }
    }

    fn entry(&mut self, text: &str, entry: &Entry) {
        self.place(entry);
        if !chain::hash_fits(text) {
            self.problem(
                ProblemKind::Edited,
                "the line was edited: its hash does not fit",
            );
        }
        if entry.event.event == EventKind::Checkpoint {
            self.checkpoint(text);
        } else if !entry.event.event.is_bookkeeping() {
            self.report.events += 1;
            self.report.unsealed += 1;
        }
        if let Some(head) = self
            .remembered
            .as_ref()
            .filter(|head| head.seq == entry.seq)
        {
            if head.hash != entry.hash {
                self.problem(
                    ProblemKind::Rewritten,
                    "the line is not the one this machine wrote: the log was rewritten",
                );
            }
            self.met_head = true;
        }
        self.tip = Tip::of(entry);
        self.lost = false;
    }

    /// Compares the place of a line with what stands before it.
    fn place(&mut self, entry: &Entry) {
        let expected = self.tip.seq.saturating_add(1);
        if self.lost {
            // The line before counts as one, whatever it was.
            let expected = expected.saturating_add(1);
            if entry.seq > expected {
                self.problem(
                    ProblemKind::Missing,
                    format!("{} lines before this one are missing", entry.seq - expected),
                );
            }
        } else if entry.seq > expected {
            self.problem(
                ProblemKind::Missing,
                format!("{} lines before this one are missing", entry.seq - expected),
            );
        } else if entry.seq < expected {
            self.problem(
                ProblemKind::Reordered,
                format!("line number {} stands where {expected} belongs", entry.seq),
            );
        } else if entry.prev != self.tip.hash {
            self.problem(
                ProblemKind::Replaced,
                "the line before this one is not the one that was written",
            );
        }
    }

    fn checkpoint(&mut self, text: &str) {
        match &self.key {
            Some(key) if chain::seal_fits(text, key) => {
                self.report.checkpoints += 1;
                self.report.unsealed = 0;
            }
            Some(_) => self.problem(
                ProblemKind::Rewritten,
                "the checkpoint was not sealed with this key: the log was rewritten, or comes from a machine with another key",
            ),
            None => {}
        }
    }

    fn problem(&mut self, kind: ProblemKind, message: impl Into<String>) {
        self.problem_at(self.report.lines, kind, message);
    }

    fn problem_at(&mut self, line: u64, kind: ProblemKind, message: impl Into<String>) {
        if self.report.problems.len() < MAX_PROBLEMS {
            let message = message.into();
            self.report.problems.push(Problem {
                line,
                kind,
                message,
            });
        }
    }

    fn finish(mut self, head: Option<&Head>) -> Report {
        if let Some(remembered) = self.remembered.take().filter(|_| !self.met_head) {
            let place = head
                .map(|head| head.file.display().to_string())
                .unwrap_or_default();
            let message = if remembered.seq > self.tip.seq {
                format!(
                    "{} lines at the end are missing (remembered in {place})",
                    remembered.seq - self.tip.seq
                )
            } else {
                format!(
                    "line number {} that this machine wrote is missing (remembered in {place})",
                    remembered.seq
                )
            };
            self.problem_at(self.report.lines + 1, ProblemKind::Truncated, message);
        }
        self.report
    }
}

/// Reads the events of a log for display, oldest first. Lines that cannot be read are errors of kind
/// `integrity` that name the line; reading goes on after them.
///
/// # Errors
/// `not_found`, `io` and `permission_denied` when the log cannot be opened.
pub fn read(path: &Path) -> Result<impl Iterator<Item = Result<Entry>> + use<>> {
    let place = path.display().to_string();
    let entries = Lines::open(path)?.zip(1u64..).map(move |(line, number)| {
        let entry = match line? {
            Line::Whole(bytes) => std::str::from_utf8(&bytes).ok().and_then(chain::parse),
            Line::TooLong | Line::Torn => None,
        };
        entry.ok_or_else(|| {
            StoreError::new(
                ErrorKind::Integrity,
                Operation::Configure,
                format!("line {number} is not a line of an audit log"),
            )
            .with_context("file", &place)
            .with_help("`audit verify` lists everything that was changed")
        })
    });
    Ok(entries)
}
