//! Shamir's secret sharing over the field of AES, as Vault and SOPS use it: each share is its bytes and, last,
//! the place at which the polynomials were taken.

use zeroize::Zeroizing;

/// The secret that `shares` are of; `None` when they do not fit together. Fewer shares than the threshold give
/// something else without notice: the caller must be able to tell.
pub(super) fn combine(shares: &[Zeroizing<Vec<u8>>]) -> Option<Zeroizing<Vec<u8>>> {
    let length = shares.first()?.len();
    if shares.len() < 2 || length < 2 || shares.iter().any(|share| share.len() != length) {
        return None;
    }
    let places: Vec<u8> = shares.iter().map(|share| share[length - 1]).collect();
    for (index, place) in places.iter().enumerate() {
        if *place == 0 || places[..index].contains(place) {
            return None;
        }
    }
    let weights: Vec<u8> = (0..places.len()).map(|at| weight(&places, at)).collect();
    let mut secret = Zeroizing::new(vec![0; length - 1]);
    for (index, byte) in secret.iter_mut().enumerate() {
        *byte = shares.iter().zip(&weights).fold(0, |sum, (share, weight)| {
            sum ^ multiply(share[index], *weight)
        });
    }
    Some(secret)
}

/// The value at zero of the polynomial that is one at `places[at]` and zero at the other places.
fn weight(places: &[u8], at: usize) -> u8 {
    let mut weight = 1;
    for (index, place) in places.iter().enumerate() {
        if index != at {
            weight = multiply(weight, multiply(*place, inverse(places[at] ^ place)));
        }
    }
    weight
}

/// The power 254, which is the inverse.
fn inverse(value: u8) -> u8 {
    let (mut result, mut square) = (1, value);
    for _ in 0..7 {
        square = multiply(square, square);
        result = multiply(result, square);
    }
    result
}

/// A product modulo x^8 + x^4 + x^3 + x + 1, without branches on its factors.
fn multiply(left: u8, right: u8) -> u8 {
    (0..8).rev().fold(0u8, |sum, bit| {
        let doubled = (sum << 1) ^ ((sum >> 7).wrapping_neg() & 0x1b);
        doubled ^ (((right >> bit) & 1).wrapping_neg() & left)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_field_is_that_of_aes() {
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        for value in 1..=255 {
            assert_eq!(multiply(value, inverse(value)), 1, "{value}");
        }
    }

    #[test]
    fn shares_that_do_not_fit_are_refused() {
        let share = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        for shares in [
            vec![],
            vec![share(&[1, 2])],
            vec![share(&[1, 2]), share(&[3, 2])],
            vec![share(&[1, 0]), share(&[3, 2])],
            vec![share(&[1, 2]), share(&[3, 4, 5])],
            vec![share(&[1]), share(&[2])],
        ] {
            assert!(combine(&shares).is_none());
        }
    }

    proptest! {
        #[test]
        fn any_two_points_of_a_line_give_its_start(
            secret in proptest::collection::vec(any::<u8>(), 1..40),
            slope in any::<u8>(),
            one in 1u8..,
            other in 1u8..,
        ) {
            prop_assume!(one != other);
            let share = |place: u8| {
                let mut bytes: Vec<u8> =
                    secret.iter().map(|byte| byte ^ multiply(slope, place)).collect();
                bytes.push(place);
                Zeroizing::new(bytes)
            };
            let combined = combine(&[share(one), share(other)]).unwrap();
            prop_assert_eq!(&*combined, &secret);
        }
    }
}
