//! What to lint: places on disk, texts from memory, or both.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// What to lint.
#[derive(Clone, Debug)]
pub struct Input<'i> {
    /// Folder the run started in, absolute or `.`; paths are shown relative to it.
    pub root: &'i Path,
    /// Files and folders to read, absolute or relative to `root`. Folders are walked; files are
    /// linted whatever their name or the ignore files say. Empty: nothing is read from disk.
    pub paths: &'i [PathBuf],
    /// Texts that replace or join what is on disk: unsaved editor buffers, standard input, blobs
    /// of another revision.
    pub texts: &'i [TextInput],
    /// When set, only findings in these files are reported (display paths); the rest is context.
    pub only: Option<&'i [String]>,
}

impl Input<'_> {
    /// The place of a file that is known by its display path below the root.
    pub(crate) fn below<'p>(&self, path: &'p str) -> Cow<'p, Path> {
        if self.root == Path::new(".") && !path.is_empty() {
            Cow::Borrowed(Path::new(path))
        } else {
            Cow::Owned(self.root.join(path))
        }
    }
}

/// A text from memory.
#[derive(Clone, Debug)]
pub struct TextInput {
    /// Display path: relative to the root, `/` separated. Decides the kind of file.
    pub path: String,
    /// The text.
    pub text: String,
}
