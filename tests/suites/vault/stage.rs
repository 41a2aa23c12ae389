//! Where a test plays: a real Terraform with the built provider, a real OpenBao behind a counting proxy, a
//! login for the run, a consumer that hands over what reached it, and the search for what was left behind.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use e2e::processes::{provider_runs, wait_until};
use e2e::sandbox::Installation;
use e2e::servers::{Bao, FaultProxy, LeasePeriod, OpenBao, Postgres};
use e2e::{Canary, Outcome, Sandbox};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

/// Periods that no test waits for.
pub(crate) const LONG: LeasePeriod = LeasePeriod {
    default_seconds: 600,
    max_seconds: 1200,
};

/// What the run may do: read, and no more than the default policy besides.
const POLICY: &str = "\
path \"kv/*\" { capabilities = [\"read\", \"list\"] }
path \"kv1/*\" { capabilities = [\"read\", \"list\"] }
path \"db/creds/*\" { capabilities = [\"read\"] }
";

/// Keeps every value it is given, says that it started, waits while there is a file `hold`, and fails when
/// there is a file `fail`.
const CONSUMER: &str = "\
set -eu
for name in $(env | sed -n 's/^H_\\([a-z0-9_]*\\)=.*/\\1/p'); do
  printenv \"H_$name\" > \"$HANDOVER/$name\"
done
touch \"$HANDOVER/started\"
tries=0
while [ -e \"$HANDOVER/hold\" ] && [ $tries -lt 1800 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
[ ! -e \"$HANDOVER/fail\" ]
";

/// The requirement that every configuration starts with.
const HEAD: &str = "terraform {\n  required_providers {\n    secretref = {\n      source = \"secretref/secretref\"\n    }\n  }\n}\n\n";

/// The sandbox of one test and the server it talks to.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    login: String,
}

impl Stage {
    /// A stage whose run logs in to `admin`'s server by AppRole, through `address`.
    pub(crate) fn new(admin: &Bao, address: &str) -> Self {
        admin.enable_auth("approle", "approle").unwrap();
        admin.policy("run", POLICY).unwrap();
        admin
            .write(
                "auth/approle/role/run",
                &json!({ "token_policies": ["run"], "token_ttl": "1h", "token_max_ttl": "2h" }),
            )
            .unwrap();
        let role = admin.read("auth/approle/role/run/role-id").unwrap();
        let secret = admin
            .write("auth/approle/role/run/secret-id", &Value::Null)
            .unwrap();
        let role = role["data"]["role_id"].as_str().unwrap();
        let login = format!(
            "  auth {{\n    approle {{\n      role_id       = \"{role}\"\n      secret_id_env = \"SECRET_ID\"\n    }}\n  }}\n"
        );
        let mut stage = Self::without_login(address);
        stage.login = login;
        let secret = secret["data"]["secret_id"].as_str().unwrap();
        stage.sandbox.set_env("SECRET_ID", secret);
        stage
    }

    /// A stage whose run has no way to log in but what a test sets.
    pub(crate) fn without_login(address: &str) -> Self {
        let mut sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
        std::fs::create_dir(sandbox.path("handover")).unwrap();
        let handover = sandbox.path("handover").display().to_string();
        sandbox.set_env("HANDOVER", &handover);
        sandbox.set_env("VAULT_ADDR", address);
        sandbox.write("consumer.sh", CONSUMER).unwrap();
        let log = sandbox.project().join("trace.log").display().to_string();
        sandbox.set_env("TF_LOG", "TRACE");
        sandbox.set_env("TF_LOG_PATH", &log);
        Self {
            sandbox,
            login: String::new(),
        }
    }

    /// Writes `main.tf`: the requirement, a store block with the login and `settings`, and `text`.
    pub(crate) fn configure_with(&self, settings: &str, text: &str) {
        let provider = format!(
            "provider \"secretref\" {{\n  vault \"default\" {{\n{}{settings}  }}\n}}\n\n",
            self.login
        );
        self.configure_alone(&format!("{provider}{text}"));
    }

    /// Writes `main.tf`: the requirement, a store block with the login, and `text`.
    pub(crate) fn configure(&self, text: &str) {
        self.configure_with("", text);
    }

    /// Writes `main.tf`: the requirement and `text`.
    pub(crate) fn configure_alone(&self, text: &str) {
        self.sandbox
            .write("main.tf", &format!("{HEAD}{text}"))
            .unwrap();
    }

    /// Makes the consumer wait until [`Stage::let_go`].
    pub(crate) fn hold(&self) {
        std::fs::write(self.handover("hold"), "").unwrap();
    }

    /// Ends the wait of the consumer.
    pub(crate) fn let_go(&self) {
        std::fs::remove_file(self.handover("hold")).unwrap();
    }

    /// Makes the consumer fail.
    pub(crate) fn let_fail(&self) {
        std::fs::write(self.handover("fail"), "").unwrap();
    }

    /// Waits until the consumer has its values.
    #[track_caller]
    pub(crate) fn wait_for_consumer(&self) {
        wait_until("the consumer to start", || {
            self.handover("started").exists()
        });
    }

    /// What reached the consumer under `name`.
    #[track_caller]
    pub(crate) fn received(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.handover(name)).unwrap();
        text.trim_end_matches('\n').to_owned()
    }

    /// Whether anything reached the consumer.
    pub(crate) fn consumed(&self) -> bool {
        self.handover("started").exists()
    }

    fn handover(&self, name: &str) -> PathBuf {
        self.sandbox.path("handover").join(name)
    }

    /// Runs Terraform, never asking.
    pub(crate) fn terraform(&self, arguments: &[&str]) -> Outcome {
        self.sandbox
            .terraform(&self.sandbox.project(), &with_flags(arguments))
            .unwrap()
    }

    /// `terraform apply`, which must succeed.
    #[track_caller]
    pub(crate) fn apply(&self) -> Outcome {
        let outcome = self.terraform(&["apply"]);
        assert_eq!(outcome.status.code(), Some(0), "{}", outcome.text());
        outcome
    }

    /// Runs Terraform, which must fail; returns what it says, without frames and line breaks.
    #[track_caller]
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        let outcome = self.terraform(arguments);
        assert_eq!(outcome.status.code(), Some(1), "{}", outcome.text());
        unframed(&outcome.text())
    }

    /// Starts Terraform in a process group of its own, as a shell does.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command: Command = self
            .sandbox
            .terraform_command(&self.sandbox.project(), &with_flags(arguments));
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running {
            child: Some(command.spawn().unwrap()),
        }
    }

    /// Waits until the provider has ended.
    #[track_caller]
    pub(crate) fn provider_ended(&self) {
        wait_until("the provider to end", || !provider_runs(&self.sandbox));
    }

    /// The secret is nowhere but where it was handed over: not in state, plan, logs, home, temporary files
    /// or in `outputs`, what programs said.
    #[track_caller]
    pub(crate) fn assert_no_leak(&self, canary: &Canary, outputs: &[&str]) {
        for part in ["project", "home", "tmp"] {
            let (leaks, searched) = canary.search_tree(&self.sandbox.path(part)).unwrap();
            assert!(leaks.is_empty(), "{part}: {leaks:?}");
            assert!(searched > 0 || part != "project");
        }
        for text in outputs {
            let leaks = canary.search("output", text.as_bytes());
            assert!(leaks.is_empty(), "{leaks:?}");
        }
    }
}

