//! Passwords in the grammar of programs: `mysql -pVALUE`, `IDENTIFIED BY 'VALUE'`, `echo user:VALUE | chpasswd`.
//!
//! [`in_commands`] finds them in scripts, SQL, kickstart and cloud-init texts. Whether a value is a
//! secret is for the judgement of values to say.

use secretlint_core::facts::TextPair;

use crate::values::{Kind, Search, is_commented, line_after, line_before, meaning_of};

/// How the value stands after the word.
#[derive(Clone, Copy)]
enum Grammar {
    /// `mysqldump … -pVALUE`: the word may go on.
    Glued(&'static str),
    /// `redis-cli … -a VALUE`: the word may go on.
    Flag(&'static str),
    /// `curl … -u USER:VALUE`.
    Login(&'static str),
    /// `requirepass VALUE`, after so many other words.
    Next(usize),
    /// `--password VALUE`: also in prose, so that a digit is asked for.
    Option,
    /// `CREATE USER x PASSWORD 'VALUE'`, `mysqladmin password 'VALUE'`.
    Keyword,
    /// `IDENTIFIED [WITH x] BY 'VALUE'`.
    Identified,
    /// `echo USER:VALUE | chpasswd`, and the lists that cloud-init and heredocs give to it.
    Chpasswd,
    /// `htpasswd -b FILE USER VALUE`.
    Htpasswd,
    /// `rootpw --plaintext VALUE` of kickstart.
    Rootpw,
    /// `ConvertTo-SecureString "VALUE"`.
    SecureString,
    /// `define('DB_PASSWORD', 'VALUE')`.
    Define,
    /// `mysqli_connect(HOST, USER, 'VALUE')`.
    Third,
}

/// Words, what follows them, and the name that says what the value is.
const COMMANDS: &[(&str, Grammar, &str)] = &[
    ("mysql", Grammar::Glued("-p"), "password"),
    ("mariadb", Grammar::Glued("-p"), "password"),
    ("sshpass", Grammar::Glued("-p"), "password"),
    ("sshpass", Grammar::Flag("-p"), "password"),
    ("mongo", Grammar::Flag("-p"), "password"),
    ("login", Grammar::Flag("-p"), "password"),
    ("redis-cli", Grammar::Flag("-a"), "password"),
    ("sqlcmd", Grammar::Flag("-P"), "password"),
    ("ldap", Grammar::Flag("-w"), "password"),
    ("curl", Grammar::Login("-u"), "password"),
    ("curl", Grammar::Login("--user"), "password"),
    ("identified", Grammar::Identified, "password"),
    ("password", Grammar::Keyword, "password"),
    ("requirepass", Grammar::Next(0), "password"),
    ("masterauth", Grammar::Next(0), "password"),
    ("auth_pass", Grammar::Next(0), "password"),
    ("root-password password", Grammar::Next(0), "password"),
    ("user-password password", Grammar::Next(0), "password"),
    ("net user", Grammar::Next(1), "password"),
    ("rabbitmqctl add_user", Grammar::Next(1), "password"),
    ("rabbitmqctl change_password", Grammar::Next(1), "password"),
    (
        "configure set aws_secret_access_key",
        Grammar::Next(0),
        "aws_secret_access_key",
    ),
    ("chpasswd", Grammar::Chpasswd, "password"),
    ("htpasswd", Grammar::Htpasswd, "password"),
    ("rootpw", Grammar::Rootpw, "password"),
    ("convertto-securestring", Grammar::SecureString, "password"),
    ("define", Grammar::Define, "password"),
    ("mysqli", Grammar::Third, "password"),
    ("new pdo", Grammar::Third, "password"),
    ("--password", Grammar::Option, "password"),
    ("--token", Grammar::Option, "token"),
    ("--secret", Grammar::Option, "secret"),
    ("--api-key", Grammar::Option, "api-key"),
    ("--secret-key", Grammar::Option, "secret-key"),
    ("--client-secret", Grammar::Option, "client-secret"),
];

static SEARCH: Search<{ COMMANDS.len() }> = Search::new({
    let mut words = [""; COMMANDS.len()];
    let mut at = 0;
    while at < COMMANDS.len() {
        words[at] = COMMANDS[at].0;
        at += 1;
    }
    words
});

/// A command with its arguments is not longer, in bytes.
const LONGEST_COMMAND: usize = 1000;
/// A list of accounts has no more lines.
const MAX_ACCOUNTS: usize = 20;

/// The values that commands of a text are given as passwords and keys, with what they are as keys.
pub(crate) fn in_commands(text: &str) -> Vec<TextPair<'_>> {
    let mut found = Vec::new();
    for (at, index) in SEARCH.each(text) {
        let (word, grammar, key) = COMMANDS[index];
        let before = text.as_bytes()[..at].last();
        let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        if before.is_some_and(goes_on) || is_commented(text, at) {
            continue;
        }
        let after = at + word.len();
        let rest = Rest { text, at: after };
        match grammar {
            Grammar::Chpasswd => chpasswd(text, at, after, &mut found),
            Grammar::Define => found.extend(rest.define()),
            _ => {
                let value = match grammar {
                    Grammar::Glued(flag) => rest.program().and_then(|rest| rest.glued(flag)),
                    Grammar::Flag(flag) => rest.program().and_then(|rest| rest.flag(flag)),
                    Grammar::Login(flag) => rest.program().and_then(|rest| rest.login(flag)),
                    Grammar::Next(skipped) => rest.next(skipped),
                    Grammar::Option => rest.option(),
                    Grammar::Keyword => rest.keyword(at),
                    Grammar::Identified => rest.identified(),
                    Grammar::Htpasswd => rest.htpasswd(),
                    Grammar::Rootpw => rest.rootpw(),
                    Grammar::SecureString => rest.secure_string(),
                    Grammar::Third => rest.third(),
                    Grammar::Chpasswd | Grammar::Define => None,
                };
                found.extend(value.map(|value| value.pair(key)));
            }
        }
    }
    // `sshpass -p'VALUE'` is in two grammars.
    found.dedup_by_key(|pair| pair.start);
    found
}

/// A word of a command.
#[derive(Clone, Copy)]
struct Argument<'t> {
    value: &'t str,
    start: usize,
    quoted: bool,
    /// Where the text goes on.
    next: usize,
}

impl<'t> Argument<'t> {
    fn pair(self, key: &'t str) -> TextPair<'t> {
        TextPair {
            key,
            value: self.value,
            start: self.start,
        }
    }

    /// A value that is written down, not taken from a variable or another command.
    fn given(self) -> Option<Self> {
        let computed = self.value.contains(['$', '{', '(', '`', '<', '*'])
            || self
                .value
                .starts_with(['-', '/', '%', ':', '=', '.', '+', '@', '#'])
            || is_port(self.value);
        (self.value.len() >= 3 && !computed).then_some(self)
    }

    fn quoted(self) -> Option<Self> {
        self.quoted.then_some(self)
    }

    /// `VALUE` of `USER:VALUE`.
    fn after_user(self) -> Option<Self> {
        let (user, value) = self.value.split_once(':')?;
        (!user.is_empty() && !user.contains(char::is_whitespace)).then_some(Self {
            value,
            start: self.start + user.len() + 1,
            ..self
        })
    }
}

/// `-p 127.0.0.1:3306:3306`
fn is_port(value: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.');
    value.contains(':') && value.bytes().all(part)
}

/// What follows the word.
#[derive(Clone, Copy)]
struct Rest<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Rest<'t> {
    fn bytes(self) -> &'t [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The rest of the command; lines that end in a backslash go on.
    fn command(self) -> &'t str {
        let bytes = self.bytes();
        let ends = |at: usize| match bytes[at] {
            b'\n' => at == 0 || bytes[at - 1] != b'\\',
            b';' | b'|' => true,
            b'&' => bytes.get(at + 1) == Some(&b'&'),
            _ => false,
        };
        // Each place of a text is to cost the same.
        let longest = self
            .text
            .floor_char_boundary((self.at + LONGEST_COMMAND).min(self.text.len()));
        let length = longest - self.at;
        let end = (0..length).find(|at| ends(*at));
        &self.text[self.at..self.at + end.unwrap_or(length)]
    }

