//! From what is stored to what is opened: a data source or a generating resource becomes an
//! ephemeral resource, every reference to it is rewritten, arguments that receive the value become
//! write-only, and variables and outputs between modules are marked.
//!
//! All or nothing: where one consumer cannot take an ephemeral value, there is no fix but an
//! [`Obstacle`] that names the place.

use hcl_syntax::{Expr, ExprKind, StepKind};
use rustc_hash::FxHashSet;
use secretlint_core::facts::{Block, Content, Mode, Module, ModuleId, Role, Subject, Use};
use secretlint_core::{Applicability, Cx, Edit, Fix, Place};

use super::requirement::{is_rewritable, secretref};
use super::{add_argument, fix, is_read, replacement, use_write_only};
use crate::schemas::{self, Stored};
use crate::semantic::versions::{EPHEMERAL_CORE, WRITE_ONLY_CORE, needs};

/// References that are looked at for one fix; more are not rewritten automatically.
const MAX_USES: usize = 500;

/// What every block may have, besides its own arguments.
const META_ARGUMENTS: &[&str] = &["provider", "count", "for_each", "depends_on"];

/// Why there is no fix.
#[derive(Clone, Debug)]
pub(crate) struct Obstacle {
    /// What stands in the way.
    pub(crate) place: Place,
    /// The end of the sentence "not rewritten automatically: …".
    pub(crate) why: String,
}

/// What takes the place of the block.
struct Replacement {
    /// The type of the ephemeral resource.
    kind: &'static str,
    /// Changes inside the block.
    edits: Vec<Edit>,
    /// The new name of a result; `None` when it has none.
    result: fn(&str, &str) -> Option<&'static str>,
}

/// The fix that opens ephemerally what `block`, a data source or generating resource, stores.
pub(crate) fn to_ephemeral<'a>(
    cx: &Cx<'_, 'a>,
    block: &Block<'a>,
    stored: Stored,
) -> Result<Fix, Obstacle> {
    let module = cx.module;
    let obstacle = |why: &str| Obstacle {
        place: block.header_place(),
        why: why.to_owned(),
    };
    if !is_rewritable(block) {
        return Err(obstacle("only files in native syntax are rewritten"));
    }
    if !needs(cx, module, None, EPHEMERAL_CORE).is_empty() {
        return Err(obstacle("ephemeral resources need a newer Terraform"));
    }
    let new = replacement_of(cx, block, stored)?;
    let (keyword, mode) = match block.role {
        Role::Data => ("data", Mode::Data),
        _ => ("resource", Mode::Managed),
    };
    let (Some(kind), Some(name)) = (&block.first, &block.second) else {
        return Err(obstacle("the block has no name"));
    };
    if module
        .object(Mode::Ephemeral, new.kind, &name.text)
        .is_some()
    {
        return Err(obstacle("an ephemeral resource of that name exists"));
    }
    let start = block.header.start;
    let word = hcl_syntax::Span {
        start,
        end: start + keyword.len() as u32,
    };
    let mut migration = Migration {
        cx,
        edits: vec![replacement(block.file, word, "ephemeral".to_owned())],
        seen: FxHashSet::default(),
        written: FxHashSet::default(),
        uses: 0,
    };
    if kind.text != new.kind {
        let label = format!("\"{}\"", new.kind);
        migration
            .edits
            .push(replacement(block.file, kind.span, label));
    }
    let subject = Subject::Object {
        mode,
        kind: kind.text.clone(),
        name: name.text.clone(),
    };
    for found in module.uses_of(&subject) {
        let rename = rename(module, &found, (mode, &new))?;
        migration.edits.extend(rename);
        migration.consumer(module, &found)?;
    }
    let mut edits = migration.edits;
    edits.extend(new.edits);
    let kind = new.kind;
    let title = match block.role {
        Role::Data => format!("Open the secret with `ephemeral \"{kind}\"`, which is not stored"),
        _ => format!("Generate the secret with `ephemeral \"{kind}\"`, which is not stored"),
    };
    Ok(fix(title, Applicability::Unsafe, edits))
}

