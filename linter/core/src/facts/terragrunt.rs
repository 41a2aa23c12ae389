//! Which file terragrunt's `include` and `read_terragrunt_config` mean.

use hcl_syntax::{Call, Expr, ExprKind, Part};

use crate::facts::block::peel;
use crate::facts::constant::constant_string;
use crate::facts::file::{SourceFile, folder_of};
use crate::facts::module::Module;
use crate::facts::workspace::{Workspace, resolve};

/// The file of the workspace that a path expression in `from` names: `find_in_parent_folders(…)`,
/// a relative path, or one after `${get_terragrunt_dir()}`.
pub(crate) fn named_file<'w, 'a>(
    workspace: &'w Workspace<'a>,
    from: &SourceFile,
    path: Expr<'_>,
) -> Option<(&'w Module<'a>, &'a SourceFile)> {
    match peel(path).kind() {
        ExprKind::Call(call) => in_parent_folders(workspace, from, call),
        ExprKind::Template(template) => {
            if let Some(text) = template.as_literal() {
                let dotted = format!("./{text}");
                return at(workspace, &resolve(from.folder(), &dotted)?);
            }
            let mut parts = template.parts();
            match (parts.next()?, parts.next()) {
                (Part::Interpolation(only), None) => named_file(workspace, from, only),
                (Part::Interpolation(folder), Some(Part::Literal(rest))) => {
                    let ExprKind::Call(call) = folder.kind() else {
                        return None;
                    };
                    let below = format!(".{}", rest.value());
                    let own = call.name() == "get_terragrunt_dir";
                    own.then(|| resolve(from.folder(), &below))
                        .flatten()
                        .and_then(|path| at(workspace, &path))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// `find_in_parent_folders("env.hcl")`: the nearest file of that name in a folder above.
fn in_parent_folders<'w, 'a>(
    workspace: &'w Workspace<'a>,
    from: &SourceFile,
    call: Call<'_>,
) -> Option<(&'w Module<'a>, &'a SourceFile)> {
    if call.name() != "find_in_parent_folders" {
        return None;
    }
    let name = match call.args().next() {
        Some(argument) => constant_string(argument)?,
        None => "terragrunt.hcl".into(),
    };
    let mut folder = from.folder();
    while !folder.is_empty() {
        folder = folder_of(folder);
        let path = if folder.is_empty() {
            name.to_string()
        } else {
            format!("{folder}/{name}")
        };
        if let Some(found) = at(workspace, &path) {
            return Some(found);
        }
    }
    None
}

fn at<'w, 'a>(
    workspace: &'w Workspace<'a>,
    path: &str,
) -> Option<(&'w Module<'a>, &'a SourceFile)> {
    let module = workspace.module_at(folder_of(path))?;
    let file = module.files.iter().find(|file| &*file.path == path)?;
    Some((module, file))
}