    fn line(self) -> &'t str {
        line_after(self.text, self.at)
    }

    /// Behind the whole name of a program, `mysqldump`, when arguments follow.
    fn program(self) -> Option<Self> {
        let bytes = self.bytes();
        let name = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'-';
        let length = bytes.iter().take_while(|byte| name(byte)).count();
        let blank = matches!(bytes.get(length), Some(b' ' | b'\t'));
        blank.then_some(Self {
            at: self.at + length,
            ..self
        })
    }

    /// The next word, without quotes.
    fn argument(self) -> Option<Argument<'t>> {
        let bytes = self.text.as_bytes();
        let bytes = &bytes[..(self.at + LONGEST_COMMAND).min(bytes.len())];
        let mut start = self.at;
        while matches!(bytes.get(start), Some(b' ' | b'\t')) {
            start += 1;
        }
        let escaped = usize::from(
            bytes.get(start) == Some(&b'\\') && matches!(bytes.get(start + 1), Some(b'"' | b'\'')),
        );
        if let Some(&quote @ (b'"' | b'\'')) = bytes.get(start + escaped) {
            let start = start + escaped + 1;
            let rest = &bytes[start..];
            let length = rest
                .iter()
                .position(|byte| *byte == quote || *byte == b'\n')?;
            let end = start + length - usize::from(escaped == 1 && length > 0);
            return Some(Argument {
                value: self.text.get(start..end)?,
                start,
                quoted: true,
                next: start + length + 1,
            });
        }
        let rest = bytes.get(start..)?;
        let ends = |byte: &u8| b" \t\r\n;|&)<>\"'\\`,".contains(byte);
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        (length > 0).then_some(Argument {
            value: self.text.get(start..start + length)?,
            start,
            quoted: false,
            next: start + length,
        })
    }

    /// Behind each place of a flag in the command.
    fn flags(self, flag: &'static str) -> impl Iterator<Item = Self> {
        let command = self.command();
        command.match_indices(flag).filter_map(move |(at, _)| {
            let blank = at > 0 && matches!(command.as_bytes()[at - 1], b' ' | b'\t');
            blank.then_some(Self {
                at: self.at + at + flag.len(),
                ..self
            })
        })
    }

    fn glued(self, flag: &'static str) -> Option<Argument<'t>> {
        let starts =
            |rest: &Self| !matches!(rest.bytes().first(), None | Some(b' ' | b'\t' | b'\n'));
        self.flags(flag)
            .filter(starts)
            .find_map(|rest| rest.argument()?.given())
    }

    fn flag(self, flag: &'static str) -> Option<Argument<'t>> {
        let ends = |rest: &Self| matches!(rest.bytes().first(), Some(b' ' | b'\t' | b'"' | b'\''));
        self.flags(flag)
            .filter(ends)
            .find_map(|rest| rest.argument()?.given())
    }

    fn login(self, flag: &'static str) -> Option<Argument<'t>> {
        let value = self
            .flags(flag)
            .find_map(|rest| rest.argument()?.after_user()?.given())?;
        // `curl -u USER:PASSWORD`, as instructions write it.
        let capital = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        (!value.value.bytes().all(capital)).then_some(value)
    }

    fn next(mut self, skipped: usize) -> Option<Argument<'t>> {
        if !matches!(self.bytes().first(), Some(b' ' | b'\t')) {
            return None;
        }
        for _ in 0..skipped {
            self.at = self.argument()?.next;
        }
        self.argument()?.given()
    }

    fn option(self) -> Option<Argument<'t>> {
        let value = self.next(0)?;
        let digit = value.value.bytes().any(|byte| byte.is_ascii_digit());
        digit.then_some(value)
    }

    fn keyword(self, word: usize) -> Option<Argument<'t>> {
        let value = self.next(0)?.quoted()?;
        let line = line_before(self.text, word).to_ascii_lowercase();
        let sql = ["user ", "role ", "with ", "mysqladmin "];
        sql.iter().any(|word| line.contains(word)).then_some(value)
    }

    fn identified(self) -> Option<Argument<'t>> {
        let line = self.line().to_ascii_lowercase();
        let by = line.find(" by ").filter(|at| *at < 40)?;
        let at = self.at + by + 3;
        Self { at, ..self }.next(0)?.quoted()
    }

    fn htpasswd(mut self) -> Option<Argument<'t>> {
        let mut flags = self.argument()?;
        let (mut given, mut unfiled) = (false, false);
        while flags.value.starts_with('-') {
            given |= flags.value.contains('b');
            unfiled |= flags.value.contains('n');
            self.at = flags.next;
            flags = self.argument()?;
        }
        if !given {
            return None;
        }
        self.next(if unfiled { 1 } else { 2 })
    }

    fn rootpw(mut self) -> Option<Argument<'t>> {
        let mut word = self.argument()?;
        while word.value.starts_with("--") {
            if word.value != "--plaintext" && word.value != "--allow-ssh" {
                return None;
            }
            self.at = word.next;
            word = self.argument()?;
        }
        self.next(0)
    }

    fn secure_string(mut self) -> Option<Argument<'t>> {
        let first = self.argument()?;
        if first.value.eq_ignore_ascii_case("-string") {
            self.at = first.next;
        }
        self.next(0)
    }

    fn third(mut self) -> Option<Argument<'t>> {
        if self.bytes().starts_with(b"_connect") {
            self.at += "_connect".len();
        }
        let mut last = None;
        for sign in *b"(,," {
            let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
            let blanks = self.bytes().iter().take_while(blank).count();
            self.at += blanks + 1;
            if self.text.as_bytes().get(self.at - 1) != Some(&sign) {
                return None;
            }
            let argument = self.argument()?;
            self.at = argument.next;
            last = Some(argument);
        }
        last?.quoted()?.given()
    }

    fn define(self) -> Option<TextPair<'t>> {
        let open = self.bytes().first() == Some(&b'(');
        let at = self.at + 1;
        let name = open.then(|| Self { at, ..self }.argument())??.quoted()?;
        // Keys are often instructions; passwords are what people write down.
        meaning_of(name.value).filter(|meaning| meaning.kind == Kind::Password)?;
        let rest = &self.text[name.next..];
        let comma = rest.len() - rest.trim_start().len();
        rest[comma..].starts_with(',').then_some(())?;
        let at = name.next + comma + 1;
        let value = Self { at, ..self }.argument()?.quoted()?.given()?;
        Some(value.pair(name.value))
    }
}