fn replacement_of(
    cx: &Cx<'_, '_>,
    block: &Block<'_>,
    stored: Stored,
) -> Result<Replacement, Obstacle> {
    let obstacle = |why: String| Obstacle {
        place: block.header_place(),
        why,
    };
    let mut too_old = false;
    if let Some(kind) = stored.ephemeral {
        let missing = needs(
            cx,
            cx.module,
            Some((stored.provider, stored.since)),
            EPHEMERAL_CORE,
        );
        too_old = !missing.is_empty();
        match schemas::ephemeral(kind) {
            Some(shape) if missing.is_empty() => match unknown_argument(block, shape.arguments) {
                None => {
                    return Ok(Replacement {
                        kind,
                        edits: Vec::new(),
                        result: |kind, name| {
                            let known = schemas::ephemeral(kind)?.results;
                            known.iter().find(|known| **known == name).copied()
                        },
                    });
                }
                Some(argument) if block.role == Role::Resource => {
                    return Err(obstacle(format!(
                        "`ephemeral \"{kind}\"` has no `{argument}`"
                    )));
                }
                Some(_) => {}
            },
            _ if block.role == Role::Resource => {
                return Err(obstacle(format!(
                    "`ephemeral \"{kind}\"` needs a newer provider"
                )));
            }
            _ => {}
        }
    }
    if block.role == Role::Resource {
        return Err(obstacle("there is no ephemeral resource for it".to_owned()));
    }
    by_reference(cx.module, block).ok_or_else(|| {
        let why = match stored.ephemeral {
            Some(kind) if too_old => format!("`ephemeral \"{kind}\"` needs a newer provider"),
            _ => "its arguments cannot be written as a reference".to_owned(),
        };
        obstacle(why)
    })
}

fn unknown_argument(block: &Block<'_>, known: &[&str]) -> Option<String> {
    let Content::Native(body) = block.content else {
        return Some(String::new());
    };
    let is_known = |name: &str| known.contains(&name) || META_ARGUMENTS.contains(&name);
    let attribute = body.attributes().map(hcl_syntax::Attribute::name);
    let block = body
        .blocks()
        .map(hcl_syntax::Block::kind)
        .filter(|kind| *kind != "lifecycle");
    attribute
        .chain(block)
        .find(|name| !is_known(name))
        .map(str::to_owned)
}

/// `secretref_value` with the reference that the block's arguments amount to.
fn by_reference(module: &Module<'_>, block: &Block<'_>) -> Option<Replacement> {
    let Content::Native(body) = block.content else {
        return None;
    };
    // The argument that names the secret, and those that the reference makes needless.
    type Shape = (&'static str, &'static str, &'static [&'static str]);
    let (scheme, argument, needless): Shape = match block.kind() {
        "aws_ssm_parameter" => ("aws-ssm://", "name", &["with_decryption"]),
        "aws_secretsmanager_secret_version" => ("aws-sm://", "secret_id", &[]),
        "vault_generic_secret" => ("vault://", "path", &[]),
        _ => return None,
    };
    let known = |name: &str| {
        name == argument || needless.contains(&name) || matches!(name, "count" | "for_each")
    };
    if body.blocks().next().is_some() || body.attributes().any(|own| !known(own.name())) {
        return None;
    }
    let name = block.content.attribute(argument)?;
    let mut edits = secretref(module)?;
    edits.push(replacement(block.file, name.name_span, "ref".to_owned()));
    edits.push(written_as(block, name.value, scheme)?);
    for own in body
        .attributes()
        .filter(|own| needless.contains(&own.name()))
    {
        let lines = super::whole_lines(block.file.text(), own.span())?;
        edits.push(replacement(block.file, lines, String::new()));
    }
    Some(Replacement {
        kind: "secretref_value",
        edits,
        result: |_, name| match name {
            "value" | "secret_string" | "data_json" => Some("value"),
            "secret_binary" => Some("value_base64"),
            "data" => Some("json"),
            "version" | "version_id" => Some("version"),
            _ => None,
        },
    })
}

/// Makes the name of a secret a reference: `"/prod/token"`, `"/${var.env}/token"`, `var.name`.
fn written_as(block: &Block<'_>, name: Expr<'_>, scheme: &str) -> Option<Edit> {
    let Some(template) = name.template() else {
        // The names of parameters begin with a slash, which a reference does not have.
        let name_text = match (name.kind(), scheme) {
            (ExprKind::Traversal(_), "aws-ssm://") => {
                format!("trimprefix({}, \"/\")", name.text())
            }
            (ExprKind::Traversal(_), _) => name.text().to_owned(),
            _ => return None,
        };
        let new = format!("\"{scheme}${{{name_text}}}\"");
        return Some(replacement(block.file, name.span(), new));
    };
    if template.is_heredoc() {
        return None;
    }
    let inside = template.content_span();
    let written = block.file.parsed.slice(inside);
    let path = written.trim_start_matches('/');
    // A whole reference can be checked here, one with interpolations only during the run.
    let checked = !template.is_literal()
        || secret_policy::SecretRef::parse(&format!("{scheme}{path}")).is_ok();
    let slashes = hcl_syntax::Span {
        start: inside.start,
        end: inside.start + (written.len() - path.len()) as u32,
    };
    (checked && !path.is_empty()).then(|| replacement(block.file, slashes, scheme.to_owned()))
}

