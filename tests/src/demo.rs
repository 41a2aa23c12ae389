//! The main job, end to end, told step by step: what `cargo demo` runs.
//!
//! A leaky configuration is linted and its secure twin is applied with a real Terraform and a random
//! secret in the embedded local store. The secret must arrive in a provisioner and in a write-only
//! argument, and must be found nowhere in state, plan, logs, terminal output or audit log.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::leak::{Canary, Leak, sha256};
use crate::sandbox::{Installation, Outcome, Sandbox};

/// Longest excerpt of a program's output that the story shows, in lines.
const SHOWN_LINES: usize = 12;

/// Where the story is told, and how many steps it had.
struct Story<'a> {
    out: &'a mut dyn Write,
    step: usize,
}

impl Story<'_> {
    fn step(&mut self, title: &str) -> Result<()> {
        self.step += 1;
        writeln!(self.out, "\n{}. {title}", self.step)?;
        Ok(())
    }

    fn ran(&mut self, outcome: &Outcome, shown: &str) -> Result<()> {
        writeln!(self.out, "   $ {}", outcome.command)?;
        let lines: Vec<_> = shown
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        for line in lines.iter().take(SHOWN_LINES) {
            writeln!(self.out, "     {line}")?;
        }
        if lines.len() > SHOWN_LINES {
            writeln!(self.out, "     … {} more lines", lines.len() - SHOWN_LINES)?;
        }
        Ok(())
    }

    fn says(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "   => {text}")?;
        Ok(())
    }
}

/// Everything a run of the demo keeps in hand between its steps.
struct Demo {
    sandbox: Sandbox,
    canary: Canary,
    secure: PathBuf,
    service: PathBuf,
    report: PathBuf,
    /// Terminal output of every program run while the secret existed.
    terminal: String,
}

/// Tells the whole story to `out`.
///
/// # Errors
/// At the first step whose outcome is not the promised one.
pub fn run(out: &mut dyn Write) -> Result<()> {
    let started = Instant::now();
    let mut story = Story { out, step: 0 };
    writeln!(
        story.out,
        "secretref: a secret is referenced, never stored."
    )?;
    writeln!(story.out, "Building both programs …")?;
    let mut demo = Demo::new()?;
    writeln!(
        story.out,
        "Driven by {}",
        demo.sandbox.terraform_description()
    )?;

    let findings = demo.lint(&mut story)?;
    demo.create_store(&mut story)?;
    demo.plan_and_apply(&mut story)?;
    demo.prove_arrival(&mut story)?;
    let searched = demo.search(&mut story)?;
    let events = demo.verify_audit(&mut story)?;

    writeln!(
        story.out,
        "\nSummary: {findings} findings in the leaky stack, none in the secure one; the secret reached a \
         provisioner and a write-only argument; {searched} files and archive entries searched, no trace \
         of it; {events} accesses in a verified audit log; {:.1} s.",
        started.elapsed().as_secs_f64()
    )?;
    Ok(())
}

impl Demo {
    fn new() -> Result<Self> {
        let mut sandbox = Sandbox::new(Installation::Mirror)?;
        sandbox.copy_example("leaky")?;
        let secure = sandbox.copy_example("secure")?;
        let service = secure.join("live/dev/service");
        let report = sandbox.project().join("migration-report");
        sandbox.set_env("MIGRATION_REPORT", &report.display().to_string());
        Ok(Self {
            sandbox,
            canary: Canary::random(),
            secure,
            service,
            report,
            terminal: String::new(),
        })
    }

    /// Lints both stacks; returns the number of findings in the leaky one.
    fn lint(&self, story: &mut Story<'_>) -> Result<usize> {
        let project = self.sandbox.project();
        story.step("Lint a stack as it is usually written")?;
        let leaky = self
            .sandbox
            .secretlint(&project, &["--format", "short", "leaky"], "")?
            .expect_code(1)?;
        story.ran(&leaky, &leaky.stdout)?;
        let json = self
            .sandbox
            .secretlint(&project, &["--format", "json", "leaky"], "")?
            .expect_code(1)?;
        let report: serde_json::Value =
            serde_json::from_str(&json.stdout).context("the JSON report is not JSON")?;
        let findings = report["findings"].as_array().map_or(0, Vec::len);
        ensure!(findings > 0, "the leaky stack gave no findings");
        story.says(&format!("{findings} findings, exit code 1"))?;

        story.step("Lint the same stack done right")?;
        let secure = self
            .sandbox
            .secretlint(&project, &["secure"], "")?
            .expect_code(0)?;
        story.ran(&secure, &secure.text())?;
        story.says("clean, exit code 0")?;
        Ok(findings)
    }

