//! Modules that are looked at together: who calls whom, whose variable files apply to whom, and
//! which environment each file belongs to.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;
use secret_policy::Policy;

use crate::facts::block::{Role, members};
use crate::facts::constant::constant_string;
use crate::facts::file::{FileKind, SourceFile, folder_of};
use crate::facts::module::{Assignment, Call, Module, ModuleId};
use crate::finding::FileId;

/// The environment a file belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Environment {
    /// Canonical name: `prod` for `production` and `prd`.
    pub name: Arc<str>,
    /// What decided, for messages: `folder "live/prod"`, `policy secretref.toml`.
    pub from: Arc<str>,
}

/// Knows environments: the policy file's globs first, then the names in common use.
pub trait Environments: Sync {
    /// The environment of a file by its display path; `None` when the path says nothing.
    fn of_path(&self, path: &str) -> Option<Environment>;
    /// The environment a constant names (`prod`, `Production`, `prd`); `None` for other words.
    fn of_word(&self, word: &str) -> Option<Environment>;
    /// The policy file, when there is one without mistakes. Provided: none.
    fn policy(&self) -> Option<Arc<Policy>> {
        None
    }
}

/// Knows no environment at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEnvironments;

impl Environments for NoEnvironments {
    fn of_path(&self, _: &str) -> Option<Environment> {
        None
    }

    fn of_word(&self, _: &str) -> Option<Environment> {
        None
    }
}

/// Modules that are looked at together.
pub struct Workspace<'a> {
    modules: Vec<Module<'a>>,
    by_path: FxHashMap<Cow<'a, str>, ModuleId>,
    /// For each module: who calls it, as (module, index of the call).
    callers: Vec<Vec<(ModuleId, u32)>>,
    /// For each module: folders of variable files below it that belong to it.
    value_folders: Vec<Vec<ModuleId>>,
    files: FxHashMap<FileId, Place<'a>>,
    /// For each module: what it says about its own environment, once somebody asks.
    stated: Vec<OnceLock<Option<Environment>>>,
    known: &'a dyn Environments,
    policy: Option<Arc<Policy>>,
}

/// A file, its module, and its environment, once somebody asks.
struct Place<'a> {
    file: &'a SourceFile,
    module: ModuleId,
    environment: OnceLock<Option<Environment>>,
}

/// Files grouped by folder, folders and files sorted by path.
#[must_use]
pub fn by_folder<'a>(
    files: impl IntoIterator<Item = &'a SourceFile>,
) -> Vec<(&'a str, Vec<&'a SourceFile>)> {
    let mut folders: Vec<(&str, Vec<&SourceFile>)> = Vec::new();
    let mut known: FxHashMap<&str, usize> = FxHashMap::default();
    for file in files {
        let folder = file.folder();
        let index = *known.entry(folder).or_insert_with(|| {
            folders.push((folder, Vec::new()));
            folders.len() - 1
        });
        folders[index].1.push(file);
    }
    // Far fewer folders than files, whose paths begin alike.
    folders.sort_unstable_by_key(|(folder, _)| *folder);
    for (_, members) in &mut folders {
        members.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    }
    folders
}

impl<'a> Workspace<'a> {
    /// Builds the modules of `files` one after the other and links them. Callers with many files
    /// build modules in parallel with [`by_folder`] and [`Module::build`], then [`link`](Self::link).
    #[must_use]
    pub fn build(files: &'a [SourceFile], known: &'a dyn Environments) -> Self {
        let modules = by_folder(files).into_iter().enumerate();
        let build = |(index, (path, members))| Module::build(ModuleId(index as u32), path, members);
        Self::link(modules.map(build).collect(), known)
    }

    /// Links modules to each other. `modules[i].id` must be `i`.
    #[must_use]
    pub fn link(mut modules: Vec<Module<'a>>, known: &'a dyn Environments) -> Self {
        let by_path: FxHashMap<Cow<'a, str>, ModuleId> = modules
            .iter()
            .map(|module| (Cow::Borrowed(module.path), module.id))
            .collect();
        let mut callers = vec![Vec::new(); modules.len()];
        for module in &mut modules {
            let (id, path) = (module.id, module.path);
            for (index, call) in module.calls.iter_mut().enumerate() {
                let target = call
                    .source
                    .as_deref()
                    .and_then(|source| resolve(path, source));
                call.target = target.and_then(|target| by_path.get(target.as_str()).copied());
                if let Some(target) = call.target {
                    callers[target.0 as usize].push((id, index as u32));
                }
            }
        }
        let value_folders = value_folders(&modules, &by_path);
        let mut files = FxHashMap::default();
        for module in &modules {
            for file in &module.files {
                let place = Place {
                    file,
                    module: module.id,
                    environment: OnceLock::new(),
                };
                files.insert(file.id, place);
            }
        }
        Self {
            stated: modules.iter().map(|_| OnceLock::new()).collect(),
            modules,
            by_path,
            callers,
            value_folders,
            files,
            known,
            policy: known.policy(),
        }
    }