/// The edits of one reference to the block itself.
fn rename(
    module: &Module<'_>,
    found: &Use<'_>,
    (mode, by): (Mode, &Replacement),
) -> Result<Vec<Edit>, Obstacle> {
    let file = module.block(found.block).file;
    let obstacle = |why: String| Obstacle {
        place: file.place(found.expr.span()),
        why,
    };
    let ExprKind::Traversal(traversal) = found.expr.kind() else {
        return Err(obstacle(
            "it is used in a way that is not understood".to_owned(),
        ));
    };
    if !is_rewritable(module.block(found.block)) {
        return Err(obstacle(
            "it is used in a file that is not rewritten".to_owned(),
        ));
    }
    let before_name = usize::from(mode == Mode::Data);
    let mut steps = traversal.steps().skip(before_name);
    let Some(name) = steps.next() else {
        return Err(obstacle(
            "it is used in a way that is not understood".to_owned(),
        ));
    };
    let Some(name_text) = name.attribute() else {
        return Err(obstacle(
            "it is used in a way that is not understood".to_owned(),
        ));
    };
    let start = found.expr.span().start;
    let prefix = hcl_syntax::Span {
        start,
        end: name.span().end,
    };
    let new = format!("ephemeral.{}.{name_text}", by.kind);
    let mut edits = vec![replacement(file, prefix, new)];
    let result = steps.find_map(|step| match step.kind() {
        StepKind::Attribute(result) => Some((step, result)),
        _ => None,
    });
    let whole = found.names().next() == Some("depends_on");
    match result {
        None if whole => {}
        None => return Err(obstacle("it is handed on as a whole".to_owned())),
        Some((step, old)) => {
            let Some(new) = (by.result)(by.kind, old) else {
                return Err(obstacle(format!(
                    "`ephemeral \"{}\"` has no `{old}`",
                    by.kind
                )));
            };
            if new != old {
                let end = step.span().end;
                let word = hcl_syntax::Span {
                    start: end - old.len() as u32,
                    end,
                };
                edits.push(replacement(file, word, new.to_owned()));
            }
        }
    }
    Ok(edits)
}

struct Migration<'r, 'a> {
    cx: &'r Cx<'r, 'a>,
    edits: Vec<Edit>,
    /// Symbols that carry the value and were followed.
    seen: FxHashSet<(ModuleId, Subject<'a>)>,
    /// Arguments and blocks that were changed already.
    written: FxHashSet<Place>,
    uses: usize,
}

impl<'a> Migration<'_, 'a> {
    /// Everything that uses a symbol must take an ephemeral value.
    fn follow(&mut self, module: &Module<'a>, subject: &Subject<'a>) -> Result<(), Obstacle> {
        self.follow_part(module, subject, None)
    }

    /// The same for one output of a module.
    fn follow_part(
        &mut self,
        module: &Module<'a>,
        subject: &Subject<'a>,
        output: Option<&str>,
    ) -> Result<(), Obstacle> {
        if output.is_none() && !self.seen.insert((module.id, subject.clone())) {
            return Ok(());
        }
        for found in module.uses_of(subject) {
            let of_part = found.reference.attribute();
            if output.is_some_and(|output| of_part.is_some_and(|part| part != output)) {
                continue;
            }
            self.consumer(module, &found)?;
        }
        Ok(())
    }

    fn consumer(&mut self, module: &Module<'a>, found: &Use<'a>) -> Result<(), Obstacle> {
        let block = module.block(found.block);
        let obstacle = |why: String| Obstacle {
            place: block.file.place(found.expr.span()),
            why,
        };
        self.uses += 1;
        if self.uses > MAX_USES {
            return Err(obstacle("it is used in too many places".to_owned()));
        }
        let first = found.names().next().unwrap_or_default();
        match block.role {
            _ if first == "depends_on" => Ok(()),
            Role::Provider | Role::Ephemeral if !matches!(first, "count" | "for_each") => Ok(()),
            Role::Variable => Ok(()),
            Role::Resource => self.resource(module, block, found),
            Role::Locals => {
                let name = found.path[0].clone();
                self.follow(module, &Subject::Local(name))
            }
            Role::Module => self.input(module, block, found),
            Role::Output => self.output(module, block, found),
            Role::Data => Err(obstacle(format!(
                "`{}` is a data source, whose arguments are stored",
                block.address()
            ))),
            _ => Err(obstacle(format!(
                "`{}` cannot take an ephemeral value",
                block.address()
            ))),
        }
    }

