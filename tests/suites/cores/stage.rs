//! Where a case plays: a sandbox with one core and the echo provider, and what the provider wrote down.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};

use e2e::binaries::echo_provider;
use e2e::processes::{provider_runs, running, wait_until};
use e2e::sandbox::{Installation, Plugin};
use e2e::{Outcome, Sandbox, Terraform};
use rustix::process::{Pid, Signal, kill_process_group};

/// The sandbox of one case.
pub(crate) struct Stage {
    sandbox: Sandbox,
}

impl Stage {
    pub(crate) fn new(terraform: Terraform) -> Self {
        let plugin = Plugin {
            name: "echo",
            program: echo_provider().unwrap(),
        };
        let sandbox = Sandbox::with(terraform, &plugin, Installation::DevOverrides).unwrap();
        std::fs::create_dir(sandbox.path("things")).unwrap();
        Self { sandbox }
    }

    /// Writes `main.tf`: the requirement, a provider block with a journal, and `text`.
    pub(crate) fn configure(&self, text: &str) {
        self.configure_alone(&format!(
            "provider \"echo\" {}\n{text}",
            self.body("journal")
        ));
    }

    /// Writes `main.tf`: the requirement and `text`.
    pub(crate) fn configure_alone(&self, text: &str) {
        let head = "terraform {\n  required_providers {\n    echo = {\n      source = \"secretref/echo\"\n    }\n  }\n}\n\n";
        self.write("main.tf", &format!("{head}{text}"));
    }

    /// Body of a provider block that writes to the journal of that name.
    pub(crate) fn body(&self, journal: &str) -> String {
        format!(
            "{{\n  journal = {:?}\n  things  = {:?}\n}}\n",
            self.sandbox.path(journal),
            self.sandbox.path("things")
        )
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        self.sandbox.write(file, text).unwrap();
    }

    /// A path inside the sandbox.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.sandbox.path(relative)
    }

    /// Runs Terraform, never asking.
    pub(crate) fn terraform(&self, arguments: &[&str]) -> Outcome {
        self.sandbox
            .terraform(&self.sandbox.project(), &with_flags(arguments))
            .unwrap()
    }

    /// Runs Terraform, which must succeed.
    #[track_caller]
    pub(crate) fn succeed(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.terraform(arguments);
        assert_eq!(outcome.status.code(), Some(0), "{}", said(&outcome));
        outcome
    }

    /// Runs Terraform, which must fail; returns what it says, without frames and line breaks.
    #[track_caller]
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        let outcome = self.terraform(arguments);
        assert_eq!(outcome.status.code(), Some(1), "{}", said(&outcome));
        unframed(&outcome.stderr)
    }

    /// The configuration is what is there: a plan finds nothing to do.
    #[track_caller]
    pub(crate) fn nothing_to_do(&self) {
        self.succeed(&["plan", "-detailed-exitcode"]);
    }

    /// Starts Terraform in a process group of its own, as a shell does.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.sandbox
            .terraform_command(&self.sandbox.project(), &with_flags(arguments))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Addresses in the state.
    pub(crate) fn state(&self) -> Vec<String> {
        let listed = self.succeed(&["state", "list"]).stdout;
        listed.lines().map(str::to_owned).collect()
    }

    /// How often `event` is in the journal of that name.
    pub(crate) fn count_in(&self, journal: &str, event: &str) -> usize {
        let text = std::fs::read_to_string(self.path(journal)).unwrap_or_default();
        text.lines().filter(|line| *line == event).count()
    }

    /// How often `event` is in the journal.
    pub(crate) fn count(&self, event: &str) -> usize {
        self.count_in("journal", event)
    }

    /// Leases were opened, every one was revoked, and nothing is left running.
    #[track_caller]
    pub(crate) fn all_given_back(&self) {
        wait_until("the provider to end", || !provider_runs(&self.sandbox));
        let opened = self.count("opened");
        assert!(opened > 0, "no lease was opened");
        assert_eq!(self.count("revoked"), opened);
        self.all_closed("journal");
    }

    /// What every provider block made was closed, after the last lease that was revoked.
    #[track_caller]
    pub(crate) fn all_closed(&self, journal: &str) {
        let configured = self.count_in(journal, "configured");
        assert!(configured > 0, "no provider block was configured");
        assert_eq!(self.count_in(journal, "closed"), configured);
    }

    /// No process of the sandbox is left.
    #[track_caller]
    pub(crate) fn nothing_runs(&self) {
        wait_until("all processes to end", || running(&self.sandbox).is_empty());
    }
}

/// Sends `signal` to the whole process group of `child`, as a terminal does.
pub(crate) fn signal_group(child: &Child, signal: Signal) {
    kill_process_group(Pid::from_child(child), signal).unwrap();
}

/// Ends what is left of a process group, if anything is.
pub(crate) fn sweep(group: Pid) {
    // A group without processes is no group.
    let _ = kill_process_group(group, Signal::KILL);
}

/// What a finished process said, without frames and line breaks.
pub(crate) fn unframed_output(output: &Output) -> String {
    unframed(&format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn unframed(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']))
        .collect::<Vec<_>>()
        .join(" ")
}

fn said(outcome: &Outcome) -> String {
    format!("`{}`:\n{}", outcome.command, outcome.text())
}

/// `arguments` with the flags that keep the command from asking and colouring.
fn with_flags<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let (command, rest) = arguments.split_first().unwrap();
    let flags: &[&str] = match *command {
        "apply" | "destroy" => &["-no-color", "-input=false", "-auto-approve"],
        "plan" | "import" => &["-no-color", "-input=false"],
        "validate" | "query" => &["-no-color"],
        _ => &[],
    };
    [&[*command], flags, rest].concat()
}
