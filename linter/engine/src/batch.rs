//! Which files are held in memory together.
//!
//! Values are followed between the modules of one batch, so a batch is a whole subtree wherever it
//! fits; only trees with more than [`MAX_FILES`] files are cut, at folder borders, as high up as
//! possible. What is left small is put together with its neighbours: what lies at the top of so large
//! a tree are mostly projects of their own, so only as many as a processor's cache holds; parts of one
//! of them as many as may be. Memory is bounded by the batch, not by the tree, and the cut depends on
//! the paths alone.

use crate::discover::Found;

/// Files of a batch. At 2 KB a file and five bytes of memory per byte this is some 40 MB.
const MAX_FILES: usize = 4096;

/// Files of a batch that one thread sees through, beside those of other threads: some 2 MB.
pub(crate) const SMALL: usize = 256;

/// Indexes into `files`, which are sorted by path, grouped into batches.
pub(crate) fn batches(files: &[Found]) -> Vec<Vec<usize>> {
    batches_of(files, MAX_FILES, SMALL)
}

fn batches_of(files: &[Found], max: usize, small: usize) -> Vec<Vec<usize>> {
    let mut subtrees = Vec::new();
    cut(files, (0..files.len()).collect(), 0, max, &mut subtrees);
    let top = |batch: &[usize]| files[batch[0]].path.split('/').next();
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for subtree in subtrees {
        match batches.last_mut() {
            Some(batch)
                if batch.len() + subtree.len() <= small
                    || batch.len() + subtree.len() <= max && top(batch) == top(&subtree) =>
            {
                batch.extend(subtree);
            }
            _ => batches.push(subtree),
        }
    }
    batches
}

/// Cuts the files below one folder, whose path has `prefix` bytes, into subtrees of at most `max`.
fn cut(files: &[Found], members: Vec<usize>, prefix: usize, max: usize, out: &mut Vec<Vec<usize>>) {
    if members.len() <= max {
        if !members.is_empty() {
            out.push(members);
        }
        return;
    }
    let mut own = Vec::new();
    let mut folders: Vec<(usize, Vec<usize>)> = Vec::new();
    for index in members {
        let path = &files[index].path;
        let Some(end) = path[prefix..].find('/').map(|at| prefix + at + 1) else {
            own.push(index);
            continue;
        };
        match folders.last_mut() {
            Some((known, group))
                if *known == end && files[group[0]].path[prefix..end] == path[prefix..end] =>
            {
                group.push(index);
            }
            _ => folders.push((end, vec![index])),
        }
    }
    if !own.is_empty() {
        out.push(own);
    }
    for (end, group) in folders {
        cut(files, group, end, max, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Origin;

    fn found(paths: &[&str]) -> Vec<Found> {
        let mut sorted = paths.to_vec();
        sorted.sort_unstable();
        let found = |path: &&str| Found {
            path: (*path).to_owned(),
            origin: Origin::Memory(0),
            kind: None,
        };
        sorted.iter().map(found).collect()
    }

    fn shown(files: &[Found], max: usize) -> Vec<String> {
        shown_with(files, max, max)
    }

    fn shown_with(files: &[Found], max: usize, small: usize) -> Vec<String> {
        let join = |batch: Vec<usize>| {
            batch
                .iter()
                .map(|&i| files[i].path.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        batches_of(files, max, small)
            .into_iter()
            .map(join)
            .collect()
    }

    #[test]
    fn small_trees_stay_whole_and_large_ones_are_cut_at_folders() {
        let files = found(&[
            "a/x/1.tf", "a/x/2.tf", "a/y/3.tf", "b/4.tf", "main.tf", "a-b/5.tf",
        ]);
        assert_eq!(shown(&files, 6).len(), 1);
        assert_eq!(
            shown(&files, 3),
            ["main.tf a-b/5.tf", "a/x/1.tf a/x/2.tf a/y/3.tf", "b/4.tf"]
        );
        // Of different folders at the top, fewer are put together.
        let apart = ["main.tf a-b/5.tf", "a/x/1.tf a/x/2.tf a/y/3.tf", "b/4.tf"];
        assert_eq!(shown_with(&files, 4, 2), apart);
        assert_eq!(
            shown_with(&files, 3, 1)[..3],
            ["main.tf", "a-b/5.tf", apart[1]]
        );
        assert_eq!(
            shown(&files, 2),
            ["main.tf a-b/5.tf", "a/x/1.tf a/x/2.tf", "a/y/3.tf b/4.tf"]
        );
    }

    #[test]
    fn every_file_is_in_exactly_one_batch() {
        let paths: Vec<String> = (0..500)
            .map(|n| format!("d{}/e{}/f{n}.tf", n % 7, n % 31))
            .collect();
        let files = found(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        for max in [1, 2, 10, 499, 500] {
            let mut seen: Vec<usize> = batches_of(&files, max, max / 2)
                .into_iter()
                .flatten()
                .collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..500).collect::<Vec<_>>(), "max {max}");
        }
    }
}
