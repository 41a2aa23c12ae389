//! Literals that move out of the text: into a secret store that a reference names, or into a variable
//! that the run is given. The value itself is never repeated; the title says how to move it.

use secret_policy::{Request, SecretRef};
use secretlint_core::facts::{
    Attribute, Block, Content, Mode, Module, Position, Role, SegmentKind, Via, each_position,
};
use secretlint_core::{Applicability, Cx, Edit, Fix};

use super::requirement::{is_configuration, is_rewritable, secretref};
use super::{add_argument, fix, insertion, is_read, replacement, use_write_only, whole_lines};
use crate::schemas;
use crate::semantic::versions::{EPHEMERAL_CORE, WRITE_ONLY_CORE, needs};

/// Larger blocks are not counted through.
const LARGEST_BLOCK: u32 = 1 << 16;
/// Where variables are declared, when there is such a file.
const VARIABLES: &str = "variables.tf";

/// How the place of a literal can take a value that is not stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taker {
    /// As it is: provider blocks, provisioners, write-only arguments.
    Ephemeral,
    /// Through its write-only sibling.
    WriteOnly,
    /// Not at all: what is given is stored.
    Stored,
}

/// The fixes of a literal secret: a reference to a store where the place takes one, then a variable.
pub(crate) fn keep_elsewhere<'a>(cx: &Cx<'_, 'a>, position: &Position<'_, 'a>) -> Vec<Fix> {
    let block = position.block;
    let has_place = matches!(
        block.role,
        Role::Resource
            | Role::Provider
            | Role::Module
            | Role::Ephemeral
            | Role::Data
            | Role::Locals
    );
    let plain = position
        .expr
        .template()
        .is_none_or(|template| !template.is_heredoc());
    let direct = position
        .via
        .iter()
        .all(|via| matches!(via, Via::Branch | Via::Element | Via::Argument { .. }));
    if !has_place || !plain || !direct || !is_rewritable(block) {
        return Vec::new();
    }
    let taker = taker(cx, position);
    let Some((name, before)) = name_of(position) else {
        return Vec::new();
    };
    let by_reference = (taker != Taker::Stored)
        .then(|| open_from_store(cx, position, (&name, before, taker)))
        .flatten();
    let by_variable = as_variable(cx, position, (&name, taker));
    by_reference.into_iter().chain(by_variable).collect()
}

fn taker<'a>(cx: &Cx<'_, 'a>, position: &Position<'_, 'a>) -> Taker {
    let block = position.block;
    let core = |version| needs(cx, cx.module, None, version).is_empty();
    let first = position.names().next().unwrap_or_default();
    match block.role {
        Role::Provider | Role::Ephemeral if core(EPHEMERAL_CORE) => Taker::Ephemeral,
        Role::Resource if core(EPHEMERAL_CORE) => {
            let sibling = schemas::write_only(block.kind(), &position.names());
            let since = sibling.and_then(|sibling| sibling.since);
            let provider = block.kind().split('_').next().unwrap_or_default();
            let possible = |since| {
                needs(
                    cx,
                    cx.module,
                    Some((provider, Some(since))),
                    WRITE_ONLY_CORE,
                )
            };
            if matches!(first, "provisioner" | "connection") || position.key().ends_with("_wo") {
                Taker::Ephemeral
            } else if argument(position).is_some()
                && since.is_some_and(|since| possible(since).is_empty())
                // A write-only argument is empty for whoever reads it.
                && !is_read(cx.module, block, first)
            {
                Taker::WriteOnly
            } else {
                Taker::Stored
            }
        }
        _ => Taker::Stored,
    }
}

/// The argument as a whole, when the literal is all of it.
fn argument<'a>(position: &Position<'_, 'a>) -> Option<Attribute<'a>> {
    let last = position.path.last()?;
    (last.kind == SegmentKind::Attribute && position.via.is_empty()).then(|| Attribute {
        name: last.name.clone(),
        name_span: last.span,
        value: position.expr,
    })
}

