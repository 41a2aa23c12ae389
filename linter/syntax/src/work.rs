//! Counts the work of a parse in tests, where time says little; costs nothing elsewhere.

#[cfg(test)]
thread_local! {
    static WORK: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts `bytes` that are looked at, and one step.
#[inline(always)]
pub(crate) fn count(bytes: usize) {
    #[cfg(test)]
    WORK.with(|work| work.set(work.get() + bytes as u64 + 1));
    #[cfg(not(test))]
    let _ = bytes;
}

#[cfg(test)]
mod tests {
    use super::WORK;
    use crate::{Parsed, SyntaxErrorKind, parse, parse_json};

    fn work_of(read: impl Fn(&str) -> Parsed, text: &str) -> u64 {
        WORK.with(|work| work.set(0));
        let parsed = read(text);
        for template in all(&parsed) {
            let _ = template.text();
        }
        WORK.with(std::cell::Cell::get)
    }

    fn all(parsed: &Parsed) -> Vec<crate::Template<'_>> {
        let root = parsed.root_expr();
        let values = parsed.body().attributes().map(crate::Attribute::value);
        let values: Vec<_> = values.chain(root).collect();
        let exprs = values.into_iter().flat_map(crate::Expr::walk);
        exprs.filter_map(crate::Expr::template).collect()
    }

    /// Texts that grow by repeating: what comes before, the unit, what comes after.
    const HOSTILE: &[(&str, &str, &str)] = &[
        ("x = ", "[", ""),
        ("x = ", "(", ")"),
        ("x = ", "{a=", ""),
        ("", "a {\n", ""),
        ("", "a \"b\" {", ""),
        ("", "}", ""),
        ("x = ", "\"${", ""),
        ("x = ", "\"%{ if ", ""),
        ("x = \"", "%{ if a }", "\""),
        ("x = \"", "%{ else }", "\""),
        ("x = \"", "${a}", "\""),
        ("x = \"", "$", "\""),
        ("x = \"", "\\", "\""),
        ("x = \"", "\\n", "\""),
        ("x = \"", "\\q", "\""),
        ("x = ", "\"", ""),
        ("", "x = \"\n", ""),
        ("", "x = \"${\n", ""),
        ("", "x = \"${\ny = 1\n", ""),
        ("", "x = <<A\n", ""),
        ("", "x = <<-A\n  b\n", ""),
        ("x = <<A\n", "${<<A\n", ""),
        ("x = <<A\n", "${\n", "A\n"),
        ("x = <<A\n", "A b\n", "A\n"),
        ("x = <<-A\n", "  b\n", "A\n"),
        ("x = <<-A\n", "  b ${~ c ~}\n", "A\n"),
        ("x = <<A\n", "\n", "A\n"),
        ("x = <<A\n", " ", "\nA\n"),
        ("x = 1 ", "/*", ""),
        ("x = 1 ", "/* */", ""),
        ("", "#", ""),
        ("", " ", ""),
        ("", "\t\n", ""),
        ("", "\n", ""),
        ("x = ", "-", "1"),
        ("x = ", "!", "a"),
        ("x = ", "a+", "a"),
        ("x = ", "a*b+", "a"),
        ("x = ", "a?b:", "c"),
        ("x = ", "a?", "c"),
        ("x = a", ".b", ""),
        ("x = a", "[0]", ""),
        ("x = a", "[a", ""),
        ("x = a", ".*", ""),
        ("x = ", "f(", ""),
        ("x = ", "a::", ""),
        ("x = [", "a,", "]"),
        ("x = [", "a ", "]"),
        ("x = [", "\na = ", "]"),
        ("x = {", "a = 1\n", "}"),
        ("x = {", "a ", "}"),
        ("x = {", "a = {\n", "}"),
        ("x = ", "[for a in ", ""),
        ("x = ", "{for a in b : c => ", ""),
        ("", "a = 1\n", ""),
        ("", "a = 1 ", ""),
        ("", "a ", ""),
        ("", "a", ""),
        ("", "é", ""),
        ("", "“", ""),
        ("x = ", "1", ""),
        ("x = ", "1.", ""),
        ("x = ", "1e", ""),
        ("", "<", ""),
        ("", "<<a", ""),
        ("", "~}", ""),
        ("", ")", ""),
        ("", "  a {\n}\n", ""),
        ("a {\n", "  x = [\n", ""),
        ("a {\n", "  }\n", ""),
    ];

    const HOSTILE_JSON: &[(&str, &str, &str)] = &[
        ("", "[", ""),
        ("", "{\"a\":", ""),
        ("[", "1,", "]"),
        ("[", "1 ", "]"),
        ("{", "\"a\":1,", "}"),
        ("{", "a ", "}"),
        ("[", "]", ""),
        ("\"", "\\", "\""),
        ("\"", "\\n${a}", "\""),
        ("\"", "${\\\"", "\""),
        ("\"", "\\u0024{", "\""),
        ("", "\"\n", ""),
        ("", "/*", ""),
        ("", "//\n", ""),
        ("", "-", ""),
        ("", " ", ""),
    ];

    fn repeated((before, unit, after): (&str, &str, &str), bytes: usize) -> String {
        format!("{before}{}{after}", unit.repeat(bytes / unit.len()))
    }

    /// Doubling a text must not much more than double the work.
    fn check_linear(read: impl Fn(&str) -> Parsed + Copy, case: (&str, &str, &str)) {
        let small = work_of(read, &repeated(case, 20_000)) + 20_000;
        let large = work_of(read, &repeated(case, 80_000)) + 80_000;
        assert!(
            large < 5 * small,
            "{case:?}: {small} for 20 kB, {large} for 80 kB"
        );
        assert!(large < 80_000 * 40, "{case:?}: {large} for 80 kB");
    }

    #[test]
    fn work_is_linear_in_hostile_native_texts() {
        for &case in HOSTILE {
            check_linear(|text| parse(text), case);
        }
    }

    #[test]
    fn work_is_linear_in_hostile_json_texts() {
        for &case in HOSTILE_JSON {
            check_linear(|text| parse_json(text), case);
        }
    }

    #[test]
    fn a_million_levels_need_no_stack() {
        let native = ["[", "(", "{a=", "\"${", "f(", "-", "a?b:", "a["];
        for unit in native {
            let parsed = parse(format!("x = {}", unit.repeat(1_000_000)));
            assert!(
                parsed
                    .errors()
                    .iter()
                    .any(|e| e.kind == SyntaxErrorKind::TooDeep),
                "{unit}"
            );
            assert!(parsed.body().attribute("x").is_some());
        }
        let parsed = parse("a {\n".repeat(1_000_000));
        assert_eq!(parsed.body().blocks().count(), 1);
        let parsed = parse_json("[".repeat(1_000_000));
        assert!(parsed.root_expr().is_some());
    }
}