    fn resource(
        &mut self,
        module: &Module<'a>,
        block: &Block<'a>,
        found: &Use<'a>,
    ) -> Result<(), Obstacle> {
        let first = found.names().next().unwrap_or_default();
        let name = &*found.attribute.name;
        if matches!(first, "provisioner" | "connection") || name.ends_with("_wo") {
            return Ok(());
        }
        let place = block.file.place(found.attribute.span());
        let address = format!(
            "{}.{}",
            block.address(),
            found.names().collect::<Vec<_>>().join(".")
        );
        let obstacle = |why: String| Obstacle {
            place,
            why: format!("`{address}` {why}"),
        };
        let stores = || obstacle("stores it and has no write-only sibling".to_owned());
        let sibling = schemas::write_only(block.kind(), &found.names()).ok_or_else(stores)?;
        let since = sibling.since.ok_or_else(stores)?;
        let provider = block.kind().split('_').next().unwrap_or_default();
        if !needs(
            self.cx,
            module,
            Some((provider, Some(since))),
            WRITE_ONLY_CORE,
        )
        .is_empty()
        {
            return Err(obstacle(format!(
                "has a write-only sibling from {provider} {since} and Terraform {WRITE_ONLY_CORE} on"
            )));
        }
        if block.value(&format!("{name}_wo")).is_some() {
            return Err(obstacle("stands beside its write-only sibling".to_owned()));
        }
        if is_read(module, block, first) {
            return Err(obstacle(
                "is read elsewhere, where it would be empty".to_owned(),
            ));
        }
        if self.written.insert(place) {
            let edits = use_write_only(block, &found.attribute)
                .ok_or_else(|| obstacle("is written in a way that is not rewritten".to_owned()))?;
            self.edits.extend(edits);
        }
        Ok(())
    }

    /// The value goes into a module: its variable must be ephemeral, and so must be what it reaches.
    fn input(
        &mut self,
        module: &Module<'a>,
        block: &Block<'a>,
        found: &Use<'a>,
    ) -> Result<(), Obstacle> {
        let obstacle = |why: &str| Obstacle {
            place: block.file.place(found.attribute.span()),
            why: format!("`{}` {why}", block.address()),
        };
        let target = module.call(block.name()).and_then(|call| call.target);
        let target = target.ok_or_else(|| obstacle("is a module that is not in this tree"))?;
        let target = self.cx.workspace.module(target);
        let name = &found.path[0];
        let variable = target
            .variable(name)
            .ok_or_else(|| obstacle("has no such variable"))?;
        let declared = target.block(variable.block);
        if !variable.ephemeral {
            self.mark(declared)?;
        }
        self.follow(target, &Subject::Variable(name.clone()))
    }

    /// The value leaves a module: the output must be ephemeral, which a root module's cannot be.
    fn output(
        &mut self,
        module: &Module<'a>,
        block: &Block<'a>,
        found: &Use<'a>,
    ) -> Result<(), Obstacle> {
        let workspace = self.cx.workspace;
        let mut callers = workspace.callers_of(module.id).peekable();
        if callers.peek().is_none() {
            return Err(Obstacle {
                place: block.file.place(found.expr.span()),
                why: format!("`{}` of a root module cannot be ephemeral", block.address()),
            });
        }
        if !block.is_true("ephemeral") {
            self.mark(block)?;
        }
        if !self
            .seen
            .insert((module.id, Subject::Module(found.path[0].clone())))
        {
            return Ok(());
        }
        let output = block.name().to_owned();
        for (caller, call) in callers {
            self.follow_part(caller, &Subject::Module(call.name.clone()), Some(&output))?;
        }
        Ok(())
    }

    /// `ephemeral = true`, once.
    fn mark(&mut self, block: &Block<'a>) -> Result<(), Obstacle> {
        let obstacle = |why: &str| Obstacle {
            place: block.header_place(),
            why: format!("`{}` {why}", block.address()),
        };
        if block.value("ephemeral").is_some() {
            return Err(obstacle("says itself whether it is ephemeral"));
        }
        if !needs(self.cx, self.cx.module, None, EPHEMERAL_CORE).is_empty() || !is_rewritable(block)
        {
            return Err(obstacle("is in a file that is not rewritten"));
        }
        if self.written.insert(block.header_place()) {
            let edits = add_argument(block, "ephemeral = true")
                .ok_or_else(|| obstacle("is written in a way that is not rewritten"))?;
            self.edits.extend(edits);
        }
        Ok(())
    }
}
