//! What one folder says: its variables, locals, outputs, objects, providers, calls and values.

use std::borrow::Cow;
use std::sync::OnceLock;

use hcl_syntax::{Expr, Span};
use rustc_hash::FxHashMap;

use crate::facts::block::{Attribute, Block, Role};
use crate::facts::file::SourceFile;
use crate::facts::reference::{Mode, Subject};
use crate::facts::uses::{Use, Uses};
use crate::finding::Place;

/// Index of a module in its [`Workspace`](crate::facts::Workspace).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(pub u32);

/// Index of a block in [`Module::blocks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(pub u32);

/// One folder with the files the linter reads in it.
#[derive(Debug)]
pub struct Module<'a> {
    /// Its index in the workspace.
    pub id: ModuleId,
    /// Its folder, `/` separated; empty where the run started.
    pub path: &'a str,
    /// Its files, sorted by path.
    pub files: Vec<&'a SourceFile>,
    /// Every top-level block and every file's own attributes, in the order of the files.
    pub blocks: Vec<Block<'a>>,
    /// `variable` blocks.
    pub variables: Vec<Variable<'a>>,
    /// The members of `locals` blocks and Packer's `local` blocks.
    pub locals: Vec<Local<'a>>,
    /// `output` blocks.
    pub outputs: Vec<Output<'a>>,
    /// `module` blocks, and terragrunt's `terraform { source }` with its `inputs`.
    pub calls: Vec<Call<'a>>,
    /// Values given to variables by variable files.
    pub assignments: Vec<Assignment<'a>>,
    /// Version constraints.
    pub requirements: Requirements<'a>,
    /// Made when somebody asks for something by its name.
    pub(crate) names: OnceLock<Names<'a>>,
    pub(crate) uses: Uses<'a>,
}

/// Lookup tables from names to indexes into the lists of a [`Module`].
#[derive(Debug, Default)]
pub(crate) struct Names<'a> {
    pub(crate) variables: FxHashMap<Cow<'a, str>, u32>,
    pub(crate) locals: FxHashMap<Cow<'a, str>, Vec<u32>>,
    pub(crate) outputs: FxHashMap<Cow<'a, str>, u32>,
    pub(crate) calls: FxHashMap<Cow<'a, str>, u32>,
    pub(crate) objects: FxHashMap<(Mode, Cow<'a, str>, Cow<'a, str>), BlockId>,
    pub(crate) assignments: FxHashMap<Cow<'a, str>, Vec<u32>>,
}

impl<'a> Names<'a> {
    fn of(module: &Module<'a>) -> Self {
        let mut names = Self::default();
        // The first of several counts, except where all do.
        for (index, variable) in (0..).zip(&module.variables) {
            let name = variable.name.clone();
            names.variables.entry(name).or_insert(index);
        }
        for (index, local) in (0..).zip(&module.locals) {
            let name = local.name.clone();
            names.locals.entry(name).or_default().push(index);
        }
        for (index, output) in (0..).zip(&module.outputs) {
            let name = output.name.clone();
            names.outputs.entry(name).or_insert(index);
        }
        for (index, call) in (0..).zip(&module.calls) {
            // Terragrunt's have no names.
            if module.block(call.block).role == Role::Module {
                names.calls.entry(call.name.clone()).or_insert(index);
            }
        }
        for (index, assignment) in (0..).zip(&module.assignments) {
            let name = assignment.attribute.name.clone();
            names.assignments.entry(name).or_default().push(index);
        }
        for (id, block) in (0..).map(BlockId).zip(&module.blocks) {
            let mode = match block.role {
                Role::Resource => Mode::Managed,
                Role::Data => Mode::Data,
                Role::Ephemeral => Mode::Ephemeral,
                _ => continue,
            };
            // What is recorded declares nothing.
            if !block.file.kind.is_record()
                && let (Some(kind), Some(name)) = (&block.first, &block.second)
            {
                let key = (mode, kind.text.clone(), name.text.clone());
                names.objects.entry(key).or_insert(id);
            }
        }
        names
    }
}

