//! Which functions hand their arguments on, and which arguments.

use std::ops::Range;

/// How a function's result depends on its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passes {
    /// The result is one of the arguments, or a harmless variation of it.
    Whole(Range<usize>),
    /// The result is an element of the argument.
    Elements(Range<usize>),
    /// The arguments become a part of the result.
    Part(Range<usize>),
    /// Nothing readable: hashes, lengths, tests, files, unknown functions.
    Nothing,
}

const ALL: Range<usize> = 0..usize::MAX;
const FIRST: Range<usize> = 0..1;

/// How the function of that name passes its arguments on. `lookup` is not answered here: its
/// second argument selects from the first.
#[must_use]
pub fn passes(function: &str) -> Passes {
    match function {
        "coalesce" | "try" | "merge" | "concat" | "coalescelist" | "setunion" => Passes::Whole(ALL),
        "sensitive" | "nonsensitive" | "ephemeralasnull" | "tostring" | "tolist" | "toset"
        | "tomap" | "tonumber" | "trimspace" | "chomp" | "trim" | "trimprefix" | "trimsuffix"
        | "lower" | "upper" | "title" | "compact" | "distinct" | "flatten" | "sort" | "reverse"
        | "slice" | "convert" => Passes::Whole(FIRST),
        "zipmap" => Passes::Whole(1..2),
        "element" | "one" | "values" => Passes::Elements(FIRST),
        "base64encode" | "base64gzip" | "textencodebase64" | "jsonencode" | "yamlencode"
        | "urlencode" | "jsondecode" | "yamldecode" | "base64decode" | "substr" | "csvdecode" => {
            Passes::Part(FIRST)
        }
        "format" | "formatlist" | "join" | "templatestring" | "replace" => Passes::Part(ALL),
        "indent" | "split" | "templatefile" => Passes::Part(1..2),
        _ => Passes::Nothing,
    }
}

/// True for functions after which the argument cannot be read back.
#[must_use]
pub fn is_one_way(function: &str) -> bool {
    matches!(
        function,
        "sha1"
            | "sha256"
            | "sha512"
            | "md5"
            | "bcrypt"
            | "base64sha256"
            | "base64sha512"
            | "filesha256"
            | "filemd5"
            | "filebase64sha256"
            | "uuidv5"
            | "length"
            | "rsadecrypt"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_one_way_functions_pass_nothing() {
        for function in ["sha256", "bcrypt", "length", "file", "provider::x::y"] {
            assert_eq!(passes(function), Passes::Nothing, "{function}");
        }
        assert!(is_one_way("sha256"));
        assert!(!is_one_way("base64encode"));
    }
}
