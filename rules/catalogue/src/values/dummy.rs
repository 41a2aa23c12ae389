//! Knows dummies: values made of dummy words, of the field's own name, of one character.

use crate::values::judge::Dummy;
use crate::values::tokens::Tokens;

/// Words nobody but a dummy is made of. With one of these, [`GLUE`] and digits are dummies too.
const DUMMY: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "pwd",
    "pass",
    "pw",
    "secret",
    "secrets",
    "token",
    "tokens",
    "apikey",
    "changeme",
    "changeit",
    "changethis",
    "change",
    "replaceme",
    "replace",
    "replacethis",
    "fixme",
    "todo",
    "test",
    "tests",
    "testing",
    "tester",
    "example",
    "examples",
    "sample",
    "dummy",
    "fake",
    "mock",
    "foo",
    "bar",
    "baz",
    "foobar",
    "foobaz",
    "qux",
    "something",
    "whatever",
    "value",
    "none",
    "default",
    "redacted",
    "placeholder",
    "your",
    "yours",
    "unset",
    "undefined",
    "empty",
    "fillme",
    "insert",
    "enter",
    "temp",
    "temporary",
    "tbd",
    "here",
    "eight",
    "characters",
    "character",
    "string",
    "credential",
    "credentials",
    "invalid",
    "masked",
    "hidden",
    "removed",
    "sanitized",
    "obfuscated",
    "omitted",
    "notused",
    "unused",
    "ignored",
    "notreal",
    "bogus",
    "lorem",
    "ipsum",
    "demo",
    "xxx",
    "abc",
    "somepassword",
    "supersecret",
    "topsecret",
    "donotuse",
    "notset",
    "manually",
    "specify",
    "provide",
    "provided",
    "overwritten",
    "overridden",
    "override",
    "asdf",
    "blah",
    "stub",
    "seecret",
    "sekret",
    "passw",
    "notasecret",
    "paswd",
    "psw",
    "privatekey",
];

/// Words that may stand around dummy words.
const GLUE: &[&str] = &[
    "a",
    "an",
    "the",
    "my",
    "this",
    "that",
    "is",
    "in",
    "to",
    "be",
    "for",
    "of",
    "with",
    "must",
    "should",
    "not",
    "do",
    "put",
    "set",
    "add",
    "use",
    "at",
    "least",
    "long",
    "longer",
    "than",
    "and",
    "or",
    "very",
    "super",
    "strong",
    "secure",
    "safe",
    "good",
    "real",
    "some",
    "any",
    "new",
    "key",
    "keys",
    "code",
    "by",
    "it",
    "me",
    "at",
    "on",
    "from",
    "please",
    "will",
    "via",
    "only",
    "it",
    "its",
    "if",
    "you",
    "db",
    "database",
    "admin",
    "administrator",
    "root",
    "user",
    "username",
    "master",
    "postgres",
    "postgresql",
    "mysql",
    "mssql",
    "sql",
    "redis",
    "mongo",
    "mongodb",
    "rabbitmq",
    "prod",
    "production",
    "dev",
    "development",
    "staging",
    "stage",
    "stg",
    "qa",
    "uat",
    "local",
    "live",
    "api",
    "app",
    "access",
    "private",
    "public",
    "client",
    "auth",
    "oauth",
    "jwt",
    "service",
    "server",
    "account",
    "web",
    "webhook",
    "encryption",
    "signing",
    "session",
    "cookie",
    "azure",
    "aws",
    "gcp",
    "google",
    "github",
    "gitlab",
    "slack",
    "id",
    "one",
    "two",
    "three",
    "wo",
    "plain",
    "text",
    "random",
    "var",
    "variable",
    "env",
    "name",
    "host",
    "min",
    "max",
    "length",
    "chars",
    "char",
    "symbols",
    "digits",
    "generated",
    "actual",
    "correct",
    "yet",
    "no",
    "non",
    "need",
    "needs",
    "needed",
    "update",
    "updated",
    "created",
    "later",
    "own",
    "input",
    "login",
    "site",
    "url",
    "x",
    "terraform",
    "tf",
    "console",
    "assumed",
    "ssm",
    "vault",
    "shared",
    "smtp",
    "ssh",
    "sftp",
    "rds",
    "ok",
    "twillio",
    "twilio",
    "insecure",
    "unsecure",
    "hardcoded",
    "clear",
    "complex",
    "like",
    "super",
    "simple",
    "weak",
    "great",
    "awesome",
    "mega",
    "data",
    "license",
    "hello",
    "world",
    "first",
    "second",
    "initial",
    "docker",
    "hub",
    "registry",
    "bot",
    "file",
    "gke",
    "eks",
    "aks",
    "cluster",
    "vm",
    "out",
    "entry",
    "as",
    "key",
    "keyin",
    "field",
    "pre",
    "connection",
    "big",
    "long",
    "thing",
    "store",
    "stored",
    "sensitive",
    "email",
    "manual",
    "external",
    "internal",
    "hash",
    "salt",
    "number",
    "bearer",
    "personal",
    "project",
    "organization",
    "org",
    "datadog",
    "grafana",
    "newrelic",
    "cloudflare",
    "digitalocean",
];

