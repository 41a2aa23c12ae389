//! Documentation pages in the layout that registries look for, made from schemas and example files.
//!
//! [`render`] makes the pages, [`stale`] compares them with what is stored, [`write()`] stores them. A test
//! of a provider calls `stale`, or `write` in update mode, so that the pages never fall behind.
//!
//! Examples come from `provider/provider.tf`, `resources/<type>/resource.tf` and so on (see [`Kind`]).
//! Everything on offer must have one, and there must be none for what is not on offer.

mod kind;
mod schema;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

pub use kind::Kind;

use crate::function::{Parameter, Signature};
use crate::provider::{Provider, Registry};
use crate::schema::Schema;

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Below the documentation folder, such as `ephemeral-resources/value.md`.
    pub path: PathBuf,
    /// Markdown with front matter.
    pub text: String,
}

/// Why there are no pages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocsError {
    /// Something on offer has no example.
    #[error("{} is missing: everything on offer needs an example", path.display())]
    MissingExample {
        /// Where the example belongs.
        path: PathBuf,
    },
    /// An example of something that is not on offer.
    #[error("{} is an example of something the provider does not offer", path.display())]
    StrayExample {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot read or write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

/// Makes all pages of a provider called `name` (the prefix of its types), in a stable order.
///
/// # Errors
/// When an example is missing, stray or unreadable.
pub fn render<P: Provider>(
    provider: &P,
    name: &str,
    examples: &Path,
) -> Result<Vec<Page>, DocsError> {
    let registry = Registry::of(provider);
    let source = Source { name, examples };
    let mut pages = vec![source.index(&provider.schema())?];
    for (kind, schemas) in schemas(&registry) {
        for (type_name, schema) in &schemas {
            pages.push(source.page(kind, type_name, schema)?);
        }
        source.no_strays(
            kind,
            &schemas.iter().map(|(name, _)| name.as_str()).collect(),
        )?;
    }
    for (function, item) in &registry.functions {
        pages.push(source.function(function, &item.signature())?);
    }
    source.no_strays(
        Kind::Function,
        &registry.functions.keys().map(String::as_str).collect(),
    )?;
    Ok(pages)
}

/// Paths of pages that are missing or differ below `folder`, and of pages there that should not be.
/// Guides are not looked at.
///
/// # Errors
/// When a folder cannot be read.
pub fn stale(pages: &[Page], folder: &Path) -> Result<Vec<PathBuf>, DocsError> {
    let differs = |page: &&Page| {
        fs::read_to_string(folder.join(&page.path)).ok().as_ref() != Some(&page.text)
    };
    let mut stale: Vec<_> = pages
        .iter()
        .filter(differs)
        .map(|page| page.path.clone())
        .collect();
    for kind in Kind::ALL {
        let stored = entries(&folder.join(kind.folder()))?
            .into_iter()
            .map(|name| Path::new(kind.folder()).join(name));
        stale.extend(stored.filter(|path| !pages.iter().any(|page| page.path == *path)));
    }
    Ok(stale)
}

/// Stores the pages below `folder` and removes pages that should not be there.
///
/// # Errors
/// When a file cannot be written or removed.
pub fn write(pages: &[Page], folder: &Path) -> Result<(), DocsError> {
    for path in stale(pages, folder)? {
        let target = folder.join(&path);
        let page = pages.iter().find(|page| page.path == path);
        let parent = target.parent().unwrap_or(folder);
        let stored = match page {
            Some(page) => fs::create_dir_all(parent).and_then(|()| fs::write(&target, &page.text)),
            None => fs::remove_file(&target),
        };
        stored.map_err(|source| DocsError::File {
            path: target.clone(),
            source,
        })?;
    }
    Ok(())
}

type Schemas = Vec<(String, Schema)>;

fn schemas<D: Send + Sync + 'static>(registry: &Registry<D>) -> [(Kind, Schemas); 6] {
    macro_rules! of {
        ($offers:ident) => {
            registry
                .$offers
                .iter()
                .map(|(name, item)| (name.clone(), item.made().schema.clone()))
                .collect()
        };
    }
    [
        (Kind::Action, of!(actions)),
        (Kind::DataSource, of!(data_sources)),
        (Kind::Ephemeral, of!(ephemerals)),
        (Kind::List, of!(lists)),
        (Kind::Managed, of!(managed)),
        (Kind::StateStore, of!(state_stores)),
    ]
}

/// Where pages come from.
struct Source<'s> {
    name: &'s str,
    examples: &'s Path,
}