    /// All modules, sorted by path.
    #[must_use]
    pub fn modules(&self) -> &[Module<'a>] {
        &self.modules
    }

    /// A module by index.
    #[must_use]
    pub fn module(&self, id: ModuleId) -> &Module<'a> {
        &self.modules[id.0 as usize]
    }

    /// The module of a folder.
    #[must_use]
    pub fn module_at(&self, path: &str) -> Option<&Module<'a>> {
        self.by_path.get(path).map(|&id| self.module(id))
    }

    /// A file of one of the modules.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&'a SourceFile> {
        self.files.get(&id).map(|place| place.file)
    }

    /// A file by its display path.
    #[must_use]
    pub fn file_at(&self, path: &str) -> Option<&'a SourceFile> {
        let module = self.module_at(folder_of(path))?;
        let found = module
            .files
            .binary_search_by(|file| (*file.path).cmp(path))
            .ok()?;
        Some(module.files[found])
    }

    /// Who calls a module.
    pub fn callers_of(&self, id: ModuleId) -> impl Iterator<Item = (&Module<'a>, &Call<'a>)> {
        self.callers[id.0 as usize].iter().map(|&(caller, call)| {
            let caller = self.module(caller);
            (caller, &caller.calls[call as usize])
        })
    }

    /// Values that variable files give to a variable of a module: files in its own folder, and in
    /// folders below it that hold variable files only (`env/prod.tfvars`).
    #[must_use]
    pub fn assignments_to<'s>(
        &'s self,
        module: &'s Module<'a>,
        variable: &str,
    ) -> Vec<(&'s Module<'a>, &'s Assignment<'a>)> {
        let below = self.value_folders[module.id.0 as usize]
            .iter()
            .map(|&id| self.module(id));
        std::iter::once(module)
            .chain(below)
            .flat_map(|from| {
                from.assignments_of(variable)
                    .map(move |assignment| (from, assignment))
            })
            .collect()
    }

    /// The module whose variables a folder of variable files fills: itself, or the nearest folder
    /// above that declares variables.
    #[must_use]
    pub fn declaring_module(&self, module: &Module<'a>) -> Option<&Module<'a>> {
        declaring(module, &self.by_path, &self.modules).map(|id| self.module(id))
    }

    /// The environment of a file: by its path, else by what its module says (backend key,
    /// `environment` locals, variables and variable files).
    #[must_use]
    pub fn environment(&self, file: FileId) -> Option<&Environment> {
        let place = self.files.get(&file)?;
        let environment = place.environment.get_or_init(|| {
            let by_path = self.known.of_path(&place.file.path);
            by_path.or_else(|| {
                let module = self.module(place.module);
                let stated = self.stated(module).or_else(|| self.stated_above(module));
                stated.cloned()
            })
        });
        environment.as_ref()
    }

    fn stated(&self, module: &Module<'a>) -> Option<&Environment> {
        let stated = &self.stated[module.id.0 as usize];
        stated
            .get_or_init(|| stated_by(module, self.known))
            .as_ref()
    }

    /// What `env.hcl` and the like in the folders above a terragrunt file say; the nearest decides.
    fn stated_above(&self, module: &Module<'a>) -> Option<&Environment> {
        if !is_terragrunt(module) {
            return None;
        }
        let mut path = module.path;
        while !path.is_empty() {
            path = folder_of(path);
            let above = self.module_at(path).filter(|above| is_terragrunt(above));
            if let Some(environment) = above.and_then(|above| self.stated(above)) {
                return Some(environment);
            }
        }
        None
    }

    /// The policy file, when there is one without mistakes.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_deref()
    }
}

