//! Who says whether a fixed stack is valid.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use e2e::Sandbox;
use e2e::sandbox::{REGISTRIES, platform};

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
pub(crate) enum Judge {
    /// The real one from a filesystem mirror.
    Mirror(PathBuf),
    /// The real one from the public registry.
    Registry,
    /// Schemas of this repository.
    StandIns,
}

impl Judge {
    /// The real AWS provider where it can be had, else its stand-in. Asked once per process.
    pub(crate) fn of_aws() -> Self {
        static FOUND: OnceLock<Judge> = OnceLock::new();
        FOUND.get_or_init(Self::search).clone()
    }

    pub(crate) fn stand_ins() -> Self {
        Self::StandIns
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

    pub(crate) fn description(&self) -> String {
        match self {
            Self::Mirror(path) => format!("the real provider (mirror {})", path.display()),
            Self::Registry => "the real provider (public registry)".to_owned(),
            Self::StandIns => "the stand-in providers with schemas of this repository".to_owned(),
        }
    }

    /// From now on Terraform in the sandbox installs secretref from the sandbox and the rest from here.
    pub(crate) fn install(&self, sandbox: &Sandbox) {
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
                lay_out(&folder);
                methods += &mirror(&folder, "hashicorp/*");
            }
        }
        let text = format!("disable_checkpoint = true\nprovider_installation {{\n{methods}}}\n");
        std::fs::write(sandbox.path("terraform.rc"), text).unwrap();
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
    let parsed = hcl_syntax::parse(text);
    let installations = parsed.body().blocks_of("provider_installation");
    let mirrors = installations.flat_map(|found| {
        let mirrors = found.body().blocks_of("filesystem_mirror");
        mirrors.filter_map(|mirror| {
            let path = mirror.body().attribute("path")?.value();
            Some(PathBuf::from(&*path.template()?.as_literal()?))
        })
    });
    mirrors.collect()
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

fn lay_out(folder: &Path) {
    let program = e2e::binaries::stand_in_provider().unwrap();
    let end = std::env::consts::EXE_SUFFIX;
    for (name, version) in STAND_INS {
        for host in REGISTRIES {
            let place = folder
                .join(host)
                .join("hashicorp")
                .join(name)
                .join(version)
                .join(platform());
            std::fs::create_dir_all(&place).unwrap();
            let mut file = String::new();
            let _ = write!(file, "terraform-provider-{name}_v{version}{end}");
            let target = place.join(file);
            if std::fs::hard_link(&program, &target).is_err() {
                std::fs::copy(&program, &target).unwrap();
            }
        }
    }
}
