//! Tells values that somebody wrote to be replaced from values that somebody uses.
//!
//! Two questions, because random tokens and human passwords differ: a random token never contains
//! the word `example`, while `admin123` consists of a common word and is a live password all the
//! same.

/// Words that vendors and authors put into a token to say that it is none. All are long enough
/// not to turn up by chance in a random token.
const TOKEN_WORDS: &[&str] = &[
    // The stems of the key that AWS documents, which many people alter by a few letters.
    "iosfodnn7",
    "bpxrficyexam",
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "redacted",
    "yourtoken",
    "your_",
    "your-",
    "dummy",
    "insert",
    "replace",
    "fakekey",
    "faketoken",
    "fake_",
    "fake-",
    "sample",
    "notreal",
    "not-real",
    "not_real",
    "xxxxx",
    "secretkey",
    "mysecret",
    "testtest",
    "123456789",
    "abcdefgh",
    "987654321",
    "qwertyuiop",
    "deadbeef",
    "00000000",
    "foobar",
    "some-",
    "some_",
];

/// Words that make a password a dummy, alone, joined, or followed by digits.
const DUMMY_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "pa55word",
    "pa55w0rd",
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "key",
    "changeme",
    "changeit",
    "change",
    "replace",
    "replaceme",
    "update",
    "test",
    "testing",
    "example",
    "sample",
    "demo",
    "dummy",
    "fake",
    "foo",
    "bar",
    "baz",
    "foobar",
    "something",
    "value",
    "none",
    "null",
    "default",
    "redacted",
    "hidden",
    "masked",
    "placeholder",
    "todo",
    "fixme",
    "insert",
    "supersecret",
    "credential",
    "credentials",
    "plaintext",
    "empty",
    "unset",
    "xxx",
    "xxxx",
    "string",
    "characters",
];

/// Words that join dummy words, and default names of products: a dummy alone or between dummy
/// words, but somebody's password with digits (`admin123`).
const PLAIN_WORDS: &[&str] = &[
    "a",
    "an",
    "account",
    "admin",
    "airflow",
    "api",
    "app",
    "be",
    "data",
    "database",
    "db",
    "eight",
    "elastic",
    "enter",
    "grafana",
    "guest",
    "here",
    "in",
    "keycloak",
    "login",
    "long",
    "me",
    "minio",
    "minioadmin",
    "mongo",
    "mongodb",
    "must",
    "my",
    "mysql",
    "name",
    "plain",
    "postgres",
    "postgresql",
    "put",
    "pw",
    "rabbitmq",
    "redis",
    "root",
    "sa",
    "secure",
    "service",
    "some",
    "strong",
    "super",
    "temporal",
    "text",
    "the",
    "this",
    "ubuntu",
    "user",
    "username",
    "vagrant",
    "very",
    "with",
    "x",
    "your",
];

/// Characters that a template leaves in a text.
const TEMPLATE_MARKS: &[&str] = &[
    "${", "%{", "{{", "}}", "#{", "<%", "$(", "$[", "__VAULT", "@@", "%%",
];

/// Whether the text is filled in later: an interpolation, a shell variable, a marker in angle
/// brackets around a reference. Such a text is no secret.
#[must_use]
pub(super) fn is_template(text: &str) -> bool {
    if TEMPLATE_MARKS.iter().any(|mark| text.contains(mark)) {
        return true;
    }
    let bytes = text.as_bytes();
    match bytes {
        [b'$', first, ..] => first.is_ascii_alphabetic() || *first == b'_',
        [b'%', .., b'%'] => bytes.len() > 2 && text[1..text.len() - 1].bytes().all(is_word),
        [b'%', verb] => verb.is_ascii_alphabetic(),
        [b'{', .., b'}'] | [b'[', .., b']'] => true,
        _ => false,
    }
}

/// Whether a value in the format of a random token is a dummy: a word that says so, one character
/// repeated, a run of the alphabet or of digits.
#[must_use]
pub fn is_dummy_token(token: &str) -> bool {
    let lower = token.to_ascii_lowercase();
    TOKEN_WORDS.iter().any(|word| lower.contains(word))
        || longest_run(&lower) >= 6
        || distinct(&lower) <= 4
        || token.contains("...")
        || (token.starts_with('<') && token.ends_with('>'))
}

