//! A tree that stays in memory: what an editor works on.
//!
//! Files are parsed once and again only when they change, and of an edit only the modules that are
//! shown are checked. What other modules gave to comparisons across the tree (equal secrets in two
//! environments) is remembered from the last time they were looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use secretlint_core::facts::{FileKind, Module, SourceFile, called_folders, folder_of};
use secretlint_core::report::Unreadable;
use secretlint_core::{Evidence, FileId, Finding, Report};

use crate::beside::{Needed, needed, present};
use crate::config::{Config, Files};
use crate::discover::{Found, discover, found_by_name};
use crate::judge::{Judge, Texts};
use crate::read::{Read, kind_of, read};
use crate::syntax::syntax_error;
use crate::{Input, Linter, workspace};

/// A tree in memory: files on disk, some of them replaced by unsaved text.
#[derive(Debug)]
pub struct Live {
    root: PathBuf,
    /// By file id; ids are never given twice.
    slots: Vec<Slot>,
    ids: FxHashMap<String, FileId>,
    /// What each folder gave to comparisons, by the index of the rule.
    evidence: BTreeMap<String, Vec<(u32, Evidence)>>,
    /// Folders that changed since their evidence was taken.
    stale: BTreeSet<String>,
    /// What the linted files need besides themselves, present or not.
    needed: Needed,
    /// Files came, went or need other files than before.
    is_unsettled: bool,
    /// The tree is too large: only some folders are held.
    is_partial: bool,
}

/// How much of a tree is held.
#[derive(Clone, Copy, Debug)]
pub struct Extent<'e> {
    /// Trees with more files are held in part.
    pub max_files: usize,
    /// Of those: the folders (display paths) that are held.
    pub folders: &'e [String],
}

/// One file.
#[derive(Debug)]
struct Slot {
    path: String,
    file: Option<SourceFile>,
    unreadable: Option<String>,
    held: Held,
}

/// Where the text of a slot is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Gone from disk, or never there.
    Nothing,
    /// On disk, as it was at that time and length.
    Disk(Option<(SystemTime, u64)>),
    /// Unsaved text.
    Buffer,
}

impl Slot {
    /// True for a file that is held because others need it.
    fn is_beside(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.kind.is_beside())
    }
}

