//! A release is what registries and filesystem mirrors expect, and Terraform installs from it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use e2e::binaries::provider_program;
use e2e::release::{Release, VERSION};
use e2e::sandbox::{Installation, Plugin, platform};
use e2e::{Sandbox, Terraform};

const CONFIG: &str = r#"
terraform {
  required_providers {
    secretref = {
      source = "secretref/secretref"
    }
  }
}

output "path" {
  value = provider::secretref::parse_ref("local://dev/db").path
}
"#;

fn release(folder: &Path) -> Release {
    Release::lay_out(&[(platform(), provider_program().unwrap())], folder).unwrap()
}

/// Fills a mirror with a release.
type Add = fn(&Release, &Path) -> anyhow::Result<()>;

/// `terraform` installs the provider from a mirror that `add` has filled, and uses it. Returns the checksum
/// that it records.
fn installed(terraform: &Terraform, release: &Release, add: Add) -> String {
    let plugin = Plugin {
        name: "secretref",
        program: provider_program().unwrap(),
    };
    let sandbox = Sandbox::with(terraform.clone(), &plugin, Installation::DevOverrides).unwrap();
    let mirror = sandbox.path("release-mirror");
    add(release, &mirror).unwrap();
    sandbox.use_mirror(&mirror).unwrap();
    sandbox.write("main.tf", CONFIG).unwrap();
    for arguments in [
        &["init", "-no-color", "-input=false"][..],
        &["apply", "-no-color", "-input=false", "-auto-approve"],
    ] {
        sandbox
            .terraform(&sandbox.project(), arguments)
            .unwrap()
            .expect_code(0)
            .unwrap();
    }
    let lock = std::fs::read_to_string(sandbox.project().join(".terraform.lock.hcl")).unwrap();
    assert!(lock.contains(&format!("version = \"{VERSION}\"")), "{lock}");
    let checksum = lock.lines().find(|line| line.contains("\"h1:"));
    checksum.unwrap_or_else(|| panic!("{lock}")).to_owned()
}

#[test]
fn every_core_installs_it_from_a_filesystem_mirror_packed_and_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let release = release(folder.path());
    let fetched = Terraform::fetchable().map(|version| Terraform::fetch(version).unwrap());
    let mut checksums: Vec<_> = Terraform::installed()
        .into_iter()
        .chain(fetched)
        .flat_map(|terraform| {
            let adds: [Add; 2] = [Release::add_to_mirror, Release::unpack_into_mirror];
            adds.map(|add| installed(&terraform, &release, add))
        })
        .collect();
    checksums.dedup();
    assert_eq!(
        checksums.len(),
        1,
        "one program, one checksum: {checksums:?}"
    );
}

#[test]
fn the_checksums_name_every_file_and_the_archive_holds_one_program() {
    let folder = tempfile::tempdir().unwrap();
    let release = release(folder.path());
    let checksums = std::fs::read_to_string(&release.checksums).unwrap();
    let names: Vec<_> = checksums
        .lines()
        .map(|line| line.split_once("  ").unwrap().1)
        .collect();
    let platform = platform();
    assert_eq!(
        names,
        [
            format!("terraform-provider-secretref_{VERSION}_{platform}.zip"),
            format!("terraform-provider-secretref_{VERSION}_manifest.json"),
        ]
    );
    let file = std::fs::File::open(&release.archives[0]).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    assert_eq!(archive.len(), 1);
    let entry = archive.by_index(0).unwrap();
    assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
    assert!(
        entry
            .name()
            .starts_with(&format!("terraform-provider-secretref_v{VERSION}"))
    );
}

#[cfg(target_os = "linux")]
#[test]
fn sha256sum_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let release = release(folder.path());
    let status = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet"])
        .arg(release.checksums.file_name().unwrap())
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let read = |folder: &Path| std::fs::read(release(folder).checksums).unwrap();
    assert_eq!(read(one.path()), read(other.path()));
}
