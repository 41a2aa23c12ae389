//! What a traversal such as `data.aws_ssm_parameter.db.value` refers to.

use std::borrow::Cow;

use hcl_syntax::{Step as SyntaxStep, StepKind, Traversal};

use crate::facts::constant::constant_text;

/// How an object of a provider lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// `resource`: created and stored in state.
    Managed,
    /// `data`: read and stored in state.
    Data,
    /// `ephemeral`: opened and never stored.
    Ephemeral,
}

/// What a reference starts at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    /// `var.name`.
    Variable(Cow<'a, str>),
    /// `local.name`.
    Local(Cow<'a, str>),
    /// `module.name`; the first step of the path is the output.
    Module(Cow<'a, str>),
    /// `type.name`, `data.type.name`, `ephemeral.type.name`.
    Object {
        /// How the object lives.
        mode: Mode,
        /// Its type, `aws_db_instance`.
        kind: Cow<'a, str>,
        /// Its name.
        name: Cow<'a, str>,
    },
    /// Terragrunt `dependency.name`; the path usually goes on with `outputs`.
    Dependency(Cow<'a, str>),
    /// Everything else by its first word: `each`, `count`, `self`, `path`, `terraform`, `include`,
    /// `values`, a `for` variable.
    Other(Cow<'a, str>),
}

/// One step after the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// `.key` or `["key"]`.
    Key(Cow<'a, str>),
    /// `[0]`.
    Index(u64),
    /// `[*]`, `.*`, or an index that is no constant.
    Any,
}

/// A reference: where it starts and how it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Where it starts.
    pub subject: Subject<'a>,
    /// The rest.
    pub path: Vec<Step<'a>>,
}

impl<'a> Reference<'a> {
    /// Reads a traversal.
    #[must_use]
    pub fn of(traversal: Traversal<'a>) -> Self {
        let mut steps = traversal.steps();
        let mut word = || {
            let mut rest = steps.clone();
            match rest.next().map(Step::of) {
                Some(Step::Key(key)) => {
                    steps = rest;
                    Some(key)
                }
                _ => None,
            }
        };
        let root = traversal.root();
        let subject = match root {
            "var" => word().map(Subject::Variable),
            "local" => word().map(Subject::Local),
            "module" => word().map(Subject::Module),
            "dependency" => word().map(Subject::Dependency),
            "data" => object(Mode::Data, word(), word()),
            "ephemeral" => object(Mode::Ephemeral, word(), word()),
            "resource" => object(Mode::Managed, word(), word()),
            _ if root.contains('_') => word().map(|name| Subject::Object {
                mode: Mode::Managed,
                kind: Cow::Borrowed(root),
                name,
            }),
            _ => None,
        };
        let chosen = steps.clone().next().map(SyntaxStep::kind);
        let mut path: Vec<_> = steps.map(Step::of).collect();
        // `random_password.db["app"].result`: which of the instances, no attribute.
        if let Some(Subject::Object { .. } | Subject::Module(_)) = subject
            && let [first @ Step::Key(_), _, ..] = &mut *path
            && let Some(StepKind::Index(_)) = chosen
        {
            *first = Step::Any;
        }
        Self {
            subject: subject.unwrap_or(Subject::Other(Cow::Borrowed(root))),
            path,
        }
    }

    /// The attribute right after the subject, `value` in `data.aws_ssm_parameter.db.value` and in
    /// `data.aws_ssm_parameter.db[0].value`.
    #[must_use]
    pub fn attribute(&self) -> Option<&str> {
        self.path.iter().find_map(|step| match step {
            Step::Key(key) => Some(&**key),
            Step::Index(_) | Step::Any => None,
        })
    }

    /// The reference as Terraform writes it, without indexes: `data.aws_ssm_parameter.db.value`.
    #[must_use]
    pub fn address(&self) -> String {
        let mut address = match &self.subject {
            Subject::Variable(name) => format!("var.{name}"),
            Subject::Local(name) => format!("local.{name}"),
            Subject::Module(name) => format!("module.{name}"),
            Subject::Dependency(name) => format!("dependency.{name}"),
            Subject::Object {
                mode: Mode::Managed,
                kind,
                name,
            } => format!("{kind}.{name}"),
            Subject::Object {
                mode: Mode::Data,
                kind,
                name,
            } => format!("data.{kind}.{name}"),
            Subject::Object {
                mode: Mode::Ephemeral,
                kind,
                name,
            } => format!("ephemeral.{kind}.{name}"),
            Subject::Other(word) => word.clone().into_owned(),
        };
        for step in &self.path {
            if let Step::Key(key) = step {
                address.push('.');
                address.push_str(key);
            }
        }
        address
    }
}

fn object<'a>(
    mode: Mode,
    kind: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
) -> Option<Subject<'a>> {
    Some(Subject::Object {
        mode,
        kind: kind?,
        name: name?,
    })
}

impl<'a> Step<'a> {
    /// A step as the parser sees it.
    #[must_use]
    pub fn of(step: SyntaxStep<'a>) -> Self {
        match step.kind() {
            StepKind::Attribute(name) => Self::Key(Cow::Borrowed(name)),
            StepKind::Index(key) => match constant_text(key) {
                Some(text) => match text.parse() {
                    Ok(index) => Self::Index(index),
                    Err(_) => Self::Key(text),
                },
                None => Self::Any,
            },
            StepKind::AttributeSplat | StepKind::FullSplat => Self::Any,
        }
    }
}
