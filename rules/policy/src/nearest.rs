//! "Did you mean": the known word closest to what was typed.

/// Longer words are not typing mistakes of ours, and comparing them would cost quadratic time.
const LONGEST_WORD: usize = 40;

/// The candidate that is a plausible mistyping of `word`: the same letters in another case, or at
/// most a third of the letters changed. `None` when nothing is close.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.is_empty() || word.len() > LONGEST_WORD {
        return None;
    }
    let folded = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::osa_distance(&folded, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance <= allowed_distance(word.len().min(candidate.len()))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn allowed_distance(length: usize) -> usize {
    (length / 3).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["vault", "aws-sm", "aws-ssm", "k8s"];
        for (word, expected) in [
            ("valt", Some("vault")),
            ("Vault", Some("vault")),
            ("aws-sms", Some("aws-sm")),
            ("k8", Some("k8s")),
            ("consul", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
