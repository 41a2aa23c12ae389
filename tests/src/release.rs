//! What a release of the provider consists of, as registries and filesystem mirrors look for it: one zip
//! archive for each platform, a manifest and the checksums of them all.
//!
//! The signature of the checksums is not made here: it needs a key that only the release job has.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;

use crate::binaries::workspace_root;
use crate::sandbox::REGISTRIES;

/// Version of the release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const PROGRAM: &str = "terraform-provider-secretref";

/// A release in a folder.
#[derive(Debug)]
pub struct Release {
    /// The zip archives.
    pub archives: Vec<PathBuf>,
    /// The manifest that tells the registry the protocol version.
    pub manifest: PathBuf,
    /// One line for each file above: its SHA-256 in hexadecimal, two spaces, its name.
    pub checksums: PathBuf,
}

impl Release {
    /// Lays out a release of `programs`, each with the name of its platform (such as `linux_amd64`), in
    /// `folder`. The same programs give the same bytes.
    ///
    /// # Errors
    /// When a program cannot be read or a file cannot be written.
    pub fn lay_out(programs: &[(String, PathBuf)], folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let archives = programs
            .iter()
            .map(|(platform, program)| pack(platform, program, folder))
            .collect::<Result<Vec<_>>>()?;
        let manifest = folder.join(format!("{PROGRAM}_{VERSION}_manifest.json"));
        copy(
            &workspace_root().join("terraform-registry-manifest.json"),
            &manifest,
        )?;
        let checksums = folder.join(format!("{PROGRAM}_{VERSION}_SHA256SUMS"));
        let mut lines = String::new();
        for file in archives.iter().chain([&manifest]) {
            let digest = Sha256::digest(read(file)?);
            for byte in digest {
                write!(lines, "{byte:02x}")?;
            }
            writeln!(lines, "  {}", name(file))?;
        }
        std::fs::write(&checksums, lines)
            .with_context(|| format!("cannot write {}", checksums.display()))?;
        Ok(Self {
            archives,
            manifest,
            checksums,
        })
    }

    /// Puts the archives into the filesystem mirror `mirror` in its packed layout: a plain copy.
    ///
    /// # Errors
    /// When a file cannot be copied.
    pub fn add_to_mirror(&self, mirror: &Path) -> Result<()> {
        for host in REGISTRIES {
            let folder = mirror.join(host).join("secretref/secretref");
            std::fs::create_dir_all(&folder)?;
            for archive in &self.archives {
                copy(archive, &folder.join(name(archive)))?;
            }
        }
        Ok(())
    }

    /// Puts the content of the archives into the filesystem mirror `mirror` in its unpacked layout.
    ///
    /// # Errors
    /// When an archive cannot be unpacked.
    pub fn unpack_into_mirror(&self, mirror: &Path) -> Result<()> {
        for host in REGISTRIES {
            for archive in &self.archives {
                let folder = mirror
                    .join(host)
                    .join("secretref/secretref")
                    .join(VERSION)
                    .join(platform_of(archive));
                let file = std::fs::File::open(archive)?;
                zip::ZipArchive::new(file)?
                    .extract(&folder)
                    .with_context(|| format!("cannot unpack {}", archive.display()))?;
            }
        }
        Ok(())
    }
}

fn pack(platform: &str, program: &Path, folder: &Path) -> Result<PathBuf> {
    let path = folder.join(format!("{PROGRAM}_{VERSION}_{platform}.zip"));
    let suffix = if platform.starts_with("windows") {
        ".exe"
    } else {
        ""
    };
    let file = std::fs::File::create(&path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    let mut archive = zip::ZipWriter::new(file);
    // Terraform starts what it unpacks, so the entry must be executable.
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    archive.start_file(format!("{PROGRAM}_v{VERSION}{suffix}"), options)?;
    archive.write_all(&read(program)?)?;
    archive.finish()?;
    Ok(path)
}

/// The last two words of `<program>_<version>_<system>_<machine>.zip`.
fn platform_of(archive: &Path) -> String {
    let stem = archive.file_stem().unwrap_or_default().to_string_lossy();
    let words: Vec<_> = stem.rsplitn(3, '_').collect();
    match words.as_slice() {
        [machine, system, _] => format!("{system}_{machine}"),
        _ => stem.into_owned(),
    }
}

fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).with_context(|| format!("cannot copy to {}", to.display()))?;
    Ok(())
}
