//! What configurations say, before anybody judges it.
//!
//! Read [`Module`] first. Everything borrows from the texts and trees of [`SourceFile`]s; nothing
//! here reads files. [`Workspace`] links modules, [`each_position`] walks values, [`trace`] follows
//! them.

mod block;
mod build;
mod constant;
mod embedded;
mod file;
mod functions;
mod module;
mod places;
mod position;
mod records;
mod reference;
mod referred;
mod terragrunt;
mod trace;
mod uses;
mod workspace;

pub use block::{
    Attribute, Block, Content, Label, Role, is_true, key_text, members, objects, peel,
};
pub use constant::{constant_string, constant_text};
pub use embedded::{Embedded, TextPair, decode_base64, pairs};
pub use file::{FileKind, SourceFile, folder_of};
pub use functions::{Passes, is_one_way, passes};
pub use module::{
    Assignment, BlockId, Call, Constraint, Local, Locked, Module, ModuleId, Output,
    ProviderRequirement, Requirements, Variable,
};
pub use position::{
    Pair, Position, Positions, Segment, SegmentKind, Via, Visitor, each_position, visit_positions,
};
pub use reference::{Mode, Reference, Step, Subject};
pub use referred::{called_folders, referred_files, referred_path, template_words};
pub use trace::{Hop, HopKind, Origin, Passed, Source, Trace, trace};
pub use uses::Use;
pub use workspace::{Environment, Environments, NoEnvironments, Workspace, by_folder, resolve};

#[cfg(test)]
mod tests;