fn chpasswd<'t>(text: &'t str, word: usize, after: usize, found: &mut Vec<TextPair<'t>>) {
    let before = line_before(text, word);
    let line_start = word - before.len();
    let rest = line_after(text, after);
    if let Some(echo) = before.rfind("echo ") {
        let mut words = Rest {
            text,
            at: line_start + echo + 5,
        };
        while let Some(flag) = words.argument()
            && flag.value.starts_with('-')
            && flag.next < word
        {
            words.at = flag.next;
        }
        found.extend(account(words.argument()));
    } else if let Some(at) = rest.find("<<<").filter(|at| rest[..*at].trim().is_empty()) {
        let at = after + at + 3;
        found.extend(account(Rest { text, at }.argument()));
    } else if rest.starts_with(':') || rest.trim_start_matches([' ', '\t']).starts_with("<<") {
        accounts(text, after, found);
    }
}

fn account(argument: Option<Argument<'_>>) -> Option<TextPair<'_>> {
    let value = argument?.after_user()?.given()?;
    Some(value.pair("password"))
}

/// `USER:VALUE` lines after the one at `after`.
fn accounts<'t>(text: &'t str, after: usize, found: &mut Vec<TextPair<'t>>) {
    let mut at = after + line_after(text, after).len() + 1;
    for _ in 0..MAX_ACCOUNTS {
        let begins = text.as_bytes().get(at - 1) == Some(&b'\n');
        if !begins || at == text.len() {
            return;
        }
        let line = line_after(text, at);
        let shown = line.trim_start_matches([' ', '\t', '-', '"', '\'']);
        let start = at + line.len() - shown.len();
        let user = shown.split(':').next().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.${}".contains(&byte);
        if user.is_empty() || !user.bytes().all(plain) || user.len() == shown.len() {
            return;
        }
        let argument = Rest { text, at: start }.argument();
        found.extend(account(argument));
        at += line.len() + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{TextPair, in_commands};
    use crate::semantic::texts::secrets_in;

    fn found(text: &str) -> Vec<&str> {
        in_commands(text).iter().map(|pair| pair.value).collect()
    }

    #[test]
    fn values_in_the_grammar_of_programs() {
        let commands = [
            "mysql -h db -u admin -pZebra --ssl",
            "mysqldump -u root -p'Zebra' x",
            "mysqladmin -u root password 'Zebra'",
            "mysql -e \"CREATE USER 'x'@'%' IDENTIFIED BY 'Zebra';\"",
            "ALTER USER 'x' IDENTIFIED WITH mysql_native_password BY 'Zebra';",
            r#"psql -c \"CREATE ROLE x WITH PASSWORD 'Zebra'\""#,
            "ALTER USER postgres PASSWORD 'Zebra';",
            "echo 'root:Zebra' | sudo chpasswd",
            "echo -e \"root:Zebra\" | chpasswd",
            "echo root:Zebra | chpasswd<enter>",
            "chpasswd <<< 'root:Zebra'",
            "chpasswd:\n  list: |\n    root:Zebra\n  expire: false\n",
            "chpasswd <<EOF\nroot:Zebra\nEOF\n",
            "sshpass -p Zebra ssh x",
            "sshpass -p'Zebra' ssh x",
            "docker login -u x -p Zebra registry",
            "redis-cli -a Zebra ping",
            "redis-server --requirepass Zebra",
            "requirepass Zebra\n",
            "  auth_pass Zebra\n",
            "mongosh -u admin -p Zebra",
            "sqlcmd -S db -P \"Zebra\"",
            "curl -s -u admin:Zebra http://localhost",
            "htpasswd -b -c /etc/nginx/users admin Zebra",
            "htpasswd -nb admin Zebra",
            "net user admin Zebra /add",
            "rabbitmqctl add_user app Zebra",
            "rootpw --plaintext Zebra\n",
            "rootpw Zebra\n",
            "d-i passwd/root-password password Zebra\n",
            "ConvertTo-SecureString -String \"Zebra\" -AsPlainText",
            "define( 'DB_PASSWORD', 'Zebra' );",
            "$link = mysqli_connect(\"127.0.0.1\", \"root\", \"Zebra\", \"db\");",
            "$db = new mysqli($host, 'root', 'Zebra');",
            "new PDO('mysql:host=localhost', 'root', 'Zebra')",
            "aws configure set aws_secret_access_key Zebra",
        ];
        for command in commands {
            assert_eq!(found(command), ["Zebra"], "{command}");
        }
        assert_eq!(
            found("x --password Zebra1 --token Zebra2"),
            ["Zebra1", "Zebra2"]
        );
    }

    #[test]
    fn hostile_texts_are_searched_in_time() {
        // Each begins a command everywhere; a search that looks to the end from each place takes minutes.
        for unit in [
            "mysql ",
            "mysql -p",
            "mysql \\\n",
            "login -p x ",
            "curl -u ",
            "curl --user a:",
            "identified by ",
            "password 'x",
            "user password ",
            "requirepass ",
            "net user ",
            "chpasswd",
            "chpasswd:",
            "echo chpasswd ",
            "chpasswd <<< ",
            "chpasswd:\na:",
            "htpasswd -b ",
            "rootpw --plaintext ",
            "define(",
            "define('password', ",
            "mysqli(a, ",
            "convertto-securestring ",
            "DB_PASSWORD=a",
            " --password=a",
            "name: value: ",
            "password: a ",
            "é password ",
        ] {
            let text = unit.repeat(50_000 / unit.len());
            let whole = |pair: TextPair<'_>| text[pair.start..].starts_with(pair.value);
            assert!(secrets_in(&text).all(whole), "{unit}");
        }
    }

    #[test]
    fn what_commands_take_from_elsewhere() {
        let commands = [
            "mysql -u root -p$PASSWORD",
            "  # mysql -u root -pZebra",
            "mysql -u root -p\"${password}\" -P 3306",
            "mysql -u root -p < dump.sql",
            "mkdir -p /var/lib/mysql && ls -p",
            "docker run --name mysql -p3306:3306 mysql",
            "docker run --name mongo -p 127.0.0.1:27017:27017 mongo",
            "curl -u admin:PASSWORD http://localhost",
            "IDENTIFIED BY PASSWORD",
            "IDENTIFIED BY '${password}'",
            "they are identified by a 'name'",
            "the word password 'is' in prose",
            "echo \"root:$PASSWORD\" | chpasswd",
            "echo done; chpasswd -e < file",
            "chpasswd:\n  expire: false\n",
            "sshpass -e ssh x",
            "docker login -u x --password-stdin",
            "rootpw --iscrypted zebra",
            "rootpw --lock",
            "curl -u $USER:$PASSWORD http://localhost",
            "dotnet user-secrets set",
            "net user admin /delete",
            "ConvertTo-SecureString $value -AsPlainText",
            "define('AUTH_KEY', 'put your phrase here')",
            "$mysqli->query('a', 'b', 'Zebra')",
            "new mysqli($host, $user, $password, 'db')",
            "new mysqli(getenv('A'), 'b', 'Zebra')",
            "--password is required",
            "htpasswd -c /etc/users admin",
            "",
        ];
        for command in commands {
            assert_eq!(found(command), Vec::<&str>::new(), "{command}");
        }
    }
}
