//! Turns `schemas/*.toml` into static tables.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

#[expect(
    dead_code,
    reason = "a part of the library; the search is not used here"
)]
#[path = "../src/schemas/table.rs"]
mod table;

type Paths = BTreeMap<String, Vec<String>>;

/// One file: what is known about a provider.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    provider: String,
    #[serde(default)]
    provider_block: Option<ProviderBlock>,
    #[serde(default)]
    backend: Paths,
    #[serde(default)]
    arguments: Paths,
    #[serde(default)]
    write_only: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    data: BTreeMap<String, Stored>,
    #[serde(default)]
    generated: BTreeMap<String, Stored>,
    #[serde(default)]
    ephemeral: BTreeMap<String, Ephemeral>,
    #[serde(default)]
    results: Paths,
    #[serde(default)]
    long_lived: BTreeMap<String, String>,
    #[serde(default)]
    environment: Paths,
    #[serde(default)]
    user_data: Paths,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderBlock {
    arguments: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    secret: Vec<String>,
    #[serde(default)]
    ephemeral: Option<String>,
    #[serde(default)]
    since: Option<String>,
    #[serde(default)]
    named: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ephemeral {
    arguments: Vec<String>,
    results: Vec<String>,
}

/// The tables of all files as Rust code. Types that two files describe are an error.
pub(crate) fn generate(files: &[PathBuf]) -> Result<String, Box<dyn Error>> {
    let mut all = Tables::default();
    for path in files {
        let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let provider: Provider =
            toml::from_str(&fs::read_to_string(path)?).map_err(|error| at(&error))?;
        all.add(provider).map_err(|error| at(&error))?;
    }
    Ok(all.code()?)
}

#[derive(Default)]
struct Tables {
    paths: BTreeMap<&'static str, Paths>,
    write_only: BTreeMap<String, String>,
    data: BTreeMap<String, String>,
    generated: BTreeMap<String, String>,
    ephemeral: BTreeMap<String, String>,
    long_lived: BTreeMap<String, String>,
}

impl Tables {
    fn add(&mut self, provider: Provider) -> Result<(), String> {
        let block = provider
            .provider_block
            .map(|block| (provider.provider.clone(), block.arguments));
        let lists = [
            ("PROVIDER_BLOCKS", block.into_iter().collect()),
            ("BACKENDS", provider.backend),
            ("ARGUMENTS", provider.arguments),
            ("RESULTS", provider.results),
            ("ENVIRONMENTS", provider.environment),
            ("USER_DATA", provider.user_data),
        ];
        for (table, entries) in lists {
            let table = self.paths.entry(table).or_default();
            for (name, mut paths) in entries {
                paths.sort();
                insert(table, name, paths)?;
            }
        }
        let provider_name = provider.provider;
        for (name, arguments) in provider.write_only {
            let arguments: Vec<String> = arguments
                .iter()
                .map(|(argument, since)| format!("({argument:?}, {since:?})"))
                .collect();
            insert(
                &mut self.write_only,
                name,
                format!("&[{}]", arguments.join(", ")),
            )?;
        }
        for (table, entries) in [
            (&mut self.data, provider.data),
            (&mut self.generated, provider.generated),
        ] {
            for (name, stored) in entries {
                insert(table, name, stored.code(&provider_name))?;
            }
        }
        for (name, Ephemeral { arguments, results }) in provider.ephemeral {
            let code = format!("Ephemeral {{ arguments: &{arguments:?}, results: &{results:?} }}");
            insert(&mut self.ephemeral, name, code)?;
        }
        for (name, advice) in provider.long_lived {
            insert(&mut self.long_lived, name, format!("{advice:?}"))?;
        }
        Ok(())
    }

    fn code(&self) -> Result<String, std::fmt::Error> {
        let mut code = String::new();
        for (table, entries) in &self.paths {
            let entries = entries
                .iter()
                .map(|(name, paths)| (name, format!("&{paths:?}")));
            write_table(&mut code, table, "&[&str]", entries)?;
        }
        write_table(
            &mut code,
            "WRITE_ONLY",
            "&[(&str, &str)]",
            self.write_only.iter().map(|(k, v)| (k, v.clone())),
        )?;
        write_table(
            &mut code,
            "DATA",
            "Stored",
            self.data.iter().map(|(k, v)| (k, v.clone())),
        )?;
        write_table(
            &mut code,
            "GENERATED",
            "Stored",
            self.generated.iter().map(|(k, v)| (k, v.clone())),
        )?;
        write_table(
            &mut code,
            "EPHEMERAL",
            "Ephemeral",
            self.ephemeral.iter().map(|(k, v)| (k, v.clone())),
        )?;
        write_table(
            &mut code,
            "LONG_LIVED",
            "&str",
            self.long_lived.iter().map(|(k, v)| (k, v.clone())),
        )?;
        Ok(code)
    }
}

impl Stored {
    fn code(&self, provider: &str) -> String {
        format!(
            "Stored {{ provider: {provider:?}, secret: &{:?}, ephemeral: {:?}, since: {:?}, named: {} }}",
            self.secret, self.ephemeral, self.since, self.named
        )
    }
}

fn insert<V>(table: &mut BTreeMap<String, V>, name: String, value: V) -> Result<(), String> {
    if table.contains_key(&name) {
        return Err(format!("`{name}` is described twice"));
    }
    table.insert(name, value);
    Ok(())
}

fn write_table<'n>(
    code: &mut String,
    name: &str,
    value: &str,
    entries: impl ExactSizeIterator<Item = (&'n String, String)> + Clone,
) -> std::fmt::Result {
    let index = index(entries.clone().map(|(key, _)| key.as_str()));
    writeln!(
        code,
        "static {name}: Table<{value}> = Table {{\n    entries: &["
    )?;
    for (key, value) in entries {
        writeln!(code, "        ({key:?}, {value}),")?;
    }
    writeln!(code, "    ],\n    index: &{index:?},\n}};")
}

/// The index of a table with these names: less than half full, so that most searches end at once.
fn index<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> Vec<u16> {
    let mut index = vec![0; (2 * names.len() + 1).next_power_of_two()];
    for (number, name) in (1..).zip(names) {
        let mut place = table::hash(name);
        while index[place % index.len()] != 0 {
            place += 1;
        }
        let place = place % index.len();
        index[place] = number;
    }
    index
}
