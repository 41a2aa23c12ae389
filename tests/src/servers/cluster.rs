//! Three real OpenBao servers that replicate over raft, with TLS, a file audit device and client
//! certificates: what a production installation looks like, and what can break in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::authority::{Authority, Issued};
use super::bao::Bao;
use super::client::Client;
use super::openbao::program;
use super::process::{Process, folder, free_port, with_retries};

/// How many servers there are.
const SIZE: usize = 3;

/// Each of the steps of a start takes seconds; on a busy machine, tens of seconds.
const STEP_LIMIT: Duration = Duration::from_secs(90);

/// The cluster; it ends when this is dropped.
pub struct OpenBaoCluster {
    nodes: Vec<Node>,
    authority: Authority,
    ca: PathBuf,
    root_token: String,
    unseal_key: String,
    // Dropped after the processes, which write into it.
    folder: tempfile::TempDir,
}

struct Node {
    address: String,
    folder: PathBuf,
    /// `None` after it was killed.
    process: Option<Process>,
}

/// Ports of a node: for clients, and for the other nodes.
type Ports = (u16, u16);

impl OpenBaoCluster {
    /// Starts three nodes, initialises and unseals them, and waits until all of them may vote: from then
    /// on the cluster survives the loss of any one.
    ///
    /// # Errors
    /// When the program cannot be fetched or the cluster does not come up.
    pub fn start() -> Result<Self> {
        let program = program()?;
        with_retries(|| Self::start_with(&program))
    }

    fn start_with(program: &Path) -> Result<Self> {
        let folder = folder("cluster")?;
        let authority = Authority::new("OpenBao test cluster")?;
        let ca = authority.write(folder.path())?;
        let ports = (0..SIZE)
            .map(|_| Ok((free_port()?, free_port()?)))
            .collect::<Result<Vec<Ports>>>()?;
        let nodes = (0..SIZE)
            .map(|index| {
                let home = folder.path().join(format!("node{index}"));
                prepare(&home, index, &ports, &authority, &ca)?;
                let process = Some(launch(program, &home)?);
                let address = format!("https://127.0.0.1:{}", ports[index].0);
                Ok(Node {
                    address,
                    folder: home,
                    process,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let mut cluster = Self {
            nodes,
            authority,
            ca,
            root_token: String::new(),
            unseal_key: String::new(),
            folder,
        };
        cluster.initialise()?;
        Ok(cluster)
    }

    fn initialise(&mut self) -> Result<()> {
        for index in 0..SIZE {
            // 501: not initialised.
            self.wait_status(index, &[501])?;
        }
        let client = self.client(0)?;
        let body = json!({ "secret_shares": 1, "secret_threshold": 1 });
        let answer = client
            .send("POST", "/v1/sys/init", Some(&body))?
            .success()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.root_token = text(&answer["root_token"]).context("init returned no token")?;
        self.unseal_key = text(&answer["keys_base64"][0]).context("init returned no key")?;
        self.unseal(0)?;
        self.wait_status(0, &[200])?;
        for index in 1..SIZE {
            // A node can be unsealed as soon as it has joined, which takes it a moment.
            self.wait(&format!("node {index} joined"), || {
                self.unseal(index).is_ok() && self.status(index) == Some(429)
            })?;
        }
        self.wait("all nodes vote", || {
            self.voters().is_ok_and(|voters| voters == SIZE)
        })
    }

    /// Addresses of the nodes, dead or alive.
    #[must_use]
    pub fn addresses(&self) -> Vec<&str> {
        self.nodes.iter().map(|node| &*node.address).collect()
    }

    /// The certificate of the cluster's authority, for `VAULT_CACERT`.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca
    }

    /// The cluster's authority, which also issues certificates for clients and proxies.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A client certificate for `name`, for the cert login.
    ///
    /// # Errors
    /// When none can be made.
    pub fn client_certificate(&self, name: &str) -> Result<Issued> {
        self.authority.client_certificate(name)
    }

    /// The token that may do everything.
    #[must_use]
    pub fn root_token(&self) -> &str {
        &self.root_token
    }

    /// Node `index` as its administrator sees it.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn node(&self, index: usize) -> Result<Bao> {
        Ok(Bao::new(self.client(index)?, &self.root_token))
    }

    /// The leader as its administrator sees it.
    ///
    /// # Errors
    /// When there is none within 90 s.
    pub fn admin(&self) -> Result<Bao> {
        self.node(self.leader()?)
    }

    /// Index of the leader, waiting for an election that is under way.
    ///
    /// # Errors
    /// When there is none within 90 s.
    pub fn leader(&self) -> Result<usize> {
        let mut found = None;
        self.wait("there is a leader", || {
            found = (0..SIZE).find(|index| self.runs(*index) && self.status(*index) == Some(200));
            found.is_some()
        })?;
        found.context("no leader")
    }

    /// Ends node `index` at once, as a crash of its machine would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self, index: usize) -> Result<()> {
        let mut process = self.nodes[index]
            .process
            .take()
            .with_context(|| format!("node {index} does not run"))?;
        process.kill().map(drop)
    }

    /// Starts node `index` again after [`OpenBaoCluster::kill`] and unseals it.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart(&mut self, index: usize) -> Result<()> {
        let process = launch(&program()?, &self.nodes[index].folder)?;
        self.nodes[index].process = Some(process);
        self.wait(&format!("node {index} is back"), || {
            let _ = self.unseal(index);
            matches!(self.status(index), Some(200 | 429))
        })
    }

