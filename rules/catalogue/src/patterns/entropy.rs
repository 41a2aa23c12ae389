//! How random a text looks.

/// Shannon entropy of the bytes of `text`, in bits per byte; 0 for the empty text.
#[must_use]
pub fn shannon_bits(text: &str) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = text.len() as f32;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| count as f32 / total)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::shannon_bits;

    #[test]
    fn entropy_counts_distinct_bytes_by_share() {
        assert_eq!(shannon_bits(""), 0.0);
        assert_eq!(shannon_bits("aaaa"), 0.0);
        assert_eq!(shannon_bits("abab"), 1.0);
        assert_eq!(shannon_bits("0123456789abcdef"), 4.0);
    }
}
