//! Which environment a file belongs to when no policy says so: from folder names, file names and
//! the usual layouts of Terraform, Terragrunt and variable files.
//!
//! Conservative on purpose: a wrong environment makes false findings, a missing one only makes
//! fewer. Only whole folder names and the words of a few kinds of file names count; what is above
//! the tree (a repository called `prod-infra`) is not looked at, because paths are relative to it.

mod infer;
mod names;
mod reference;

pub use infer::{Inferred, infer};
pub use names::{canonical, is_production};
pub use reference::of_reference;
