//! Puts `curriculum/` and `exercises/` into the program: a sorted table of names and bytes.

#![expect(
    clippy::disallowed_macros,
    reason = "cargo reads instructions from standard output"
)]

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut files = Vec::new();
    for top in ["curriculum", "exercises"] {
        println!("cargo::rerun-if-changed={top}");
        if root.join(top).is_dir() {
            walk(&root.join(top), &mut files)?;
        }
    }
    files.sort();
    let mut table = String::from("static EMBEDDED: &[(&str, &[u8], bool)] = &[\n");
    for file in &files {
        let name = file.strip_prefix(&root).expect("walked from the root");
        let executable = fs::metadata(file)?.permissions().mode() & 0o100 != 0;
        let line = format!("    ({name:?}, include_bytes!({file:?}), {executable}),");
        writeln!(table, "{line}").expect("writing to a String cannot fail");
    }
    table.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("embedded.rs"), table)
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if name.as_encoded_bytes().starts_with(b".") || name == "target" || name == "__pycache__" {
            continue;
        }
        if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