/// A `variable` block.
#[derive(Debug)]
pub struct Variable<'a> {
    /// Its block.
    pub block: BlockId,
    /// Its name.
    pub name: Cow<'a, str>,
    /// `default`, when given.
    pub default: Option<Expr<'a>>,
    /// `type`, as written.
    pub kind: Option<Expr<'a>>,
    /// `sensitive = true`.
    pub sensitive: bool,
    /// `ephemeral = true`.
    pub ephemeral: bool,
}

/// One local value.
#[derive(Debug)]
pub struct Local<'a> {
    /// The block it stands in.
    pub block: BlockId,
    /// Its name.
    pub name: Cow<'a, str>,
    /// The name as written.
    pub name_span: Span,
    /// Its value.
    pub value: Expr<'a>,
}

/// An `output` block.
#[derive(Debug)]
pub struct Output<'a> {
    /// Its block.
    pub block: BlockId,
    /// Its name.
    pub name: Cow<'a, str>,
    /// `value`, when given.
    pub value: Option<Expr<'a>>,
    /// `sensitive = true`.
    pub sensitive: bool,
    /// `ephemeral = true`.
    pub ephemeral: bool,
}

/// Use of another module.
#[derive(Debug)]
pub struct Call<'a> {
    /// The block that calls.
    pub block: BlockId,
    /// Its name; empty for terragrunt.
    pub name: Cow<'a, str>,
    /// `source` when it is constant.
    pub source: Option<Cow<'a, str>>,
    /// `version` when it is constant.
    pub version: Option<Cow<'a, str>>,
    /// The values given, without meta-arguments.
    pub inputs: Vec<Attribute<'a>>,
    /// The called module when it is a folder of the workspace.
    pub target: Option<ModuleId>,
}

/// A value given to a variable by a variable file.
#[derive(Debug)]
pub struct Assignment<'a> {
    /// The attributes of the variable file.
    pub block: BlockId,
    /// Name and value.
    pub attribute: Attribute<'a>,
}

/// Version constraints as written.
#[derive(Debug, Default)]
pub struct Requirements<'a> {
    /// `required_version` constraints, all of which hold.
    pub core: Vec<Constraint<'a>>,
    /// `required_providers`, and `version` in provider blocks of old configurations.
    pub providers: Vec<ProviderRequirement<'a>>,
    /// What the lock file beside the configuration holds: source addresses with host, exact versions.
    pub locked: Vec<Locked<'a>>,
    /// The named backend, with its block's index, or `cloud`.
    pub backend: Option<Cow<'a, str>>,
}

/// A constraint such as `>= 5.0, < 6.0`.
#[derive(Clone, Debug)]
pub struct Constraint<'a> {
    /// As written, without quotes.
    pub text: Cow<'a, str>,
    /// Where.
    pub place: Place,
}

/// One provider of a lock file.
#[derive(Clone, Debug)]
pub struct Locked<'a> {
    /// `registry.terraform.io/hashicorp/aws`.
    pub source: Cow<'a, str>,
    /// The exact version.
    pub version: Constraint<'a>,
}

/// One required provider.
#[derive(Clone, Debug)]
pub struct ProviderRequirement<'a> {
    /// Its local name.
    pub name: Cow<'a, str>,
    /// `source`, `hashicorp/aws`.
    pub source: Option<Cow<'a, str>>,
    /// Its constraint.
    pub version: Option<Constraint<'a>>,
}