impl Live {
    /// An empty tree below a folder; [`Live::scan`] fills it.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            slots: Vec::new(),
            ids: FxHashMap::default(),
            evidence: BTreeMap::new(),
            stale: BTreeSet::new(),
            needed: Needed::new(),
            is_unsettled: false,
            is_partial: false,
        }
    }

    /// Walks the folder and reads what is new or has another time or length than before; forgets
    /// what is gone. Of a tree that is too large, the folders of `extent` are held and those that
    /// they call, directly or through others.
    pub fn scan(&mut self, config: &Config, extent: Extent<'_>) {
        let root = self.root.clone();
        let paths = [root.clone()];
        let (found, _) = discover(&from_disk(&root, &paths), &config.files);
        self.is_partial = found.len() > extent.max_files;
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        if self.is_partial {
            let mut folders: BTreeSet<String> = extent.folders.iter().cloned().collect();
            let mut next = folders.clone();
            while !next.is_empty() {
                let is_next = |found: &&Found| next.contains(folder_of(&found.path));
                let held: Vec<&Found> = found.iter().filter(is_next).collect();
                self.read_changed(&held, &config.files);
                seen.extend(held.iter().map(|found| &*found.path));
                let called = held.iter().filter_map(|found| self.file(&found.path));
                next = called.flat_map(called_folders).collect();
                next.retain(|folder| folders.insert(folder.clone()));
            }
        } else {
            self.read_changed(&found.iter().collect::<Vec<_>>(), &config.files);
            seen.extend(found.iter().map(|found| &*found.path));
        }
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if slot.held != Held::Buffer && !slot.is_beside() && !seen.contains(&*slot.path) {
                self.put(index, Held::Nothing, None);
            }
        }
        self.settle_needed(&config.files);
    }

    /// Reads those of `found` that have another time or length than before and are no buffers.
    fn read_changed(&mut self, found: &[&Found], files: &Files) {
        let root = self.root.clone();
        let input = from_disk(&root, &[]);
        let changed: Vec<(&Found, Held)> = found
            .par_iter()
            .map(|found| (*found, Held::Disk(stamp(&self.root.join(&found.path)))))
            .filter(|(found, held)| {
                let known = self.slot_of(&found.path);
                known.is_none_or(|slot| slot.held != Held::Buffer && slot.held != *held)
            })
            .collect();
        let numbered: Vec<(usize, &Found, Held)> = changed
            .into_iter()
            .map(|(found, held)| (self.slot(&found.path), found, held))
            .collect();
        let loaded: Vec<_> = numbered
            .par_iter()
            .map(|(index, found, _)| load(&input, FileId(*index as u32), found, files))
            .collect();
        for ((index, _, held), loaded) in numbered.into_iter().zip(loaded) {
            self.put(index, held, Some(loaded));
        }
    }

    /// Finds out what the linted files need, reads what is new of it and forgets the rest.
    fn settle_needed(&mut self, settings: &Files) {
        let linted = self.files().filter(|file| !file.kind.is_beside());
        let needed = needed(linted);
        self.needed = needed;
        let root = self.root.clone();
        let paths = [root.clone()];
        let is_linted = |path: &str| {
            let slot = self.slot_of(path);
            slot.is_some_and(|slot| slot.held != Held::Nothing && !slot.is_beside())
        };
        let input = from_disk(&root, &paths);
        let found = present(&input, settings, &self.needed, &is_linted);
        self.read_changed(&found.iter().collect::<Vec<_>>(), settings);
        let is_there = |path: &str| {
            let same = |found: &Found| found.path.as_str().cmp(path);
            found.binary_search_by(same).is_ok()
        };
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if slot.held != Held::Buffer && slot.is_beside() && !is_there(&slot.path) {
                self.put(index, Held::Nothing, None);
            }
        }
        self.is_unsettled = false;
    }

    /// True when only some folders are held, because the tree is too large.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// The text of a file, as it is on disk or in the editor.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        Some(self.file(path)?.text())
    }

    /// The path of a file by its id.
    #[must_use]
    pub fn path(&self, file: FileId) -> Option<&str> {
        Some(&self.slots.get(file.0 as usize)?.path)
    }

    /// Replaces a file by unsaved text.
    pub fn set(&mut self, path: &str, text: &str) {
        let index = self.slot(path);
        let file = kind_of(&self.found(path), text)
            .map(|kind| SourceFile::new(FileId(index as u32), path, kind, text));
        self.put(index, Held::Buffer, Some(Ok(file)));
    }

    /// Reads a file from disk again, whatever was held of it: it was closed, written or removed.
    pub fn reread(&mut self, path: &str, config: &Config) {
        let held = Held::Disk(stamp(&self.root.join(path)));
        if held == Held::Disk(None) {
            if let Some(id) = self.ids.get(path) {
                self.put(id.0 as usize, Held::Nothing, None);
            }
            return;
        }
        let index = self.slot(path);
        let root = self.root.clone();
        let found = self.found(path);
        let input = from_disk(&root, &[]);
        let loaded = load(&input, FileId(index as u32), &found, &config.files);
        self.put(index, held, Some(loaded));
    }

    /// True when unsaved text stands for this file.
    #[must_use]
    pub fn is_buffer(&self, path: &str) -> bool {
        let slot = self.slot_of(path);
        slot.is_some_and(|slot| slot.held == Held::Buffer)
    }

    /// Forgets what was compared: for another configuration.
    pub fn forget_evidence(&mut self) {
        self.evidence.clear();
    }

    /// Lints the tree and reports on the files of `only`, or on all. The folders of these files are
    /// checked, and those that changed since the last time.
    pub fn lint(&mut self, linter: &Linter<'_>, only: Option<&[String]>) -> Report {
        if self.is_unsettled {
            self.settle_needed(&linter.config.files);
        }
        let environments = linter.config.environments();
        let files = self.slots.iter().filter_map(|slot| slot.file.as_ref());
        let workspace = workspace(files, &environments);
        self.evidence
            .retain(|folder, _| workspace.module_at(folder).is_some());
        let shown: Option<BTreeSet<&str>> =
            only.map(|paths| paths.iter().map(|path| folder_of(path)).collect());
        let is_due = |module: &&Module<'_>| {
            shown
                .as_ref()
                .is_none_or(|shown| shown.contains(module.path))
                || self.stale.contains(module.path)
                || !self.evidence.contains_key(module.path)
        };
        let modules: Vec<&Module<'_>> = workspace.modules().iter().filter(is_due).collect();
        let mut judge = Judge::new(linter);
        let mut findings: Vec<Finding> = Vec::new();
        for (module, sink) in modules.iter().zip(linter.check(&workspace, &modules)) {
            findings.extend(module.files.iter().filter_map(|file| syntax_error(file)));
            findings.extend(sink.findings);
            self.evidence.insert(module.path.to_owned(), sink.evidence);
        }
        self.stale.clear();
        judge.know(self.evidence.values().flatten().map(|(_, fact)| fact));
        judge.settle(&workspace, &modules, findings);
        let mut late = linter.conclude(self.evidence.values().flatten().cloned());
        let path = |id: FileId| self.slots.get(id.0 as usize).map(|slot| &slot.path);
        if let Some(only) = only {
            late.retain(|finding| path(finding.place.file).is_some_and(|path| only.contains(path)));
        }
        let mut report = Report::default();
        (report.findings, report.suppressed) = judge.finish(late, self);
        if let Some(only) = only {
            report.keep_only(only);
        }
        let files = || self.files().filter(|file| !file.kind.is_beside());
        let is_linted =
            |module: &&Module<'_>| module.files.iter().any(|file| !file.kind.is_beside());
        report.stats.files = files().count();
        report.stats.bytes = files().map(|file| file.text().len() as u64).sum();
        report.stats.modules = workspace.modules().iter().filter(is_linted).count();
        report.unreadable = self.unreadable();
        report.paths = self.slots.iter().map(|slot| slot.path.clone()).collect();
        report
    }

    fn unreadable(&self) -> Vec<Unreadable> {
        let said = self.slots.iter().filter_map(|slot| {
            Some(Unreadable {
                path: slot.path.clone(),
                reason: slot.unreadable.clone()?,
            })
        });
        let mut all: Vec<_> = said.collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all
    }

    fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.slots.iter().filter_map(|slot| slot.file.as_ref())
    }

    fn file(&self, path: &str) -> Option<&SourceFile> {
        self.slot_of(path)?.file.as_ref()
    }

    fn slot_of(&self, path: &str) -> Option<&Slot> {
        self.ids.get(path).map(|id| &self.slots[id.0 as usize])
    }

    /// A file below the root: of the kind its name says, or a text that others need.
    fn found(&self, path: &str) -> Found {
        let found = found_by_name(path);
        Found {
            kind: found.kind.or_else(|| self.needed.get(path).copied()),
            ..found
        }
    }

    /// The slot of a path, made when there is none.
    fn slot(&mut self, path: &str) -> usize {
        if let Some(id) = self.ids.get(path) {
            return id.0 as usize;
        }
        let index = self.slots.len();
        self.ids.insert(path.to_owned(), FileId(index as u32));
        self.slots.push(Slot {
            path: path.to_owned(),
            file: None,
            unreadable: None,
            held: Held::Nothing,
        });
        index
    }

    fn put(&mut self, index: usize, held: Held, loaded: Option<Loaded>) {
        let slot = &mut self.slots[index];
        slot.held = held;
        let (file, unreadable) = match loaded {
            None => (None, None),
            Some(Ok(file)) => (file, None),
            Some(Err(reason)) => (None, Some(reason)),
        };
        self.is_unsettled |= needed(&slot.file) != needed(&file);
        (slot.file, slot.unreadable) = (file, unreadable);
        self.stale.insert(folder_of(&slot.path).to_owned());
    }
}

