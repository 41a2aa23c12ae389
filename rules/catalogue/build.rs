//! Turns `credentials/*.toml` into static tables, so that a start of the program parses nothing.

#![expect(
    clippy::use_debug,
    clippy::disallowed_methods,
    reason = "the generated code is Rust's debug notation; cargo passes folders in the environment"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[expect(unreachable_pub, reason = "a part of the library")]
#[path = "src/patterns/page.rs"]
mod page;
#[expect(unreachable_pub, reason = "a part of the library")]
#[path = "src/patterns/schema.rs"]
mod schema;
#[path = "build/schemas.rs"]
mod schemas;

use schema::{Pattern, Text, VendorFile};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=credentials");
    println!("cargo::rerun-if-changed=schemas");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("credentials");
    let mut patterns = Vec::new();
    for path in files(&folder)? {
        let file: VendorFile = toml::from_str(&fs::read_to_string(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        patterns.extend(
            file.into_patterns()
                .map_err(|error| format!("{}: {error}", path.display()))?,
        );
    }
    patterns.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(twice) = patterns.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(format!("two patterns are named `{}`", twice[0].id).into());
    }
    let mut code = String::new();
    write_patterns(&mut code, &patterns)?;
    write_pages(&mut code, &patterns)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("catalogue.rs"), code)?;
    let providers = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("schemas");
    fs::write(
        out.join("schemas.rs"),
        schemas::generate(&files(&providers)?)?,
    )?;
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn write_patterns(code: &mut String, patterns: &[Pattern]) -> std::fmt::Result {
    let text = |text: &Text| format!("Text::Borrowed({text:?})");
    let texts = |list: &[Text]| {
        let items: Vec<String> = list.iter().map(text).collect();
        format!("Texts::Borrowed(&[{}])", items.join(", "))
    };
    writeln!(code, "static PATTERNS: [Pattern; {}] = [", patterns.len())?;
    for pattern in patterns {
        let verify = match pattern.verify {
            Some(verify) => format!("Some(Verify::{verify:?})"),
            None => "None".to_owned(),
        };
        writeln!(
            code,
            "Pattern {{ id: {}, vendor: {}, summary: {}, why: {}, help: {}, references: {}, \
             keywords: {}, regex: {}, key: {}, value: {}, entropy: {:?}, verify: {verify}, \
             severity: Severity::{:?}, confidence: Confidence::{:?}, window: {:?}, overlaps: {}, \
             matches: {}, ignore: {} }},",
            text(&pattern.id),
            text(&pattern.vendor),
            text(&pattern.summary),
            text(&pattern.why),
            text(&pattern.help),
            texts(&pattern.references),
            texts(&pattern.keywords),
            text(&pattern.regex),
            text(&pattern.key),
            text(&pattern.value),
            pattern.entropy,
            pattern.severity,
            pattern.confidence,
            pattern.window,
            texts(&pattern.overlaps),
            texts(&pattern.matches),
            texts(&pattern.ignore),
        )?;
    }
    writeln!(code, "];")
}

fn write_pages(code: &mut String, patterns: &[Pattern]) -> std::fmt::Result {
    writeln!(code, "static PAGES: [&str; {}] = [", patterns.len())?;
    for pattern in patterns {
        writeln!(code, "{:?},", page::render(pattern))?;
    }
    writeln!(code, "];")
}
