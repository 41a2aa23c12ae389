//! Files that the linted ones need and that are not linted by themselves: lock files, and texts that
//! `file` and `templatefile` read. Read when the files of a batch are known, never outside the tree,
//! and not when an ignore file hides them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rayon::prelude::*;
use secretlint_core::facts::{FileKind, SourceFile, folder_of, referred_files};

use crate::config::Files;
use crate::discover::{Found, Origin, builder};
use crate::input::Input;

/// The name of Terraform's and OpenTofu's lock file.
const LOCK: &str = ".terraform.lock.hcl";

/// What some files need, by display path: lock files and texts.
pub(crate) type Needed = BTreeMap<String, FileKind>;

/// What `files` need, present or not.
pub(crate) fn needed<'f>(files: impl IntoIterator<Item = &'f SourceFile>) -> Needed {
    let files: Vec<&SourceFile> = files.into_iter().collect();
    let texts: Vec<Vec<String>> = files.par_iter().map(|file| referred_files(file)).collect();
    let texts = texts.into_iter().flatten();
    let configured = files.iter().filter(|file| file.kind.is_terraform());
    let folders: BTreeSet<&str> = configured.map(|file| file.folder()).collect();
    let locks = folders.into_iter().map(|folder| match folder {
        "" => LOCK.to_owned(),
        folder => format!("{folder}/{LOCK}"),
    });
    let texts = texts.map(|path| (path, FileKind::Text));
    texts
        .chain(locks.map(|path| (path, FileKind::Lock)))
        .collect()
}

/// What of `needed` is there and may be read, sorted by path. `is_known` tells what is linted anyway.
pub(crate) fn present(
    input: &Input<'_>,
    settings: &Files,
    needed: &Needed,
    is_known: &(dyn Fn(&str) -> bool + Sync),
) -> Vec<Found> {
    // Texts from memory alone (standard input) have nothing beside them.
    if input.paths.is_empty() {
        return Vec::new();
    }
    let needed: Vec<(&String, &FileKind)> = needed.iter().collect();
    let is_there = |(path, kind): &(&String, &FileKind)| {
        let wanted = **kind == FileKind::Lock || !is_known(path) && !settings.is_excluded(path);
        wanted && input.below(path).is_file()
    };
    let mut there: Vec<(&String, &FileKind)> = needed.into_par_iter().filter(is_there).collect();
    let texts = there.iter().filter(|(_, kind)| **kind != FileKind::Lock);
    let folders: BTreeSet<&str> = texts.map(|(path, _)| folder_of(path)).collect();
    let visible = visible(
        folders.into_iter().map(|folder| input.root.join(folder)),
        settings,
    );
    there.retain(|(path, kind)| {
        **kind == FileKind::Lock || visible.contains(&input.root.join(path))
    });
    let found = there.into_iter().map(|(path, kind)| Found {
        path: path.clone(),
        origin: Origin::Below,
        kind: Some(*kind),
    });
    found.collect()
}

/// The files right in some folders that no ignore file hides. One walk for all of them: ignore files above
/// are read once.
fn visible(mut folders: impl Iterator<Item = PathBuf>, settings: &Files) -> BTreeSet<PathBuf> {
    let Some(first) = folders.next() else {
        return BTreeSet::new();
    };
    let mut walk = builder(first, settings);
    for folder in folders {
        walk.add(folder);
    }
    walk.max_depth(Some(1))
        .build()
        .flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .map(ignore::DirEntry::into_path)
        .collect()
}

#[cfg(test)]
mod tests {
    use secretlint_core::Report;

    use crate::{Config, Input, lint};