/// A name that no other place of the module gives, and the place of the literal among those of one
/// address: repeated blocks and lists have several. `None` in blocks too large to be counted through.
fn name_of(position: &Position<'_, '_>) -> Option<(String, usize)> {
    let name = joined_name(position);
    let block = position.block;
    if position.path.len() == 1 && position.via.is_empty() {
        return Some((name, 0));
    }
    if block.span.end - block.span.start > LARGEST_BLOCK {
        return None;
    }
    let own = position.expr.span().start;
    let mut before = 0;
    each_position(block, &mut |other| {
        let earlier = other.is_leaf() && other.expr.span().start < own;
        before += usize::from(earlier && joined_name(other) == name);
    });
    let name = match before {
        0 => name,
        more => format!("{name}_{}", more + 1),
    };
    Some((name, before))
}

fn joined_name(position: &Position<'_, '_>) -> String {
    let block = position.block;
    let names: Vec<&str> = match block.role {
        Role::Locals => Vec::new(),
        Role::Module => vec!["module", block.name()],
        Role::Provider => vec![block.kind()],
        _ => vec![block.kind(), block.name()],
    };
    let alias = (block.role == Role::Provider)
        .then(|| {
            block
                .value("alias")
                .and_then(secretlint_core::facts::constant_string)
        })
        .flatten();
    let names = names.into_iter().chain(alias.as_deref());
    let keys = position.names().map(without_wo);
    let mut joined = names.chain(keys).collect::<Vec<_>>().join("_");
    // The block's own `name` says no more than its label.
    if let Some(pair) = position.pair.filter(|_| position.path.len() > 1) {
        joined.push('_');
        joined.push_str(&pair.name);
    }
    let word = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    joined.chars().map(word).collect()
}

/// The write-only form of an argument is the same secret.
fn without_wo(name: &str) -> &str {
    name.strip_suffix("_wo").unwrap_or(name)
}

fn open_from_store<'a>(
    cx: &Cx<'_, 'a>,
    position: &Position<'_, 'a>,
    (name, before, taker): (&str, usize, Taker),
) -> Option<Fix> {
    let block = position.block;
    if cx
        .module
        .object(Mode::Ephemeral, "secretref_value", name)
        .is_some()
    {
        return None;
    }
    let environment = cx.environment(block.file.id);
    let folder = environment.map_or("default", |found| &*found.name);
    let key: Vec<&str> = position.names().map(without_wo).collect();
    let owner = match block.role {
        Role::Provider => format!("provider/{}", block.kind()),
        _ => format!("{}/{}", block.kind(), block.name()),
    };
    let mut key = key.join("_");
    if before > 0 {
        key.push_str(&format!("_{}", before + 1));
    }
    let reference = format!("local://{folder}/{owner}#{key}");
    let parsed = SecretRef::parse(&reference).ok()?.reference;
    if let Some(policy) = cx.policy() {
        let name = environment.map(|found| &*found.name);
        let request = Request::open(name, &parsed).audited(true);
        if !policy.environments().is_empty() && !policy.decide(&request).is_allowed() {
            return None;
        }
    }
    let mut edits = secretref(cx.module)?;
    let gate = match taker {
        Taker::WriteOnly => "\n  applying = terraform.applying",
        _ => "",
    };
    let argument = if gate.is_empty() {
        "ref ="
    } else {
        "ref      ="
    };
    let opened = format!(
        "ephemeral \"secretref_value\" \"{name}\" {{\n  {argument} \"{reference}\"{gate}\n}}"
    );
    edits.push(insertion(
        block.file,
        block.span.end,
        format!("\n\n{opened}"),
    ));
    let value = format!("ephemeral.secretref_value.{name}.value");
    edits.extend(give(position, (&value, taker))?);
    Some(fix(
        format!(
            "Open `{reference}` instead; move the value there first: `terraform-provider-secretref store set '{reference}'`"
        ),
        Applicability::Unsafe,
        edits,
    ))
}

