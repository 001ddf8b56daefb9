//! Packs the examples into the binary, for `plinth new --example`, and notes the commit for `plinth version`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../..");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let example = root.join("examples/hiring");
    println!("cargo::rerun-if-changed={}", example.display());
    let file = fs::File::create(out.join("hiring.tar.gz"))?;
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::best()));
    archive.mode(tar::HeaderMode::Deterministic);
    for path in files(&example)? {
        let name = path.strip_prefix(&example).map_err(io::Error::other)?;
        archive.append_path_with_name(&path, name)?;
    }
    archive.into_inner()?.finish()?;
    let commit = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .current_dir(&root)
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_default();
    println!("cargo::rustc-env=PLINTH_COMMIT={}", commit.trim());
    println!("cargo::rerun-if-changed={}", root.join(".git/HEAD").display());
    Ok(())
}

/// The project's own files, without its database, keys and scripts, sorted.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        if matches!(name, "data" | ".plinth" | "__pycache__") || name.ends_with(".py") {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
