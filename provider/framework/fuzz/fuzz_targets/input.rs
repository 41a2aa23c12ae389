//! How the targets read their input: the type in JSON, a zero byte, the value.

use tf_framework::types::Type;

/// Splits the input; `None` when it does not start with a type.
pub(crate) fn split(input: &[u8]) -> Option<(Type, &[u8])> {
    let end = input.iter().position(|byte| *byte == 0)?;
    let ty = Type::from_json(&input[..end]).ok()?;
    // A type survives being written.
    assert_eq!(Type::from_json(ty.to_json().as_bytes()).as_ref(), Ok(&ty));
    Some((ty, &input[end + 1..]))
}
