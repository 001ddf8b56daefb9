//! Schema files: SQL to a catalog, or to messages that say where.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth_catalog::{Defaults, SourceFile};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let file = SourceFile { path: "schema.sql".into(), text: text.into() };
    match plinth_catalog::read(&[file], &Defaults::default()) {
        Ok(catalog) => _ = plinth_sqlite::problems(&catalog),
        Err(errors) => assert!(!errors.is_empty()),
    }
});
