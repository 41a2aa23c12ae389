//! Measures the parser on a folder of real files: what it rejects, how fast it is, how much memory
//! a tree takes.
//!
//! `cargo run --release -p hcl-syntax --example corpus -- [--fmt] FOLDER`; without `FOLDER` the
//! variable `HCL_CORPUS` names it. With `--fmt` every native file with errors is shown to
//! `terraform fmt`, and those it accepts are listed as wrongly rejected. With `--oracle` all native
//! files are compared with what hcl-edit reads.

#![expect(
    clippy::print_stdout,
    reason = "a measuring program reports on standard output"
)]

#[path = "../tests/support/oracle.rs"]
mod oracle;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use hcl_syntax::{LineIndex, Parsed, parse, parse_json};

#[derive(Default)]
struct Totals {
    files: usize,
    bytes: usize,
    memory: usize,
    rejected: Vec<(PathBuf, Parsed)>,
    not_utf8: usize,
    disagreements: usize,
    lossy: usize,
    time: Duration,
}

impl Totals {
    /// Parses files together, so that the clock is read seldom.
    fn add(&mut self, files: Vec<(PathBuf, String)>, json: bool) {
        let mut parsed = Vec::with_capacity(files.len());
        let mut originals = Vec::with_capacity(files.len());
        let (paths, texts): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        originals.extend(texts.iter().cloned());
        let start = cpu_time();
        for text in texts {
            parsed.push(if json { parse_json(text) } else { parse(text) });
        }
        self.time += cpu_time().saturating_sub(start);
        for ((path, parsed), original) in paths.into_iter().zip(parsed).zip(originals) {
            self.check(path, parsed, &original);
        }
    }

    fn check(&mut self, path: PathBuf, parsed: Parsed, original: &str) {
        self.files += 1;
        self.bytes += original.len();
        self.memory += parsed.memory_bytes();
        let glued: String = parsed.tokens().map(|t| parsed.slice(t.span)).collect();
        if glued != original {
            self.lossy += 1;
        }
        if !parsed.errors().is_empty() {
            self.rejected.push((path, parsed));
        }
    }

    fn print(&self, what: &str) {
        let bytes = self.bytes.max(1) as f64;
        println!(
            "{what}: {} files, {:.1} MB, {:.0} MB/s, {:.2} bytes of memory per byte, \
             {} with errors, {} not reproduced",
            self.files,
            bytes / 1e6,
            bytes / 1e6 / self.time.as_secs_f64().max(1e-3),
            self.memory as f64 / bytes,
            self.rejected.len(),
            self.lossy,
        );
    }
}

/// Time this thread has spent on a processor, so that a busy machine does not count; where that is
/// not known, the time of day.
fn cpu_time() -> Duration {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split(' ').next().and_then(|n| n.parse().ok());
    nanoseconds.map_or_else(
        || {
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default()
        },
        Duration::from_nanos,
    )
}

fn main() -> ExitCode {
    let (mut fmt, mut with_oracle) = (false, false);
    let mut folder = std::env::var_os("HCL_CORPUS").map(PathBuf::from);
    for arg in std::env::args_os().skip(1) {
        if arg == "--fmt" {
            fmt = true;
        } else if arg == "--oracle" {
            with_oracle = true;
        } else {
            folder = Some(PathBuf::from(arg));
        }
    }
    let Some(folder) = folder else {
        println!("name a folder, or set HCL_CORPUS");
        return ExitCode::from(2);
    };
    let (native, json) = measure(&folder, with_oracle);
    native.print("native");
    json.print("JSON");
    println!("not UTF-8: {}", native.not_utf8);
    if with_oracle {
        println!("disagreements with hcl-edit: {}", native.disagreements);
    }
    for (path, parsed) in &json.rejected {
        describe("JSON with errors", path, parsed);
    }
    if fmt && compare(&native) > 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn measure(folder: &Path, with_oracle: bool) -> (Totals, Totals) {
    let (mut native, mut json) = (Totals::default(), Totals::default());
    for batch in files(folder).chunks(512) {
        let (mut native_texts, mut json_texts) = (Vec::new(), Vec::new());
        for (path, is_json) in batch {
            match std::fs::read(path).map(String::from_utf8) {
                Ok(Ok(text)) if *is_json => json_texts.push((path.clone(), text)),
                Ok(Ok(text)) => native_texts.push((path.clone(), text)),
                _ => native.not_utf8 += 1,
            }
        }
        if with_oracle {
            for (path, text) in &native_texts {
                if let Some(what) = oracle::disagreement(text) {
                    native.disagreements += 1;
                    println!("{}: {what}", path.display());
                }
            }
        }
        native.add(native_texts, false);
        json.add(json_texts, true);
    }
    (native, json)
}

/// All configurations below a folder, with whether each is JSON.
fn files(folder: &Path) -> Vec<(PathBuf, bool)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if let Some(json) = syntax_of(&path) {
                found.push((path, json));
            }
        }
    }
    found.sort();
    found
}

/// Whether a file is JSON; `None` for other files than configurations.
fn syntax_of(path: &Path) -> Option<bool> {
    let name = path.file_name()?.to_str()?;
    let native = [".tf", ".tofu", ".tfvars", ".hcl", ".nomad"];
    let json = [".tf.json", ".tfvars.json", ".pkr.json"];
    if json.iter().any(|end| name.ends_with(end)) {
        return Some(true);
    }
    native
        .iter()
        .any(|end| name.ends_with(end))
        .then_some(false)
}

/// Shows rejected files to `terraform fmt`; how many it accepts.
fn compare(native: &Totals) -> usize {
    let mut wrong = 0;
    for (path, parsed) in &native.rejected {
        match fmt_accepts(parsed.text()) {
            Some(true) => {
                wrong += 1;
                describe("wrongly rejected", path, parsed);
            }
            Some(false) => {}
            None => println!("terraform could not be run for {}", path.display()),
        }
    }
    println!("wrongly rejected: {wrong} of {}", native.rejected.len());
    wrong
}

fn fmt_accepts(text: &str) -> Option<bool> {
    let mut child = Command::new("terraform")
        .args(["fmt", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // A formatter that stops reading early has rejected the text; its exit code says so.
    let _ = child.stdin.take()?.write_all(text.as_bytes());
    Some(child.wait().ok()?.success())
}

fn describe(what: &str, path: &Path, parsed: &Parsed) {
    let lines = LineIndex::new(parsed.text());
    for error in parsed.errors().iter().take(1) {
        let at = lines.position(
            parsed.text(),
            error.span.start,
            hcl_syntax::ColumnUnit::Scalar,
        );
        println!(
            "{what}: {}:{}:{}: {error}",
            path.display(),
            at.line + 1,
            at.column + 1
        );
    }
}
