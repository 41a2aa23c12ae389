//! Modules that the files of a batch call and that other batches hold: without them a value that goes
//! into a shared module could not be followed in a tree of more files than one batch has.

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use secretlint_core::facts::{SourceFile, called_folders};

use crate::discover::Found;

/// Files that are taken in besides those of the batch.
const MAX_FILES: usize = 4096;

/// The files of all local modules that `files` call, directly or through others, and that are not among
/// them. `read` reads the file of that index.
pub(crate) fn called(
    files: &[SourceFile],
    found: &[Found],
    read: impl Fn(usize) -> Option<SourceFile> + Sync,
) -> Vec<SourceFile> {
    let mut known: FxHashSet<String> = files.iter().map(|file| file.folder().to_owned()).collect();
    let mut context: Vec<SourceFile> = Vec::new();
    let mut next = targets(files);
    while !next.is_empty() && context.len() < MAX_FILES {
        next.retain(|folder| known.insert(folder.clone()));
        let indexes: Vec<usize> = next
            .iter()
            .flat_map(|folder| directly_in(found, folder))
            .take(MAX_FILES - context.len())
            .collect();
        let loaded: Vec<SourceFile> = indexes.into_par_iter().filter_map(&read).collect();
        next = targets(&loaded);
        context.extend(loaded);
    }
    context
}

/// Folders that the files call, sorted, each once.
fn targets(files: &[SourceFile]) -> Vec<String> {
    let folders: Vec<Vec<String>> = files.par_iter().map(called_folders).collect();
    let mut folders: Vec<String> = folders.into_iter().flatten().collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

/// Indexes of the files of one folder; `found` is sorted by path.
fn directly_in<'f>(found: &'f [Found], folder: &str) -> impl Iterator<Item = usize> + use<'f> {
    let prefix = match folder {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    let start = found.partition_point(|file| file.path.as_str() < prefix.as_str());
    let below = found[start..].iter().enumerate();
    let length = prefix.len();
    below
        .take_while(move |(_, file)| file.path.starts_with(&prefix))
        .filter(move |(_, file)| !file.path[length..].contains('/'))
        .map(move |(offset, _)| start + offset)
}

#[cfg(test)]
mod tests {
    use secretlint_core::FileId;
    use secretlint_core::facts::FileKind;

    use super::*;
    use crate::discover::Origin;

    #[test]
    fn called_modules_are_taken_in_with_those_that_they_call() {
        let call = |source: &str| format!("module \"m\" {{\n  source = \"{source}\"\n}}\n");
        let tree = [
            ("live/main.tf", call("../modules/app")),
            ("modules/app/main.tf", call("../db")),
            ("modules/app/deeper/main.tf", String::new()),
            ("modules/db/main.tf", call("../app")),
            ("modules/other/main.tf", String::new()),
        ];
        let mut sorted = tree.to_vec();
        sorted.sort();
        let found: Vec<Found> = sorted
            .iter()
            .map(|(path, _)| Found {
                path: (*path).to_owned(),
                origin: Origin::Memory(0),
                kind: None,
            })
            .collect();
        let file = |index: usize| {
            let (path, text) = &sorted[index];
            SourceFile::new(
                FileId(index as u32),
                *path,
                FileKind::Terraform,
                text.as_str(),
            )
        };
        let context = called(&[file(0)], &found, |index| Some(file(index)));
        let paths: Vec<&str> = context.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, ["modules/app/main.tf", "modules/db/main.tf"]);
    }
}
