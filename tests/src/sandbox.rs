//! A temporary folder with a scrubbed environment, in which both programs and Terraform run as a user
//! would run them. Nothing of the caller's home or configuration is visible inside.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::binaries::{Binaries, workspace_root};
use crate::terraform::Terraform;

/// How Terraform finds the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installation {
    /// `dev_overrides`: no `terraform init` for the provider.
    DevOverrides,
    /// An unpacked filesystem mirror: `terraform init` installs from it.
    Mirror,
}

/// What a finished program left.
#[derive(Debug)]
pub struct Outcome {
    /// What was run, for messages.
    pub command: String,
    /// Its exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Both streams, one after the other.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Passes the outcome on when the program ended with `code`.
    ///
    /// # Errors
    /// Otherwise, with everything the program said.
    pub fn expect_code(self, code: i32) -> Result<Self> {
        if self.status.code() == Some(code) {
            return Ok(self);
        }
        bail!(
            "`{}` ended with {}, expected exit code {code}\n{}",
            self.command,
            self.status,
            self.text()
        )
    }
}

/// The provider that a sandbox installs.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its name: configurations require `secretref/<name>`.
    pub name: &'static str,
    /// The built program.
    pub program: PathBuf,
}

/// The temporary folder and what runs in it.
pub struct Sandbox {
    folder: tempfile::TempDir,
    terraform: Terraform,
    environment: Vec<(String, String)>,
}

impl Sandbox {
    /// Builds the programs, finds Terraform and lays out an empty sandbox.
    ///
    /// # Errors
    /// When a prerequisite is missing; the message says how to get it.
    pub fn new(installation: Installation) -> Result<Self> {
        let plugin = Plugin {
            name: "secretref",
            program: Binaries::build()?.provider,
        };
        Self::with(Terraform::locate()?, &plugin, installation)
    }

    /// Lays out an empty sandbox in which `terraform` finds `plugin`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn with(terraform: Terraform, plugin: &Plugin, installation: Installation) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("secretref-").tempdir()?;
        let sandbox = Self {
            folder,
            terraform,
            environment: Vec::new(),
        };
        for part in ["home", "tmp", "project"] {
            std::fs::create_dir_all(sandbox.path(part))?;
        }
        sandbox.install(plugin, installation)?;
        Ok(sandbox)
    }

    /// A path inside the sandbox.
    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// The folder configurations live in.
    #[must_use]
    pub fn project(&self) -> PathBuf {
        self.path("project")
    }

    /// Which Terraform drives the provider.
    #[must_use]
    pub fn terraform_description(&self) -> &str {
        &self.terraform.description
    }

    /// Sets an environment variable for everything that runs from now on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file below the project folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, relative: &str, text: &str) -> Result<()> {
        let path = self.project().join(relative);
        std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Copies a folder of the workspace's `examples/` into the project folder.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn copy_example(&self, name: &str) -> Result<PathBuf> {
        let to = self.project().join(name);
        copy_tree(&workspace_root().join("examples").join(name), &to)?;
        Ok(to)
    }

    /// Runs Terraform in `folder`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn terraform<S: AsRef<OsStr>>(&self, folder: &Path, arguments: &[S]) -> Result<Outcome> {
        self.run(self.terraform_command(folder, arguments), None)
    }

    /// A prepared Terraform command, for tests that need the running process.
    pub fn terraform_command<S: AsRef<OsStr>>(&self, folder: &Path, arguments: &[S]) -> Command {
        let mut command = self.terraform.command(arguments);
        self.prepare(&mut command, folder);
        command
    }

    /// Runs `terraform-provider-secretref` by hand in `folder`, feeding it `input`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn provider(&self, folder: &Path, arguments: &[&str], input: &str) -> Result<Outcome> {
        let mut command = Command::new(Binaries::build()?.provider);
        command.args(arguments);
        self.prepare(&mut command, folder);
        self.run(command, Some(input))
    }

    /// Prepares any program to run in `folder`, in this environment and no other.
    pub fn command(&self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        self.prepare(&mut command, folder);
        command
    }

    /// Runs `secretlint` in `folder`, feeding it `input`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn secretlint(&self, folder: &Path, arguments: &[&str], input: &str) -> Result<Outcome> {
        let mut command = Command::new(Binaries::build()?.linter);
        command.args(arguments);
        self.prepare(&mut command, folder);
        self.run(command, Some(input))
    }

    fn prepare(&self, command: &mut Command, folder: &Path) {
        command.current_dir(folder).env_clear();
        for kept in ["PATH", "LD_LIBRARY_PATH", "SystemRoot"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("TF_CLI_CONFIG_FILE", self.path("terraform.rc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    fn run(&self, mut command: Command, input: Option<&str>) -> Result<Outcome> {
        let shown = shown(&command);
        let mut child = command
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{shown}`"))?;
        if let (Some(text), Some(mut pipe)) = (input, child.stdin.take()) {
            match pipe.write_all(text.as_bytes()) {
                // A program that does not read its input may end before it is written.
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        let output = child.wait_with_output()?;
        Ok(Outcome {
            command: shown,
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    fn install(&self, plugin: &Plugin, installation: Installation) -> Result<()> {
        let name = plugin.name;
        let program = format!("terraform-provider-{name}");
        let method = match installation {
            Installation::DevOverrides => {
                let folder = self.path("bin");
                link(plugin, &folder, &program)?;
                format!(
                    "dev_overrides {{\n    \"secretref/{name}\" = {:?}\n  }}\n  direct {{}}",
                    folder.display().to_string()
                )
            }
            Installation::Mirror => {
                let version = env!("CARGO_PKG_VERSION");
                let mirror = self.path("mirror");
                for host in REGISTRIES {
                    let folder = mirror
                        .join(host)
                        .join(format!("secretref/{name}"))
                        .join(version)
                        .join(platform());
                    link(plugin, &folder, &format!("{program}_v{version}"))?;
                }
                Self::mirror_method(&mirror)
            }
        };
        self.write_rc(&method)
    }

    /// From now on Terraform installs providers from the filesystem mirror at `mirror` only.
    ///
    /// # Errors
    /// When its configuration cannot be written.
    pub fn use_mirror(&self, mirror: &Path) -> Result<()> {
        self.write_rc(&Self::mirror_method(mirror))
    }

    fn mirror_method(mirror: &Path) -> String {
        format!(
            "filesystem_mirror {{\n    path = {:?}\n  }}",
            mirror.display().to_string()
        )
    }

    fn write_rc(&self, method: &str) -> Result<()> {
        let text = format!("disable_checkpoint = true\nprovider_installation {{\n  {method}\n}}\n");
        Ok(std::fs::write(self.path("terraform.rc"), text)?)
    }
}

/// Hosts that Terraform and OpenTofu put before a source address without one.
pub const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

fn link(plugin: &Plugin, folder: &Path, name: &str) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let to = folder.join(name);
    if std::fs::hard_link(&plugin.program, &to).is_err() {
        std::fs::copy(&plugin.program, &to)
            .with_context(|| format!("cannot copy the provider to {}", to.display()))?;
    }
    Ok(())
}

/// Terraform's name of this platform, such as `linux_amd64`.
#[must_use]
pub fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}_{machine}")
}

fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut words = vec![name];
    words.extend(
        command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned())
            // The launcher of a fetched Terraform is a program text.
            .filter(|argument| !argument.contains('\n')),
    );
    words.join(" ")
}

pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    let entries =
        std::fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