/// A Terraform that runs; what is left of its process group ends with this.
pub(crate) struct Running {
    child: Option<Child>,
}

impl Running {
    /// Sends `signal` to the whole group, as a terminal does.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process_group(self.group(), signal).unwrap();
    }

    /// Ends Terraform alone, as the system does when memory runs out.
    pub(crate) fn kill_terraform(&mut self) {
        let child = self.child.as_mut().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits for the end; returns the exit code and what was said, without frames and line breaks.
    pub(crate) fn finish(mut self) -> (Option<i32>, String) {
        let group = self.group();
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        let _ = kill_process_group(group, Signal::KILL);
        (output.status.code(), said(&output))
    }

    fn group(&self) -> Pid {
        Pid::from_child(self.child.as_ref().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // A group without processes is no group.
            let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
            let _ = child.wait();
        }
    }
}

/// One OpenBao behind a counting proxy, with a key-value mount of each version, and a stage before them.
pub(crate) struct Dev {
    pub(crate) stage: Stage,
    pub(crate) proxy: FaultProxy,
    pub(crate) bao: OpenBao,
    tokens: Vec<String>,
}

impl Dev {
    /// A stage whose run logs in by AppRole.
    pub(crate) fn new() -> Self {
        let bao = OpenBao::dev().unwrap();
        let proxy = FaultProxy::start(bao.address()).unwrap();
        let admin = bao.admin();
        admin.mount("kv", "kv", &json!({ "version": "2" })).unwrap();
        admin.mount("kv1", "kv", &Value::Null).unwrap();
        let stage = Stage::new(admin, &proxy.url());
        let tokens = admin.token_accessors().unwrap();
        Self {
            stage,
            proxy,
            bao,
            tokens,
        }
    }