impl Source<'_> {
    fn index(&self, schema: &Schema) -> Result<Page, DocsError> {
        let title = format!("{} Provider", self.name);
        let example = self.example(&self.examples.join("provider/provider.tf"))?;
        let mut text = front_matter(&title, &schema.block.description);
        section(
            &mut text,
            &format!("# {title}\n\n{}", schema.block.description),
        );
        section(&mut text, &example);
        section(&mut text, &schema::render(&schema.block));
        Ok(Page {
            path: "index.md".into(),
            text,
        })
    }

    fn page(&self, kind: Kind, type_name: &str, schema: &Schema) -> Result<Page, DocsError> {
        let title = format!("{type_name} ({})", kind.title());
        let example = self.example(&self.examples.join(kind.example(type_name)))?;
        let mut text = front_matter(&title, &schema.block.description);
        section(
            &mut text,
            &format!("# {title}\n\n{}", schema.block.description),
        );
        if let Some(instead) = &schema.block.deprecated {
            section(&mut text, &format!("~> **Deprecated:** {instead}"));
        }
        section(&mut text, &example);
        section(&mut text, &schema::render(&schema.block));
        let import = self
            .examples
            .join(kind.folder())
            .join(type_name)
            .join("import.sh");
        if import.is_file() {
            let command = read(&import)?;
            section(
                &mut text,
                &format!("## Import\n\n```shell\n{}\n```", command.trim_end()),
            );
        }
        Ok(Page {
            path: self.path(kind, type_name),
            text,
        })
    }

    fn function(&self, name: &str, signature: &Signature) -> Result<Page, DocsError> {
        let title = format!("{name} (Function)");
        let example = self.example(&self.examples.join(Kind::Function.example(name)))?;
        let mut text = front_matter(&title, &signature.summary);
        section(&mut text, &format!("# {title}\n\n{}", signature.summary));
        section(&mut text, &signature.description);
        section(&mut text, &example);
        section(
            &mut text,
            &format!("## Signature\n\n```text\n{}\n```", call(name, signature)),
        );
        section(&mut text, &arguments(signature));
        Ok(Page {
            path: self.path(Kind::Function, name),
            text,
        })
    }

    fn path(&self, kind: Kind, type_name: &str) -> PathBuf {
        let short = type_name
            .strip_prefix(self.name)
            .and_then(|rest| rest.strip_prefix('_'))
            .unwrap_or(type_name);
        Path::new(kind.folder()).join(format!("{short}.md"))
    }

    fn example(&self, path: &Path) -> Result<String, DocsError> {
        if !path.is_file() {
            return Err(DocsError::MissingExample {
                path: path.to_owned(),
            });
        }
        Ok(format!(
            "## Example Usage\n\n```terraform\n{}\n```",
            read(path)?.trim_end()
        ))
    }

    fn no_strays(&self, kind: Kind, offered: &BTreeSet<&str>) -> Result<(), DocsError> {
        let folder = self.examples.join(kind.folder());
        match entries(&folder)?
            .into_iter()
            .find(|name| !offered.contains(name.as_str()))
        {
            Some(stray) => Err(DocsError::StrayExample {
                path: folder.join(stray),
            }),
            None => Ok(()),
        }
    }
}

/// `description` is the first paragraph on one line, as registries show it in lists.
fn front_matter(title: &str, description: &str) -> String {
    let first = description.split("\n\n").next().unwrap_or_default();
    let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("---\npage_title: \"{title}\"\ndescription: |-\n  {line}\n---\n")
}

fn section(text: &mut String, section: &str) {
    if !section.is_empty() {
        // Writing into memory cannot fail.
        let _ = writeln!(text, "\n{}", section.trim_end());
    }
}

fn call(name: &str, signature: &Signature) -> String {
    let parameter =
        |parameter: &Parameter| format!("{} {}", parameter.name, parameter.ty.describe());
    let mut parameters: Vec<_> = signature.parameters.iter().map(parameter).collect();
    parameters.extend(
        signature
            .variadic
            .iter()
            .map(|variadic| format!("{}...", parameter(variadic))),
    );
    format!(
        "{name}({}) {}",
        parameters.join(", "),
        signature.result.describe()
    )
}

fn arguments(signature: &Signature) -> String {
    let mut text = String::from("## Arguments\n\n");
    let line = |parameter: &Parameter, variadic: &str| {
        let nullable = if parameter.allow_null {
            ", Nullable"
        } else {
            ""
        };
        let ty = schema::type_name(&parameter.ty);
        format!(
            "- `{}` ({variadic}{ty}{nullable}) {}\n",
            parameter.name, parameter.description
        )
    };
    text.extend(
        signature
            .parameters
            .iter()
            .map(|parameter| line(parameter, "")),
    );
    text.extend(
        signature
            .variadic
            .iter()
            .map(|parameter| line(parameter, "Variadic, ")),
    );
    text
}

fn read(path: &Path) -> Result<String, DocsError> {
    fs::read_to_string(path).map_err(|source| DocsError::File {
        path: path.to_owned(),
        source,
    })
}

/// Names in a folder, sorted; none when there is no such folder.
fn entries(folder: &Path) -> Result<Vec<String>, DocsError> {
    let failed = |source| DocsError::File {
        path: folder.to_owned(),
        source,
    };
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in listing {
        names.push(
            entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort();
    Ok(names)
}
