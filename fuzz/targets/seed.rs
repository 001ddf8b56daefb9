//! Seed files: CSV, JSON and SQL, chosen by the first byte.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth_catalog::SourceFile;

#[path = "../../crates/plinth/src/seed.rs"]
#[allow(dead_code)]
mod seed;

/// What the module of the binary names.
mod commands {
    pub type Result<T = ()> = std::result::Result<T, String>;
}

const FILES: [&str; 4] = ["1_skill.csv", "1_posting.json", "1_all.json", "1_all.sql"];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let file = SourceFile { path: FILES[usize::from(*first) % FILES.len()].into(), text: text.into() };
    let _ = seed::read(&plinth_fuzz::CATALOG, "public", &file);
});