fn declaring(
    module: &Module<'_>,
    by_path: &FxHashMap<Cow<'_, str>, ModuleId>,
    modules: &[Module<'_>],
) -> Option<ModuleId> {
    if !module.variables.is_empty() {
        return Some(module.id);
    }
    let mut path = module.path;
    while !path.is_empty() {
        path = folder_of(path);
        if let Some(&id) = by_path.get(path)
            && !modules[id.0 as usize].variables.is_empty()
        {
            return Some(id);
        }
    }
    None
}

fn value_folders(
    modules: &[Module<'_>],
    by_path: &FxHashMap<Cow<'_, str>, ModuleId>,
) -> Vec<Vec<ModuleId>> {
    let mut folders = vec![Vec::new(); modules.len()];
    for module in modules
        .iter()
        .filter(|module| !module.assignments.is_empty() && module.variables.is_empty())
    {
        if let Some(owner) = declaring(module, by_path, modules) {
            folders[owner.0 as usize].push(module.id);
        }
    }
    folders
}

/// The folder a local `source` names; `None` for registries, repositories and archives.
/// Terragrunt's `//` between repository part and module part counts as `/`.
#[must_use]
pub fn resolve(from: &str, source: &str) -> Option<String> {
    if !(source.starts_with("./") || source.starts_with("../") || source == "." || source == "..") {
        return None;
    }
    let path = source.split('?').next().unwrap_or(source);
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            // A path that leaves the tree names nothing in it.
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn is_terragrunt(module: &Module<'_>) -> bool {
    let mut files = module.files.iter();
    files.any(|file| file.kind == FileKind::Terragrunt)
}

/// Names of variables, locals and tags that say the environment.
fn says_environment(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "env",
        "env_name",
        "environment",
        "environment_name",
        "stage",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// What a module says about its own environment: the first constant that names a known one.
fn stated_by(module: &Module<'_>, known: &dyn Environments) -> Option<Environment> {
    let locals = module
        .locals
        .iter()
        .filter(|local| says_environment(&local.name))
        .map(|local| local.value);
    let variables = module
        .variables
        .iter()
        .filter(|variable| says_environment(&variable.name));
    let defaults = variables.filter_map(|variable| variable.default);
    let assigned = module
        .assignments
        .iter()
        .filter(|assignment| says_environment(&assignment.attribute.name));
    let assigned = assigned.map(|assignment| assignment.attribute.value);
    let mut words = locals
        .chain(assigned)
        .chain(defaults)
        .filter_map(constant_string);
    words
        .find_map(|word| known.of_word(&word))
        .or_else(|| backend_keys(module, known))
        .or_else(|| tags(module, known))
}

fn backend_keys(module: &Module<'_>, known: &dyn Environments) -> Option<Environment> {
    let settings = || module.blocks_of(Role::Terraform);
    let mut backends = settings().flat_map(|block| block.content.blocks("backend"));
    let by_backend = backends.find_map(|backend| {
        let by_name = |name: &&str| {
            let text = constant_string(backend.attribute(name)?.value)?;
            known
                .of_path(&text)
                .or_else(|| known.of_path(&format!("{text}/")))
        };
        [
            "key",
            "prefix",
            "workspace_key_prefix",
            "bucket",
            "container_name",
        ]
        .iter()
        .find_map(by_name)
    });
    by_backend.or_else(|| {
        let mut workspaces = settings().filter_map(|block| {
            block
                .content
                .at(&["cloud", "workspaces", "name"])
                .or_else(|| block.content.at(&["backend", "workspaces", "name"]))
        });
        let name = workspaces.find_map(constant_string)?;
        known.of_path(&format!("{name}/"))
    })
}

/// `default_tags` of providers, maps of tags in locals, then tags of resources.
fn tags(module: &Module<'_>, known: &dyn Environments) -> Option<Environment> {
    let of_map = |map| {
        let mut members = members(map).filter(|member| says_environment(&member.name));
        members.find_map(|member| known.of_word(&constant_string(member.value)?))
    };
    let providers = module.blocks_of(Role::Provider);
    let mut defaults = providers.filter_map(|provider| {
        let content = provider.content;
        content
            .at(&["default_tags", "tags"])
            .or_else(|| content.at(&["default_labels"]))
    });
    if let Some(found) = defaults.find_map(of_map) {
        return Some(found);
    }
    let mut locals = module
        .locals
        .iter()
        .filter(|local| local.name.ends_with("tags") || local.name.ends_with("labels"));
    if let Some(found) = locals.find_map(|local| of_map(local.value)) {
        return Some(found);
    }
    // One tag may come with a copied example; several that agree are meant.
    let resources = module.blocks_of(Role::Resource);
    let mut tagged = resources.filter_map(|block| {
        let tags = block.value("tags").or_else(|| block.value("labels"))?;
        of_map(tags)
    });
    let (first, second) = (tagged.next()?, tagged.next()?);
    let agree = first.name == second.name && tagged.all(|other| other.name == first.name);
    agree.then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_sources_resolve_to_folders() {
        let cases = [
            ("live/prod", "../../modules/db", Some("modules/db")),
            ("", "./modules/db/", Some("modules/db")),
            ("live/prod", "../../modules//db?ref=v1", Some("modules/db")),
            ("live", "..", Some("")),
            ("live", "../../outside", None),
            ("live", "terraform-aws-modules/rds/aws", None),
            ("live", "git::https://example.com/x.git", None),
            ("live", "", None),
        ];
        for (from, source, expected) in cases {
            assert_eq!(
                resolve(from, source).as_deref(),
                expected,
                "{from} + {source}"
            );
        }
    }
}