impl<'a> Module<'a> {
    fn names(&self) -> &Names<'a> {
        self.names.get_or_init(|| Names::of(self))
    }

    /// A block by index.
    #[must_use]
    pub fn block(&self, id: BlockId) -> &Block<'a> {
        &self.blocks[id.0 as usize]
    }

    /// A variable by name.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Variable<'a>> {
        self.names()
            .variables
            .get(name)
            .map(|&index| &self.variables[index as usize])
    }

    /// A local by name, seen from `file`: terragrunt's and stand-alone HCL files have locals of
    /// their own, the files of a Terraform module share theirs.
    #[must_use]
    pub fn local(&self, name: &str, from: &SourceFile) -> Option<&Local<'a>> {
        let candidates = self
            .names()
            .locals
            .get(name)?
            .iter()
            .map(|&index| &self.locals[index as usize]);
        let mut visible = candidates.filter(|local| {
            let file = self.block(local.block).file;
            file.id == from.id
                || (file.kind.is_terraform() && from.kind.is_terraform())
                || same_packer(file, from)
        });
        visible.next()
    }

    /// An output by name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&Output<'a>> {
        self.names()
            .outputs
            .get(name)
            .map(|&index| &self.outputs[index as usize])
    }

    /// A module call by name.
    #[must_use]
    pub fn call(&self, name: &str) -> Option<&Call<'a>> {
        self.names()
            .calls
            .get(name)
            .map(|&index| &self.calls[index as usize])
    }

    /// A resource, data source or ephemeral resource by type and name.
    #[must_use]
    pub fn object(&self, mode: Mode, kind: &str, name: &str) -> Option<&Block<'a>> {
        // Borrowed keys keep the lookup free of allocation.
        let key = (mode, Cow::Borrowed(kind), Cow::Borrowed(name));
        lookup(&self.names().objects, &key).map(|id| self.block(id))
    }

    /// The values variable files give to a variable.
    pub fn assignments_of<'s>(
        &'s self,
        variable: &str,
    ) -> impl Iterator<Item = &'s Assignment<'a>> + use<'s, 'a> {
        self.names()
            .assignments
            .get(variable)
            .into_iter()
            .flatten()
            .map(|&index| &self.assignments[index as usize])
    }

    /// The blocks of a role, in order.
    pub fn blocks_of(&self, role: Role) -> impl Iterator<Item = &Block<'a>> {
        self.blocks.iter().filter(move |block| block.role == role)
    }

    /// The references of the configuration that start at `subject`, in source order.
    #[must_use]
    pub fn uses_of(&self, subject: &Subject<'a>) -> Vec<Use<'a>> {
        self.uses.of(self, subject)
    }

    /// The constraint on a provider by local name.
    #[must_use]
    pub fn provider_constraint(&self, name: &str) -> Option<&Constraint<'a>> {
        self.requirements
            .providers
            .iter()
            .find(|provider| provider.name == name)?
            .version
            .as_ref()
    }

    /// The version of a provider, by local name, that the lock file holds.
    #[must_use]
    pub fn locked_version(&self, name: &str) -> Option<&Constraint<'a>> {
        let required = self
            .requirements
            .providers
            .iter()
            .find(|provider| provider.name == name);
        let source = required.and_then(|provider| provider.source.as_deref());
        let wanted = match source {
            Some(source) => Cow::Borrowed(source),
            None => Cow::Owned(format!("hashicorp/{name}")),
        };
        let same = |locked: &&Locked<'a>| {
            let rest = locked.source.strip_suffix(&*wanted);
            rest.is_some_and(|host| host.is_empty() || host.ends_with('/'))
        };
        Some(&self.requirements.locked.iter().find(same)?.version)
    }

    /// True when the folder holds Terraform configuration.
    #[must_use]
    pub fn is_terraform(&self) -> bool {
        self.files.iter().any(|file| file.kind.is_terraform())
    }
}

fn lookup<'k>(
    objects: &FxHashMap<(Mode, Cow<'k, str>, Cow<'k, str>), BlockId>,
    key: &(Mode, Cow<'k, str>, Cow<'k, str>),
) -> Option<BlockId> {
    objects.get(key).copied()
}

fn same_packer(file: &SourceFile, from: &SourceFile) -> bool {
    use crate::facts::FileKind::Packer;
    file.kind == Packer && from.kind == Packer
}