    fn report(files: &[(&str, &str)]) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let input = Input {
            root,
            paths: &[root.to_owned()],
            texts: &[],
            only: None,
        };
        let rules = secretlint_rules::rules();
        lint(&input, &rules, &Config::new(jiff::civil::date(2026, 6, 1)))
    }

    fn found<'r>(report: &'r Report, rule: &str) -> Vec<(&'r str, u32)> {
        let findings = report.findings.iter();
        findings
            .filter(|finding| finding.rule == rule)
            .map(|finding| (finding.location.path.as_str(), finding.location.start.line))
            .collect()
    }

    const USER: &str = "resource \"aws_instance\" \"i\" {\n  user_data = templatefile(\"${path.module}/init.sh\", { p = random_password.x.result })\n}\n";

    #[test]
    fn texts_that_are_read_are_searched_and_decide_what_flows() {
        let script = "#!/bin/sh\nexport DB_PASSWORD=Hq72kks8plum\n";
        let quiet = report(&[
            ("app/main.tf", USER),
            ("app/init.sh", script),
            ("app/other.sh", script),
        ]);
        assert_eq!(found(&quiet, "encoded-secret"), [("app/init.sh", 2)]);
        assert_eq!(found(&quiet, "secret-in-user-data"), []);
        assert!(
            quiet
                .findings
                .iter()
                .all(|finding| { !finding.location.excerpt.text.contains("Hq72kks8plum") })
        );
        assert_eq!((quiet.stats.files, quiet.stats.modules), (1, 1));
        let using = report(&[("app/main.tf", USER), ("app/init.sh", "echo ${p}\n")]);
        assert_eq!(found(&using, "secret-in-user-data"), [("app/main.tf", 2)]);
    }

    #[test]
    fn templates_that_end_like_configuration_are_texts() {
        let template = (
            "http/ks.pkrtpl.hcl",
            "lang en_US\nrootpw --plaintext Hq72kks8plum\n",
        );
        let alone = report(&[template]);
        assert_eq!((alone.findings.len(), alone.stats.files), (0, 0));
        let build = "source \"qemu\" \"a\" {\n  http_content = { \"/ks\" = templatefile(\"http/ks.pkrtpl.hcl\", {}) }\n}\n";
        let read = report(&[template, ("a.pkr.hcl", build)]);
        assert_eq!(found(&read, "encoded-secret"), [("http/ks.pkrtpl.hcl", 2)]);
        assert_eq!(found(&read, "syntax-error"), []);
    }

    #[test]
    fn hidden_and_excluded_texts_are_not_looked_at() {
        let script = "export DB_PASSWORD=Hq72kks8plum\n";
        let files = [("main.tf", USER), ("init.sh", script)];
        let ignored = [files[0], files[1], (".secretlintignore", "init.sh\n")];
        assert_eq!(found(&report(&files), "encoded-secret"), [("init.sh", 1)]);
        assert_eq!(found(&report(&ignored), "encoded-secret"), []);
        let outside = USER.replace("init.sh", "../init.sh");
        assert_eq!(
            found(&report(&[("main.tf", &outside)]), "encoded-secret"),
            []
        );
    }

    #[test]
    fn the_lock_file_decides_what_can_be_advised() {
        let main = "resource \"aws_db_instance\" \"x\" {\n  password = var.db_password\n}\n";
        let lock = "# h1 hashes look like secrets\nprovider \"registry.terraform.io/hashicorp/aws\" {\n  version = \"5.31.0\"\n  hashes = [\n    \"h1:ltxyuBWIy9cq0kIKDJH1jeWJy/y7XJLjS4QrsQK4plA=\",\n  ]\n}\n";
        let report = report(&[("main.tf", main), (".terraform.lock.hcl", lock)]);
        let help = report
            .findings
            .iter()
            .find(|finding| finding.rule == "persisted-secret-argument")
            .map(|finding| finding.help.to_string());
        assert!(help.is_some_and(|help| help.contains("locked at 5.31.0")));
        assert!(
            report
                .findings
                .iter()
                .all(|finding| finding.location.path == "main.tf")
        );
        assert_eq!(report.stats.files, 1);
    }
}