    fn create_store(&mut self, story: &mut Story<'_>) -> Result<()> {
        story.step("Create an encrypted local store and put a random secret into it")?;
        let init = self.cli(&["store", "init"], "")?;
        story.ran(&init, &init.text())?;
        let value = self.canary.value().to_owned();
        let set = self.cli(&["store", "set", "local://dev/database#password"], &value)?;
        story.ran(&set, &set.text())?;
        story.says("the value went in through standard input; it is on no command line")
    }

    fn plan_and_apply(&mut self, story: &mut Story<'_>) -> Result<()> {
        story.step("Plan and apply with real Terraform, logging everything")?;
        let log = self.sandbox.project().join("trace.log");
        self.sandbox.set_env("TF_LOG", "TRACE");
        self.sandbox
            .set_env("TF_LOG_PATH", &log.display().to_string());
        for arguments in [
            &["init", "-no-color", "-input=false"][..],
            &["validate", "-no-color"],
            &["plan", "-no-color", "-input=false", "-out=tfplan"],
            &["apply", "-no-color", "-input=false", "tfplan"],
        ] {
            let outcome = self
                .sandbox
                .terraform(&self.service, arguments)?
                .expect_code(0)?;
            self.terminal.push_str(&outcome.text());
            let last = outcome
                .stdout
                .lines()
                .rev()
                .find(|line| {
                    [
                        "Plan:",
                        "Apply complete!",
                        "Success!",
                        "Terraform has been",
                        "OpenTofu has been",
                    ]
                    .iter()
                    .any(|start| line.starts_with(start))
                })
                .unwrap_or_default()
                .to_owned();
            story.ran(&outcome, &last)?;
        }
        Ok(())
    }

    fn prove_arrival(&mut self, story: &mut Story<'_>) -> Result<()> {
        story.step("Prove that the secret arrived")?;
        let reported = std::fs::read_to_string(&self.report)
            .context("the provisioner left no report: it did not run")?;
        ensure!(
            reported.trim() == self.canary.sha256(),
            "the provisioner got another value than the one stored"
        );
        story.says("provisioner: the SHA-256 of what it was given matches")?;
        // What the write-only argument wrote is read back for comparison only; this is the one output
        // that holds the secret, and it is hashed at once.
        let written = self
            .sandbox
            .provider(
                &self.secure,
                &["store", "get", "local://dev/service/database-password"],
                "",
            )?
            .expect_code(0)?;
        let digest = sha256(written.stdout.trim_end().as_bytes());
        ensure!(
            digest == self.canary.sha256(),
            "the write-only argument wrote another value than the one stored"
        );
        story.says("write-only argument: the SHA-256 of what it wrote matches")
    }

    /// Searches everything for the canary; returns how many files and entries were searched.
    fn search(&self, story: &mut Story<'_>) -> Result<usize> {
        story.step("Search state, plan, logs, terminal output and audit log for the secret")?;
        let mut leaks: Vec<Leak> = self
            .canary
            .search("terminal output", self.terminal.as_bytes());
        let mut searched = 1;
        for part in ["project", "home", "tmp"] {
            let (found, count) = self.canary.search_tree(&self.sandbox.path(part))?;
            leaks.extend(found);
            searched += count;
        }
        for name in [
            "live/dev/service/terraform.tfstate",
            "live/dev/service/tfplan",
        ] {
            ensure!(
                self.secure.join(name).is_file(),
                "{name} is missing: nothing was searched"
            );
        }
        ensure!(
            file_len(&self.sandbox.project().join("trace.log")) > 0,
            "the TRACE log is empty: nothing was searched"
        );
        for leak in &leaks {
            story.says(&format!("LEAK: {} in {}", leak.form, leak.place))?;
        }
        if !leaks.is_empty() {
            bail!("the secret leaked into {} places", leaks.len());
        }
        story.says(&format!(
            "{searched} files and archive entries, in plain, base64, hex, UTF-16 and reversed form: none"
        ))?;
        Ok(searched)
    }

    /// Verifies the audit log; returns the number of events in it.
    fn verify_audit(&mut self, story: &mut Story<'_>) -> Result<usize> {
        story.step("Show and verify the audit log")?;
        let shown = self.cli(&["audit", "show"], "")?;
        story.ran(&shown, &shown.stdout)?;
        let verified = self.cli(&["audit", "verify"], "")?;
        story.ran(&verified, &verified.text())?;
        let json = self.cli(&["audit", "show", "--format", "json"], "")?;
        let events = json
            .stdout
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count();
        ensure!(events > 0, "the audit log is empty");
        Ok(events)
    }

    /// Runs the provider by hand in the project, keeping what it said for the search.
    fn cli(&mut self, arguments: &[&str], input: &str) -> Result<Outcome> {
        let outcome = self
            .sandbox
            .provider(&self.secure, arguments, input)?
            .expect_code(0)?;
        self.terminal.push_str(&outcome.text());
        Ok(outcome)
    }
}

fn file_len(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