/// Names that vendors and images use as their first password. Dummies only when alone.
const VENDOR_DEFAULTS: &[&str] = &[
    "admin",
    "root",
    "postgres",
    "vagrant",
    "ubuntu",
    "temporal",
    "guest",
    "user",
    "minio",
    "minioadmin",
    "elastic",
    "rabbitmq",
    "mysql",
    "oracle",
    "docker",
    "centos",
    "grafana",
    "packer",
    "debian",
    "airflow",
    "sa",
    "keycloak",
    "neo4j",
    "nomad",
    "consul",
    "vault",
    "cloud",
    "ansible",
    "jenkins",
    "kibana",
    "postgresql",
    "mariadb",
    "redis",
    "mongo",
    "mongodb",
    "sonar",
    "nexus",
    "pi",
    "alpine",
    "ec2-user",
    "azureuser",
    "wordpress",
    "drupal",
];

/// Published examples: their own text, or a mark inside.
const DOCUMENTED: &[&str] = &[
    "EXAMPLEKEY",
    "AKIAIOSFODNN7EXAM",
    "EXAMAAA",
    "bPxRfiCYEX",
    "IOSFODNN7EX",
];

/// Whole texts, letters only, that are instructions although none of their words is a dummy.
const PHRASES: &[&str] = &[
    "notset",
    "tobeset",
    "tobesetmanually",
    "setmanually",
    "setme",
    "setinconsole",
    "setviaenv",
    "setlater",
    "none",
    "na",
    "nothing",
    "notneeded",
    "notrequired",
    "managedoutsideterraform",
    "managedbyterraform",
    "notmanagedbyterraform",
    "updateme",
    "updatemanually",
    "setbyci",
    "comesfromenv",
    "required",
    "yourkey",
    "yourkeyhere",
    "mykeyhere",
    "keyhere",
    "addkeyhere",
    "putyourkeyhere",
];

/// Longest run of letters that is cut into words.
const MAX_RUN: usize = 64;

/// Why `text` is a dummy; `None` when it is a specific value. `name` is the name of the place.
pub(crate) fn dummy(text: &str, name: &str) -> Option<Dummy> {
    if DOCUMENTED.iter().any(|mark| text.contains(mark))
        || (text.len() > 12 && text.contains("EXAMPLE"))
    {
        return Some(Dummy::Documented);
    }
    if is_framed(text) || is_monotonous(text) {
        return Some(Dummy::Instruction);
    }
    if VENDOR_DEFAULTS.contains(&text) || text.eq_ignore_ascii_case("admin") {
        return Some(Dummy::VendorDefault);
    }
    if is_phrase(text) {
        return Some(Dummy::Instruction);
    }
    let own = Tokens::of(name);
    let mut found = Found::default();
    for run in text
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|run| !run.is_empty())
    {
        if run.len() > MAX_RUN || !cut(run, own.words(), &mut found) {
            return None;
        }
    }
    if !found.dummy {
        return None;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits > 8 {
        return None;
    }
    Some(if digits > 0 {
        Dummy::Usable
    } else {
        Dummy::Instruction
    })
}

fn is_phrase(text: &str) -> bool {
    PHRASES.iter().any(|phrase| {
        let mut letters = text
            .bytes()
            .filter(u8::is_ascii_alphabetic)
            .map(|byte| byte.to_ascii_lowercase());
        phrase.bytes().all(|byte| letters.next() == Some(byte)) && letters.next().is_none()
    }) && !text.bytes().any(|byte| byte.is_ascii_digit())
}

#[derive(Default)]
struct Found {
    dummy: bool,
}

/// `<…>`, `[…]` around words.
fn is_framed(text: &str) -> bool {
    let framed = |open: char, close: char| {
        text.strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|inner| {
                inner.bytes().filter(u8::is_ascii_alphabetic).count() * 2 > inner.len()
                    && inner.len() > 1
            })
    };
    framed('<', '>') || framed('[', ']') || text.starts_with("<") && text.contains('>')
}

/// One character over and over: `xxxx`, `0000`, `****`, `xxxx-xxxx`, `...`.
fn is_monotonous(text: &str) -> bool {
    let mut bytes = text
        .bytes()
        .filter(|byte| !b"-_ ".contains(byte))
        .map(|byte| byte.to_ascii_lowercase());
    match bytes.next() {
        None => true,
        Some(first) => bytes.clone().count() >= 2 && bytes.all(|byte| byte == first),
    }
}

/// Cuts a run of letters into known words, longest first with a way back; linear in the length
/// times the longest word.
fn cut(run: &str, own: &[&str], found: &mut Found) -> bool {
    let bytes = run.as_bytes();
    // reachable[i]: the run can be cut up to i; with[i]: with a dummy word among them.
    let mut reachable = [false; MAX_RUN + 1];
    let mut with = [false; MAX_RUN + 1];
    reachable[0] = true;
    for start in 0..bytes.len() {
        if !reachable[start] {
            continue;
        }
        let rest = &run[start..];
        let mut step = |word: &str, is_dummy: bool| {
            let end = start + word.len();
            reachable[end] = true;
            with[end] |= with[start] || is_dummy;
        };
        for word in DUMMY.iter().filter(|word| begins(rest, word)) {
            step(word, true);
        }
        for word in GLUE.iter().filter(|word| begins(rest, word)) {
            step(word, false);
        }
        // `key` says too little to make a value a copy of its name.
        for word in own
            .iter()
            .filter(|word| begins(rest, word) && !word.eq_ignore_ascii_case("key"))
        {
            step(word, true);
        }
    }
    found.dummy |= with[bytes.len()];
    reachable[bytes.len()]
}

fn begins(text: &str, word: &str) -> bool {
    text.len() >= word.len() && text.as_bytes()[..word.len()].eq_ignore_ascii_case(word.as_bytes())
}
