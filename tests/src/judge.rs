//! Who says whether a configuration is valid, and consumes what it hands over: the real AWS provider wherever it
//! can be had, else a provider of this repository with its schema.
//!
//! The real one comes from the filesystem mirror that `SECRETREF_TEST_MIRROR` names, from a mirror of the user's
//! own Terraform configuration, or from the public registry.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::Result;
use hcl_edit::structure::Body;

use crate::sandbox::{REGISTRIES, Sandbox, platform};

/// Providers that can be stood in for, with the version that the stand-in claims to be.
const STAND_INS: &[(&str, &str)] = &[
    ("aws", "5.100.0"),
    ("azurerm", "4.30.0"),
    ("google", "7.6.0"),
    ("kubernetes", "2.38.0"),
    ("random", "3.7.2"),
];

/// Where providers come from.
#[derive(Clone, Debug)]
pub enum Judge {
    /// The real one from a filesystem mirror.
    Mirror(PathBuf),
    /// The real one from the public registry.
    Registry,
    /// Schemas of this repository.
    StandIns,
}

impl Judge {
    /// The real AWS provider where it can be had, else its stand-in. Asked once per process.
    #[must_use]
    pub fn of_aws() -> Self {
        static FOUND: OnceLock<Judge> = OnceLock::new();
        FOUND.get_or_init(Self::search).clone()
    }

    /// Providers of this repository with the schemas of others: enough for `validate`, not for a plan.
    #[must_use]
    pub fn stand_ins() -> Self {
        Self::StandIns
    }

    /// Whether this is the real AWS provider.
    #[must_use]
    pub fn is_real(&self) -> bool {
        !matches!(self, Self::StandIns)
    }

    fn search() -> Self {
        let named = std::env::var_os("SECRETREF_TEST_MIRROR").map(PathBuf::from);
        let mut mirrors = named.into_iter().chain(configured_mirrors());
        if let Some(mirror) = mirrors.find(|mirror| has_aws(mirror)) {
            return Self::Mirror(mirror);
        }
        if registry_answers() {
            return Self::Registry;
        }
        Self::StandIns
    }

    /// What it is, for people.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Self::Mirror(path) => format!("the real provider (mirror {})", path.display()),
            Self::Registry => "the real provider (public registry)".to_owned(),
            Self::StandIns => "the stand-in providers with schemas of this repository".to_owned(),
        }
    }

    /// From now on Terraform in the sandbox installs secretref from the sandbox and the rest from here.
    ///
    /// # Errors
    /// When a file cannot be written, or the stand-in cannot be built.
    pub fn install(&self, sandbox: &Sandbox) -> Result<()> {
        let own = sandbox.path("mirror");
        let mut methods = mirror(&own, "secretref/*");
        match self {
            Self::Mirror(path) => methods += &mirror(path, "hashicorp/aws"),
            Self::Registry => {
                let own = on_every_host("secretref/*");
                methods += &format!("  direct {{\n    exclude = {own:?}\n  }}\n");
            }
            Self::StandIns => {
                let folder = sandbox.path("stand-ins");
                lay_out(&folder)?;
                methods += &mirror(&folder, "hashicorp/*");
            }
        }
        let text = format!("disable_checkpoint = true\nprovider_installation {{\n{methods}}}\n");
        Ok(std::fs::write(sandbox.path("terraform.rc"), text)?)
    }
}

/// A wildcard for the host would have to be one for everything.
fn on_every_host(providers: &str) -> Vec<String> {
    let hosts = REGISTRIES.iter();
    hosts.map(|host| format!("{host}/{providers}")).collect()
}

fn mirror(path: &Path, providers: &str) -> String {
    let (path, include) = (path.display().to_string(), on_every_host(providers));
    format!("  filesystem_mirror {{\n    path    = {path:?}\n    include = {include:?}\n  }}\n")
}

/// The filesystem mirrors of the user's own Terraform configuration.
fn configured_mirrors() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let usual = home.map(|home| home.join(".terraformrc"));
    let named = std::env::var_os("TF_CLI_CONFIG_FILE").map(PathBuf::from);
    let Some(text) = named
        .or(usual)
        .and_then(|path| std::fs::read_to_string(path).ok())
    else {
        return Vec::new();
    };
    let Ok(parsed) = text.parse::<Body>() else {
        return Vec::new();
    };
    let installations = parsed.get_blocks("provider_installation");
    let mirrors = installations.flat_map(|found| found.body.get_blocks("filesystem_mirror"));
    mirrors
        .filter_map(|mirror| {
            let path = &mirror.body.get_attribute("path")?.value;
            path.as_str().map(PathBuf::from)
        })
        .collect()
}

fn has_aws(mirror: &Path) -> bool {
    let platform = platform();
    let versions = REGISTRIES
        .iter()
        .filter_map(|host| std::fs::read_dir(mirror.join(host).join("hashicorp/aws")).ok());
    // Unpacked (`aws/5.100.0/linux_amd64/`) or packed (`aws/terraform-provider-aws_5.100.0_linux_amd64.zip`).
    let zip = format!("_{platform}.zip");
    versions.flatten().flatten().any(|entry| {
        entry.path().join(&platform).is_dir() || entry.file_name().to_string_lossy().ends_with(&zip)
    })
}

/// Asks the registry's discovery document, which is what `terraform init` does first.
fn registry_answers() -> bool {
    let asked = Command::new("curl")
        .args([
            "--silent",
            "--fail",
            "--max-time",
            "5",
            "--output",
            "/dev/null",
        ])
        .arg("https://registry.terraform.io/v1/providers/hashicorp/aws/versions")
        .status();
    asked.is_ok_and(|status| status.success())
}

fn lay_out(folder: &Path) -> Result<()> {
    let program = crate::binaries::stand_in_provider()?;
    let end = std::env::consts::EXE_SUFFIX;
    for (name, version) in STAND_INS {
        for host in REGISTRIES {
            let place = folder
                .join(host)
                .join("hashicorp")
                .join(name)
                .join(version)
                .join(platform());
            std::fs::create_dir_all(&place)?;
            let target = place.join(format!("terraform-provider-{name}_v{version}{end}"));
            if std::fs::hard_link(&program, &target).is_err() {
                std::fs::copy(&program, &target)?;
            }
        }
    }
    Ok(())
}