/// Whether a password is a dummy: made only of dummy words, then perhaps of digits and
/// punctuation after such a word, or of one repeated character.
#[must_use]
pub fn is_dummy_password(password: &str) -> bool {
    if password.starts_with('<') || password.contains("...") || distinct(password) <= 1 {
        return true;
    }
    let lower = password.to_ascii_lowercase();
    let letters: Vec<&str> = lower
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|part| !part.is_empty())
        .collect();
    if lower
        .chars()
        .all(|c| matches!(c, 'x' | '*' | '-' | '_' | '.' | '#'))
    {
        return true;
    }
    let has_digits = lower.bytes().any(|b| b.is_ascii_digit());
    let has_dummy = || DUMMY_WORDS.iter().any(|word| lower.contains(word));
    DUMMY_WORDS.contains(&lower.as_str())
        || (!letters.is_empty()
            && letters.iter().all(|part| is_made_of_words(part))
            && (!has_digits || has_dummy()))
}

/// Whether the text can be cut into known words. Quadratic in its length, so long texts are not
/// tried.
fn is_made_of_words(text: &str) -> bool {
    const LONGEST: usize = 64;
    if text.len() > LONGEST {
        return false;
    }
    let mut reachable = [false; LONGEST + 1];
    reachable[0] = true;
    for at in 0..text.len() {
        if reachable[at] {
            let words = DUMMY_WORDS.iter().chain(PLAIN_WORDS);
            for word in words.filter(|word| text[at..].starts_with(**word)) {
                reachable[at + word.len()] = true;
            }
        }
    }
    reachable[text.len()]
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run, mut last) = (0, 0, None);
    for byte in text.bytes() {
        run = if last == Some(byte) { run + 1 } else { 1 };
        last = Some(byte);
        longest = longest.max(run);
    }
    longest
}

fn distinct(text: &str) -> usize {
    let mut seen = [false; 256];
    text.bytes()
        .filter(|&byte| !std::mem::replace(&mut seen[usize::from(byte)], true))
        .count()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::{is_dummy_password, is_dummy_token, is_template};

    #[test]
    fn dummy_passwords_are_made_of_dummy_words() {
        for dummy in [
            "password",
            "Password123!",
            "changeme",
            "change-me",
            "your-password",
            "<password>",
            "postgres",
            "xxxxx",
            "****",
            "my_secret_password",
            "must-be-eight-characters",
            "REDACTED",
            "secret123",
            "mysecret",
            "foobar",
            "test1234",
        ] {
            assert!(is_dummy_password(dummy), "{dummy}");
        }
    }

    #[test]
    fn weak_but_specific_passwords_are_no_dummies() {
        for real in [
            "admin123",
            "123456",
            "qwerty",
            "acme2020",
            "Tr0ub4dor&3",
            "hunter2",
            "1q2w3e4r",
            "postgres1",
        ] {
            assert!(!is_dummy_password(real), "{real}");
        }
    }

    #[test]
    fn templates_are_recognised() {
        for template in [
            "${var.x}",
            "%{ if x }",
            "{{ token }}",
            "#{TOKEN}",
            "$TOKEN",
            "%TOKEN%",
            "%s",
            "$(cat x)",
            "{token}",
        ] {
            assert!(is_template(template), "{template}");
        }
        for literal in ["p$ss", "50%off", "a{b", "$1abc"] {
            assert!(!is_template(literal), "{literal}");
        }
    }

    #[test]
    fn dummy_tokens_say_so() {
        for dummy in [
            "AKIAIOSFODNN7EXAMPLE",
            "AKIAIOSFODNN7EXAMAAA",
            "ghp_xxxxxxxxxxxxxxxx",
            "0123456789abcdef",
            "aaaaaaabcde",
            "sk-your-key",
        ] {
            assert!(is_dummy_token(dummy), "{dummy}");
        }
        assert!(!is_dummy_token("f3K9vQ2mZx7LpR4tWb8N"));
    }
}
