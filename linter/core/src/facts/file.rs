//! One file as the linter sees it: its kind, its text and its tree.

use hcl_syntax::{Parsed, Span};

use crate::finding::{FileId, Place};

/// What a file is, decided from its name alone ([`FileKind::of`]) or, for JSON, from its content
/// ([`FileKind::of_json`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// `.tf`, `.tofu`, `.tftest.hcl`, `.tofutest.hcl`, `.tfquery.hcl`.
    Terraform,
    /// `.tf.json`, `.tofu.json`.
    TerraformJson,
    /// `.tfvars`: values of variables.
    Tfvars,
    /// `.tfvars.json`.
    TfvarsJson,
    /// `.tfbackend`, `backend.hcl`, `*.backend.hcl`: arguments of a backend block, by themselves.
    Backend,
    /// `terragrunt.hcl`, `root.hcl` and every `.hcl` file without a kind of its own
    /// (`env.hcl`, `account.hcl`: the parts of a terragrunt tree have free names).
    Terragrunt,
    /// `.pkr.hcl`.
    Packer,
    /// `.pkrvars.hcl`, `.auto.pkrvars.hcl`: values of Packer variables.
    PackerVars,
    /// `.nomad`, `.nomad.hcl`.
    Nomad,
    /// `.terraform.lock.hcl` and `.packer.lock.hcl`: hashes only, never linted.
    Lock,
    /// Any text that configuration reads with `file` or `templatefile`: searched, not parsed. Templates
    /// that end in `.hcl` (`ks.pkrtpl.hcl`) are no configuration either.
    Text,
    /// Output of `terraform show -json` for a plan.
    PlanJson,
    /// `.tfstate`, `.tfstate.backup`, or output of `terraform show -json` for a state.
    StateJson,
}

/// Longest suffix first, so that the first hit decides.
const SUFFIXES: &[(&str, FileKind)] = &[
    (".lock.hcl", FileKind::Lock),
    // Templates that Packer and Terraform fill in: what comes out is a kickstart file, a script, a service.
    (".pkrtpl.hcl", FileKind::Text),
    (".tftpl.hcl", FileKind::Text),
    (".tmpl.hcl", FileKind::Text),
    (".tpl.hcl", FileKind::Text),
    (".tf.json", FileKind::TerraformJson),
    (".tofu.json", FileKind::TerraformJson),
    (".tfvars.json", FileKind::TfvarsJson),
    (".tftest.hcl", FileKind::Terraform),
    (".tofutest.hcl", FileKind::Terraform),
    (".tfquery.hcl", FileKind::Terraform),
    (".pkrvars.hcl", FileKind::PackerVars),
    (".pkr.hcl", FileKind::Packer),
    (".nomad.hcl", FileKind::Nomad),
    (".backend.hcl", FileKind::Backend),
    (".tfstate.backup", FileKind::StateJson),
    (".tfstate", FileKind::StateJson),
    (".tfbackend", FileKind::Backend),
    (".tfvars", FileKind::Tfvars),
    (".nomad", FileKind::Nomad),
    (".tofu", FileKind::Terraform),
    (".tf", FileKind::Terraform),
    (".hcl", FileKind::Terragrunt),
];

impl FileKind {
    /// The kind of a file by its name or path; `None` for files the linter does not read.
    ///
    /// ```
    /// use secretlint_core::facts::FileKind;
    /// assert_eq!(FileKind::of("live/prod/main.tf"), Some(FileKind::Terraform));
    /// assert_eq!(FileKind::of(".terraform.lock.hcl"), Some(FileKind::Lock));
    /// assert_eq!(FileKind::of("http/ks.pkrtpl.hcl"), Some(FileKind::Text));
    /// assert_eq!(FileKind::of("README.md"), None);
    /// ```
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if name == "backend.hcl" {
            return Some(Self::Backend);
        }
        SUFFIXES
            .iter()
            .find(|(suffix, _)| name.ends_with(suffix))
            .map(|&(_, kind)| kind)
    }

    /// The kind of a `.json` file by its first members, for plans and states saved under any name.
    #[must_use]
    pub fn of_json(text: &str) -> Option<Self> {
        let mut end = text.len().min(4096);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let head = &text[..end];
        let has = |key: &str| memchr::memmem::find(head.as_bytes(), key.as_bytes()).is_some();
        if has("\"terraform_version\"") && has("\"format_version\"") {
            let plan =
                has("\"planned_values\"") || has("\"resource_changes\"") || has("\"variables\"");
            return Some(if plan {
                Self::PlanJson
            } else {
                Self::StateJson
            });
        }
        (has("\"lineage\"") && has("\"serial\"")).then_some(Self::StateJson)
    }

    /// True for the JSON syntax.
    #[must_use]
    pub fn is_json(self) -> bool {
        matches!(
            self,
            Self::TerraformJson | Self::TfvarsJson | Self::PlanJson | Self::StateJson
        )
    }

    /// True for files that only assign variables.
    #[must_use]
    pub fn is_variable_file(self) -> bool {
        matches!(self, Self::Tfvars | Self::TfvarsJson | Self::PackerVars)
    }

    /// True for files that make their folder a Terraform module.
    #[must_use]
    pub fn is_terraform(self) -> bool {
        matches!(self, Self::Terraform | Self::TerraformJson)
    }

    /// True for files that are looked into because others need them: they are not linted by themselves.
    #[must_use]
    pub fn is_beside(self) -> bool {
        matches!(self, Self::Lock | Self::Text)
    }

    /// True for what Terraform wrote rather than a person: plan and state.
    #[must_use]
    pub fn is_record(self) -> bool {
        matches!(self, Self::PlanJson | Self::StateJson)
    }
}

/// One file: identity, kind, text and tree.
#[derive(Debug)]
pub struct SourceFile {
    /// Index in the run's file table.
    pub id: FileId,
    /// Display path: relative to where the run started, `/` separated.
    pub path: Box<str>,
    /// What the file is.
    pub kind: FileKind,
    /// The text and its tree; syntax errors are inside.
    pub parsed: Parsed,
}

impl SourceFile {
    /// Parses a text according to its kind.
    #[must_use]
    pub fn new(
        id: FileId,
        path: impl Into<Box<str>>,
        kind: FileKind,
        text: impl Into<String>,
    ) -> Self {
        let parsed = if kind == FileKind::Text {
            hcl_syntax::unparsed(text)
        } else if kind.is_json() {
            hcl_syntax::parse_json(text)
        } else {
            hcl_syntax::parse(text)
        };
        Self {
            id,
            path: path.into(),
            kind,
            parsed,
        }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.parsed.text()
    }

    /// A span of this file as a place.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        Place {
            file: self.id,
            start: span.start,
            end: span.end,
        }
    }

    /// The folder part of the path; empty for files where the run started.
    #[must_use]
    pub fn folder(&self) -> &str {
        folder_of(&self.path)
    }

    /// The file's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// The folder part of a `/` separated path.
#[must_use]
pub fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("", |end| &path[..end])
}