    /// Makes node `index` stop answering anybody without ending, as behind a broken network.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&self, index: usize) -> Result<()> {
        self.process(index)?.signal(Signal::STOP)
    }

    /// Undoes [`OpenBaoCluster::pause`].
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self, index: usize) -> Result<()> {
        self.process(index)?.signal(Signal::CONT)
    }

    /// Seals every node: afterwards each answers 503 to everything. The leader is told to; standbys refuse
    /// that, and are restarted, which seals them too.
    ///
    /// # Errors
    /// When a node refuses or does not come back.
    pub fn seal_all(&mut self) -> Result<()> {
        let leader = self.leader()?;
        self.node(leader)?.write("sys/seal", &Value::Null)?;
        let program = program()?;
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if index != leader && node.process.is_some() {
                node.process = None;
                node.process = Some(launch(&program, &node.folder)?);
            }
        }
        for index in 0..SIZE {
            if self.runs(index) {
                self.wait_status(index, &[503])?;
            }
        }
        Ok(())
    }

    /// Unseals every node that runs and waits for a leader.
    ///
    /// # Errors
    /// When a node refuses.
    pub fn unseal_all(&self) -> Result<()> {
        for index in 0..SIZE {
            if self.runs(index) {
                self.unseal(index)?;
            }
        }
        self.leader().map(drop)
    }

    /// What the audit devices of all nodes wrote: an independent witness of every request.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn audit_log(&self) -> Result<String> {
        let mut text = String::new();
        for node in &self.nodes {
            let path = node.folder.join("audit.log");
            if path.exists() {
                text.push_str(&std::fs::read_to_string(&path)?);
            }
        }
        Ok(text)
    }

    /// The folder of the cluster's files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn voters(&self) -> Result<usize> {
        let answer = self.node(0)?.read("sys/storage/raft/configuration")?;
        let servers = answer["data"]["config"]["servers"].as_array();
        Ok(servers
            .into_iter()
            .flatten()
            .filter(|server| server["voter"] == true)
            .count())
    }

    fn unseal(&self, index: usize) -> Result<()> {
        let body = json!({ "key": self.unseal_key });
        self.client(index)?
            .send("POST", "/v1/sys/unseal", Some(&body))?
            .success()
            .map(drop)
    }

    fn client(&self, index: usize) -> Result<Client> {
        let node = self.nodes.get(index).context("there is no such node")?;
        Client::new(&node.address, Some(&self.authority))
    }

    fn process(&self, index: usize) -> Result<&Process> {
        self.nodes
            .get(index)
            .and_then(|node| node.process.as_ref())
            .with_context(|| format!("node {index} does not run"))
    }

    fn runs(&self, index: usize) -> bool {
        self.process(index).is_ok()
    }

    fn status(&self, index: usize) -> Option<u16> {
        self.client(index).ok()?.status("/v1/sys/health")
    }

    fn wait_status(&self, index: usize, wanted: &[u16]) -> Result<()> {
        self.wait(&format!("node {index} answers {wanted:?}"), || {
            self.status(index)
                .is_some_and(|status| wanted.contains(&status))
        })
    }

    fn wait(&self, what: &str, mut done: impl FnMut() -> bool) -> Result<()> {
        let started = Instant::now();
        while !done() {
            if started.elapsed() > STEP_LIMIT {
                bail!(
                    "waited {} s until {what}\n{}",
                    STEP_LIMIT.as_secs(),
                    self.log_tails()
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn log_tails(&self) -> String {
        let tails = self
            .nodes
            .iter()
            .filter_map(|node| node.process.as_ref())
            .map(Process::log_tail);
        tails.collect::<Vec<_>>().join("\n")
    }
}

/// Lays out the folder of a node: certificate, empty storage, configuration.
fn prepare(
    home: &Path,
    index: usize,
    ports: &[Ports],
    authority: &Authority,
    ca: &Path,
) -> Result<()> {
    std::fs::create_dir_all(home.join("raft"))?;
    authority.server_certificate()?.write(home, "server")?;
    std::fs::write(
        home.join("config.hcl"),
        configuration(index, ports, &ca.display().to_string()),
    )?;
    Ok(())
}

/// The audit device must be declared the same on all nodes, or each failover fails: hence a relative path,
/// and a working folder for each node.
fn configuration(index: usize, ports: &[Ports], ca: &str) -> String {
    let others: String = ports
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != index)
        .map(|(_, (port, _))| {
            format!(
                "  retry_join {{\n    leader_api_addr = \"https://127.0.0.1:{port}\"\n    \
                 leader_ca_cert_file = {ca:?}\n  }}\n"
            )
        })
        .collect();
    let (port, cluster_port) = ports[index];
    format!(
        "\
storage \"raft\" {{
  path = \"raft\"
  node_id = \"node{index}\"
  performance_multiplier = 1
{others}}}
listener \"tcp\" {{
  address = \"127.0.0.1:{port}\"
  cluster_address = \"127.0.0.1:{cluster_port}\"
  tls_cert_file = \"server.pem\"
  tls_key_file = \"server.key.pem\"
}}
api_addr = \"https://127.0.0.1:{port}\"
cluster_addr = \"https://127.0.0.1:{cluster_port}\"
audit \"file\" \"main\" {{
  options {{
    file_path = \"audit.log\"
  }}
}}
"
    )
}

fn launch(program: &Path, home: &Path) -> Result<Process> {
    let mut command = Command::new(program);
    command
        .args(["server", "-config=config.hcl"])
        .current_dir(home);
    Process::start("openbao", command, home, Signal::TERM)
}