    /// The same with a database whose role is `app`.
    pub(crate) fn with_database(period: LeasePeriod) -> (Self, Postgres) {
        let dev = Self::new();
        let postgres = Postgres::start().unwrap();
        dev.admin().connect_database("db", &postgres).unwrap();
        dev.admin().database_role("db", "app", period).unwrap();
        (dev, postgres)
    }

    pub(crate) fn admin(&self) -> &Bao {
        self.bao.admin()
    }

    /// Stores a new secret under `kv/app`, field `password`.
    pub(crate) fn store_secret(&self) -> Canary {
        let canary = Canary::random();
        self.admin()
            .write(
                "kv/data/app",
                &json!({ "data": { "password": canary.value() } }),
            )
            .unwrap();
        canary
    }

    /// No lease and no token that this run made is left; waits a moment for a server that revokes in the
    /// background.
    #[track_caller]
    pub(crate) fn nothing_left(&self) {
        let left = || {
            let mut left = Vec::new();
            for mount in ["db", "kubernetes", "pki", "rabbitmq"] {
                left.extend(self.admin().leases(mount).unwrap());
            }
            left.extend(self.tokens_of_the_run());
            left
        };
        let started = Instant::now();
        while !left().is_empty() && started.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(left(), [""; 0], "leases or tokens are left");
    }

    /// Accessors of the tokens that are alive and were not there before the run.
    pub(crate) fn tokens_of_the_run(&self) -> Vec<String> {
        let tokens = self.admin().token_accessors().unwrap().into_iter();
        tokens
            .filter(|accessor| !self.tokens.contains(accessor))
            .collect()
    }

    /// Also no user is left in the database.
    #[track_caller]
    pub(crate) fn nobody_left(&self, postgres: &Postgres) {
        self.nothing_left();
        wait_until("all logins to be dropped", || {
            postgres.roles().unwrap().is_empty()
        });
    }
}

/// A consumer of `values`, expressions by name. They may be ephemeral.
pub(crate) fn consumer(values: &[(&str, &str)]) -> String {
    let lines: String = values
        .iter()
        .map(|(name, expression)| format!("      H_{name} = {expression}\n"))
        .collect();
    format!(
        "resource \"terraform_data\" \"consumer\" {{\n  provisioner \"local-exec\" {{\n    \
         command = \"sh consumer.sh\"\n    environment = {{\n{lines}    }}\n  }}\n}}\n"
    )
}

/// A credential of the database role `app`, opened while applying, and its consumer.
pub(crate) fn database_consumer() -> String {
    format!(
        "ephemeral \"secretref_values\" \"db\" {{\n  refs = {{\n    user     = \"vault://db/creds/app#username\"\n    \
         password = \"vault://db/creds/app#password\"\n  }}\n  applying = terraform.applying\n}}\n\n{}",
        consumer(&[
            ("user", "ephemeral.secretref_values.db.values.user"),
            ("password", "ephemeral.secretref_values.db.values.password"),
        ])
    )
}

/// The secret `reference` and its consumer, which gets it as `value`.
pub(crate) fn value_consumer(reference: &str) -> String {
    format!(
        "ephemeral \"secretref_value\" \"x\" {{\n  ref      = \"{reference}\"\n  applying = terraform.applying\n}}\n\n{}",
        consumer(&[("value", "ephemeral.secretref_value.x.value")])
    )
}

/// `arguments` with the flags that keep the command from asking and colouring.
fn with_flags(arguments: &[&str]) -> Vec<String> {
    let mut all = vec![arguments[0].to_owned(), "-no-color".to_owned()];
    if matches!(arguments[0], "plan" | "apply" | "destroy") {
        all.push("-input=false".to_owned());
    }
    // A saved plan asks nothing.
    let saved = arguments[1..].iter().any(|word| !word.starts_with('-'));
    if matches!(arguments[0], "apply" | "destroy") && !saved {
        all.push("-auto-approve".to_owned());
    }
    all.extend(arguments[1..].iter().map(|word| (*word).to_owned()));
    all
}

fn said(output: &Output) -> String {
    unframed(&format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// What people are told, without frames and line breaks that depend on the width.
pub(crate) fn unframed(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs `action`, which must take less than `limit`.
#[track_caller]
pub(crate) fn within<T>(limit: Duration, action: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = action();
    let took = started.elapsed();
    assert!(took < limit, "took {took:?}, longer than {limit:?}");
    result
}
