//! Where a test plays: a real Terraform with the built provider, a real OpenBao behind a counting proxy, a
//! login for the run, a consumer that hands over what reached it, and the search for what was left behind.

use std::ops::{Deref, DerefMut};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::processes::{provider_runs, wait_until};
use e2e::sandbox::Installation;
use e2e::servers::{Bao, FaultProxy, LeasePeriod, OpenBao, Postgres};
pub(crate) use e2e::stage::{consumer, unframed, value_consumer};
use e2e::stage::{said, with_flags};
use e2e::{Canary, stage};
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

/// The sandbox of one test and the server it talks to.
pub(crate) struct Stage {
    base: stage::Stage,
    login: String,
}

impl Deref for Stage {
    type Target = stage::Stage;

    fn deref(&self) -> &stage::Stage {
        &self.base
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut stage::Stage {
        &mut self.base
    }
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
        let mut base = stage::Stage::new(Installation::DevOverrides);
        base.sandbox.set_env("VAULT_ADDR", address);
        Self {
            base,
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
        self.write(text);
    }

    /// Waits until the consumer has its values.
    #[track_caller]
    pub(crate) fn wait_for_consumer(&self) {
        wait_until("the consumer to start", || self.consumed());
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

/// Runs `action`, which must take less than `limit`.
#[track_caller]
pub(crate) fn within<T>(limit: Duration, action: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = action();
    let took = started.elapsed();
    assert!(took < limit, "took {took:?}, longer than {limit:?}");
    result
}