impl Texts for Live {
    fn get(&self, file: FileId) -> Option<(String, String)> {
        let slot = self.slots.get(file.0 as usize)?;
        Some((slot.path.clone(), slot.file.as_ref()?.text().to_owned()))
    }
}

/// A parsed file, nothing for files of no interest, or why there is none.
type Loaded = Result<Option<SourceFile>, String>;

fn load(input: &Input<'_>, id: FileId, found: &Found, files: &Files) -> Loaded {
    match read(input, found, files) {
        Read::Text(kind, text) => Ok(Some(SourceFile::new(id, found.path.as_str(), kind, text))),
        // Of what others need, what cannot be read is not there.
        Read::Unreadable(reason) if !found.kind.is_some_and(FileKind::is_beside) => Err(reason),
        Read::Skipped | Read::Unreadable(_) => Ok(None),
    }
}

fn from_disk<'i>(root: &'i Path, paths: &'i [PathBuf]) -> Input<'i> {
    Input {
        root,
        paths,
        texts: &[],
        only: None,
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::lint;

    const WHOLE: Extent<'static> = Extent {
        max_files: 1000,
        folders: &[],
    };

    /// The shipped rules over a tree of files; what a fresh run says is what a live tree must say.
    struct Fixture {
        folder: tempfile::TempDir,
        config: Config,
        live: Live,
    }

    impl Fixture {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut live = Live::new(folder.path());
            let config = Config::new(date(2026, 1, 1));
            for (path, text) in files {
                write(folder.path(), path, text);
            }
            live.scan(&config, WHOLE);
            Self {
                folder,
                config,
                live,
            }
        }

        fn live(&mut self, only: Option<&[String]>) -> Vec<String> {
            let rules = secretlint_rules::rules();
            let rules: Vec<_> = rules.iter().map(|rule| *rule as _).collect();
            shown(&self.live.lint(&Linter::new(&rules, &self.config), only))
        }

        fn fresh(&self, only: Option<&[String]>) -> Vec<String> {
            let rules = secretlint_rules::rules();
            let rules: Vec<_> = rules.iter().map(|rule| *rule as _).collect();
            let paths = [self.folder.path().to_owned()];
            let input = Input {
                only,
                ..from_disk(self.folder.path(), &paths)
            };
            shown(&lint(&input, &rules, &self.config))
        }
    }

    impl Fixture {
        fn write(&self, path: &str, text: &str) {
            write(self.folder.path(), path, text);
        }

        fn remove(&mut self, path: &str) {
            std::fs::remove_file(self.folder.path().join(path)).unwrap();
            self.live.scan(&self.config, WHOLE);
        }

        /// The advice of all findings.
        fn helps(&mut self) -> Vec<String> {
            let rules = secretlint_rules::rules();
            let rules: Vec<_> = rules.iter().map(|rule| *rule as _).collect();
            let report = self.live.lint(&Linter::new(&rules, &self.config), None);
            let helps = report
                .findings
                .iter()
                .map(|finding| finding.help.to_string());
            helps.collect()
        }
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn shown(report: &Report) -> Vec<String> {
        let line = |finding: &secretlint_core::report::ReportedFinding| {
            format!(
                "{}:{}:{} {} {}",
                finding.location.path,
                finding.location.start.line,
                finding.rule,
                finding.fingerprint,
                finding.message
            )
        };
        report.findings.iter().map(line).collect()
    }

    const FILES: &[(&str, &str)] = &[
        (
            "live/prod/terraform.tfvars",
            "database_password = \"plum-Anchor-4471\"\n",
        ),
        (
            "live/dev/terraform.tfvars",
            "database_password = \"other-Rope-5582\"\n",
        ),
        (
            "app/main.tf",
            "module \"db\" {\n  source = \"../db\"\n  secret = \"walnut-Tram-9134\"\n}\n",
        ),
        (
            "db/main.tf",
            "variable \"secret\" {}\nresource \"aws_db_instance\" \"a\" {\n  password = var.secret\n}\n",
        ),
    ];

    #[test]
    fn a_live_tree_says_what_a_fresh_run_says() {
        let mut fixture = Fixture::new(FILES);
        assert_eq!(fixture.live(None), fixture.fresh(None));
        assert!(!fixture.fresh(None).is_empty());
        let only = ["db/main.tf".to_owned(), "app/main.tf".to_owned()];
        assert_eq!(fixture.live(Some(&only)), fixture.fresh(Some(&only)));
    }

    #[test]
    fn an_edit_is_compared_with_folders_that_were_not_checked_again() {
        let mut fixture = Fixture::new(FILES);
        let only = ["live/dev/terraform.tfvars".to_owned()];
        let before = fixture.live(Some(&only));
        assert!(
            !before
                .iter()
                .any(|line| line.contains("shared-secret-value")),
            "{before:#?}"
        );
        fixture
            .live
            .set(&only[0], "database_password = \"plum-Anchor-4471\"\n");
        let after = fixture.live(Some(&only));
        assert!(
            after
                .iter()
                .any(|line| line.contains("shared-secret-value")),
            "{after:#?}"
        );
        // Closed without saving: what is on disk counts again.
        fixture.live.reread(&only[0], &fixture.config);
        assert_eq!(fixture.live(Some(&only)), before);
    }

    #[test]
    fn a_scan_sees_new_changed_and_removed_files_and_leaves_buffers() {
        let mut fixture = Fixture::new(FILES);
        fixture.live.set("app/main.tf", "");
        let root = fixture.folder.path().to_owned();
        write(
            &root,
            "new/main.tf",
            "provider \"postgresql\" {\n  password = \"plum-Anchor-4471\"\n}\n",
        );
        write(&root, "live/prod/terraform.tfvars", "x = 1\n");
        std::fs::remove_file(root.join("live/dev/terraform.tfvars")).unwrap();
        fixture.live.scan(&fixture.config, WHOLE);
        assert!(fixture.live.is_buffer("app/main.tf"));
        write(&root, "app/main.tf", "");
        let after = fixture.live(None);
        assert_eq!(after, fixture.fresh(None));
        assert!(
            after.iter().any(|line| line.starts_with("new/main.tf:2")),
            "{after:#?}"
        );
    }

    /// A module with everything that is read for others: a template with and one without the
    /// variable it is given, a script with a secret, a lock file with an old provider.
    const NEEDY: &[(&str, &str)] = &[
        (
            "app/main.tf",
            "resource \"random_password\" \"x\" {\n  length = 20\n}\n\
             resource \"aws_db_instance\" \"a\" {\n  password = random_password.x.result\n}\n\
             resource \"aws_instance\" \"i\" {\n  user_data = templatefile(\"${path.module}/init.sh\", { p = random_password.x.result })\n}\n\
             resource \"aws_instance\" \"j\" {\n  user_data = templatefile(\"../files/other.sh\", { p = random_password.x.result })\n}\n",
        ),
        (
            "app/init.sh",
            "echo ${p}\nexport DB_PASSWORD=\"plum-Anchor-4471\"\n",
        ),
        ("files/other.sh", "echo nothing\n"),
        (
            "files/unused.sh",
            "export DB_PASSWORD=\"walnut-Tram-9134\"\n",
        ),
        (
            "app/.terraform.lock.hcl",
            "provider \"registry.terraform.io/hashicorp/aws\" {\n  version = \"4.0.0\"\n}\n",
        ),
    ];

    #[test]
    fn files_that_others_need_are_held_as_a_fresh_run_reads_them() {
        let mut fixture = Fixture::new(NEEDY);
        let found = fixture.live(None);
        assert_eq!(found, fixture.fresh(None));
        let is_at = |start: &str| found.iter().any(|line| line.starts_with(start));
        assert!(is_at("app/init.sh:2") && !is_at("files/"), "{found:#?}");
        let with_lock = fixture.helps();
        fixture.remove("app/.terraform.lock.hcl");
        assert_ne!(
            fixture.helps(),
            with_lock,
            "the lock file decides the advice"
        );
    }

    #[test]
    fn what_files_need_changes_with_their_text() {
        let mut fixture = Fixture::new(NEEDY);
        let text = NEEDY[0]
            .1
            .replace("../files/other.sh", "../files/unused.sh");
        fixture.live.set("app/main.tf", &text);
        let edited = fixture.live(None);
        fixture.write("app/main.tf", &text);
        assert_eq!(edited, fixture.fresh(None));
        assert!(
            edited
                .iter()
                .any(|line| line.starts_with("files/unused.sh:1"))
        );
        fixture.live.reread("app/main.tf", &fixture.config);
        fixture.write("app/main.tf", "");
        fixture.write("files/unused.sh", "");
        fixture.live.scan(&fixture.config, WHOLE);
        assert_eq!(fixture.live(None), Vec::<String>::new());
    }

    #[test]
    fn a_text_that_others_need_is_no_configuration_when_it_is_opened() {
        let mut fixture = Fixture::new(NEEDY);
        let text = "echo ${p}\nexport DB_PASSWORD=\"harbor-Lime-7261\"\n";
        fixture.live.set("app/init.sh", text);
        let opened = fixture.live(None);
        fixture.write("app/init.sh", text);
        assert_eq!(opened, fixture.fresh(None));
        assert!(opened.iter().any(|line| line.starts_with("app/init.sh:2")));
    }

    #[test]
    fn files_that_an_ignore_file_hides_are_not_read_for_others() {
        let mut files = NEEDY.to_vec();
        files.push(("app/.ignore", "init.sh\n"));
        let mut fixture = Fixture::new(&files);
        let found = fixture.live(None);
        assert_eq!(found, fixture.fresh(None));
        assert!(!found.iter().any(|line| line.starts_with("app/init.sh")));
    }

    #[test]
    fn modules_that_held_folders_call_are_held_too() {
        let mut fixture = Fixture::new(FILES);
        let folders = ["app".to_owned()];
        let extent = Extent {
            max_files: 3,
            folders: &folders,
        };
        fixture.live = Live::new(fixture.folder.path());
        fixture.live.scan(&fixture.config, extent);
        assert!(fixture.live.is_partial());
        let only = ["app/main.tf".to_owned()];
        let found = fixture.live(Some(&only));
        assert_eq!(found, fixture.fresh(Some(&only)));
        assert!(!found.is_empty());
    }

    #[test]
    fn of_a_large_tree_only_the_named_folders_are_held() {
        let mut fixture = Fixture::new(FILES);
        let folders = ["app".to_owned()];
        let extent = Extent {
            max_files: 3,
            folders: &folders,
        };
        fixture.live.scan(&fixture.config, extent);
        assert!(fixture.live.is_partial());
        assert!(fixture.live.text("app/main.tf").is_some());
        assert!(fixture.live.text("live/dev/terraform.tfvars").is_none());
    }
}
