//! What hcl-edit accepts we accept, and we read the same names and values.

#[path = "support/oracle.rs"]
mod oracle;

/// Small texts with a trick each. Those that hcl-edit rejects are checked elsewhere.
const TRICKY: &[&str] = &[
    "",
    "\n\n",
    "a = 1",
    "\u{feff}a = 1\n",
    "a = 1\r\nb = 2\r\n",
    "a = \"x\" # c\nb = 2 // d\nc = /* e\n */ 3\n",
    "a {}\n",
    "a { b = 1 }\n",
    "a \"b\" c \"d\\\"e\" {\n}\n",
    "a {\n b {\n c = 1\n }\n}",
    "é_ü-x = ñ.ö\n",
    "a = 0.5e-3\nb = 1E6\nc = 100000000000000000000\nd = -1\n",
    "a = \"\\u00e9\\U0001F600\\t\\n\\r\\\\ \\\"\"\n",
    "a = \"$${b} %%{c} $d %e $$ %% $\"\n",
    "a = \"$$${b}\"\n",
    "a = \"${b}${c} d ${\"e${f}\"}\"\n",
    "a = \"${ {b = 1}.b }\"\n",
    "a = \"%{ if b }c%{ else }d%{ endif }\"\n",
    "a = \"%{ for k, v in b }${k}=${v}%{ endfor }\"\n",
    "a = \"%{~ if b ~} c %{~ endif ~}\"\n",
    "a = <<EOT\nb\n  c\nEOT\n",
    "a = <<-EOT\n    b\n      c\n\n    d\n    EOT\n",
    "a = <<-EOT\n\tb\n\t\tc\n\tEOT\n",
    "a = <<EOT\n${b}\n%{ if c }\nd\n%{ endif }\nEOT\n",
    "a = <<EOT\n\\n \\\" $${x} %%{y}\nEOT\n",
    "a = <<EOT\nEOT\n",
    "a = <<E-O_T\n EOT\nE-O_T x\nE-O_T\n",
    "a = [<<EOT\nb\nEOT\n, 2]\n",
    "a = f(<<EOT\nb\nEOT\n)\n",
    "a = {\n b = <<EOT\nc\nEOT\n d = 1\n}\n",
    "a = []\nb = [1]\nc = [1,]\nd = [\n 1,\n # x\n 2\n]\n",
    "a = {}\nb = {c = 1}\nd = {c = 1, e : 2,\n \"f\" = 3\n (g) = 4\n \"${h}\" = 5\n}\n",
    "a = b.c[0].d[\"e\"][f].*.g[*].h\n",
    "a = b.0.c\n",
    "a = b[0][1]\n",
    "a = f()\nb = f(1)\nc = f(1, [2]...)\nd = f(\n 1,\n 2,\n)\n",
    "a = provider::b::c(1)\n",
    "a = f(b).c[0]\n",
    "a = (b).c\n",
    "a = b ? c : d ? e : f\n",
    "a = !b && -c + d * e % f - g / h >= i || j == k\n",
    "a = (\n b\n + c\n)\n",
    "a = [for b in c : d]\n",
    "a = [for b, c in d : e if f]\n",
    "a = {for b, c in d : e => f... if g}\n",
    "a = {\n for b in c :\n b => d\n}\n",
    "a = [for x in [for y in z : y] : { b = x }]\n",
    "a = b == null ? true : false\n",
    "a = \"${b[\"c\"]}\"\n",
    "a = \"${f(\"b\", \"${c}\")}\"\n",
    "a = { \"b\" : { \"c\" : [ { \"d\" : null } ] } }\n",
    "for = 1\nif = 2\nin = 3\ntrue = 4\nnull = 5\n",
    "a = { true = 1, null = 2, if = 3 }\n",
    "a = b.for.in.if\n",
    "dynamic \"a\" {\n for_each = var.b\n content {\n c = a.value\n }\n}\n",
    "a = \"#b\" # c\n",
    "a = \"//\"\nb = \"/*\"\n",
    "a = \"{}\"\nb = \"}\"\n",
    "a = 1 # \"\n",
    "a = \"\\\\\"\n",
    "a = \"${\"}\"}\"\n",
];

#[test]
fn tricky_texts_mean_the_same_to_hcl_edit() {
    for text in TRICKY {
        assert_eq!(oracle::disagreement(text), None, "{text}");
    }
}

#[test]
fn most_tricky_texts_are_understood_by_hcl_edit() {
    let understood = TRICKY
        .iter()
        .filter(|text| hcl_edit::parser::parse_body(text).is_ok());
    assert!(understood.count() * 10 >= TRICKY.len() * 9);
}

#[test]
fn tricky_texts_are_valid() {
    for text in TRICKY {
        assert_eq!(hcl_syntax::parse(*text).errors(), [], "{text}");
    }
}