fn as_variable<'a>(
    cx: &Cx<'_, 'a>,
    position: &Position<'_, 'a>,
    (name, taker): (&str, Taker),
) -> Option<Fix> {
    // Who calls the module would have to give the value, too.
    let called = cx.workspace.callers_of(cx.module.id).next().is_some();
    if called || cx.module.variable(name).is_some() {
        return None;
    }
    let mark = match taker {
        Taker::Stored => "sensitive",
        _ => "ephemeral",
    };
    let declared = format!("variable \"{name}\" {{\n  type      = string\n  {mark} = true\n}}");
    let mut edits = vec![declare(cx.module, position.block, &declared)];
    edits.extend(give(position, (&format!("var.{name}"), taker))?);
    Some(fix(
        format!("Take the value from an {mark} variable; give it to the run as `TF_VAR_{name}`")
            .replace("an sensitive", "a sensitive"),
        Applicability::Unsafe,
        edits,
    ))
}

/// A new block at the end of the file of variables, else behind the block that uses it.
fn declare<'a>(module: &Module<'a>, user: &Block<'a>, text: &str) -> Edit {
    let file = module
        .files
        .iter()
        .find(|file| file.name() == VARIABLES && is_configuration(file));
    let Some(file) = file else {
        return insertion(user.file, user.span.end, format!("\n\n{text}"));
    };
    let before = match file.text() {
        empty if empty.trim().is_empty() => "",
        ended if ended.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    insertion(file, file.text().len() as u32, format!("{before}{text}\n"))
}

/// Puts `value` in the place of the literal.
fn give(position: &Position<'_, '_>, (value, taker): (&str, Taker)) -> Option<Vec<Edit>> {
    let file = position.block.file;
    let mut edits = vec![replacement(file, position.expr.span(), value.to_owned())];
    if taker == Taker::WriteOnly {
        edits.extend(use_write_only(position.block, &argument(position)?)?);
    }
    Some(edits)
}

/// Takes a secret default out of a variable, which every caller must give from then on.
pub(crate) fn take_default_out(cx: &Cx<'_, '_>, position: &Position<'_, '_>) -> Option<Fix> {
    let block = position.block;
    let name = block.name();
    if !is_rewritable(block)
        || position.path.len() != 1
        || !matches!(block.content, Content::Native(_))
    {
        return None;
    }
    let mut callers = cx.workspace.callers_of(cx.module.id);
    if callers.any(|(_, call)| call.inputs.iter().all(|input| input.name != name)) {
        return None;
    }
    let default = block.content.attribute("default")?;
    let marked = ["sensitive", "ephemeral"]
        .iter()
        .any(|mark| block.value(mark).is_some());
    let edit = if marked {
        let lines = whole_lines(block.file.text(), default.span())?;
        replacement(block.file, lines, String::new())
    } else {
        replacement(block.file, default.span(), "sensitive = true".to_owned())
    };
    Some(fix(
        format!(
            "Take the default out; give the value to the run as `TF_VAR_{name}`, or from a store"
        ),
        Applicability::Unsafe,
        vec![edit],
    ))
}

/// Takes a secret out of a variable file.
pub(crate) fn take_value_out(cx: &Cx<'_, '_>, position: &Position<'_, '_>) -> Option<Fix> {
    let block = position.block;
    let native = matches!(block.content, Content::Native(_));
    if position.path.len() != 1 || !native || block.file.kind.is_json() {
        return None;
    }
    let attribute = block.content.attribute(position.key())?;
    let lines = whole_lines(block.file.text(), attribute.span())?;
    let name = position.key();
    let mut edits = vec![replacement(block.file, lines, String::new())];
    // What the variable file hid is hidden in plans and logs from now on, too.
    let owner = cx.workspace.declaring_module(cx.module);
    let variable = owner.and_then(|owner| Some((owner, owner.variable(name)?)));
    if let Some((owner, variable)) = variable
        && !(variable.sensitive || variable.ephemeral)
        && is_rewritable(owner.block(variable.block))
    {
        edits.extend(
            add_argument(owner.block(variable.block), "sensitive = true").unwrap_or_default(),
        );
    }
    Some(fix(
        format!(
            "Take the value out of the file; give it to the run as `TF_VAR_{name}`, or from a store"
        ),
        Applicability::Unsafe,
        edits,
    ))
}
