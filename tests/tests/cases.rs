//! The cases of `cases/*/*.http`, one test for each folder. How a case is written is told in `src/case.rs`.

use plinth_tests::run_folder;

/// What is planned for the access matrix and the abuse cases is tried and taken back.
const ROLLBACK: [(&str, &str); 1] = [("PLINTH_API_ALLOW_ROLLBACK", "true")];

#[test]
fn workshop() {
    run_folder("workshop", &[]);
}

#[test]
fn hiring() {
    run_folder("hiring", &ROLLBACK);
}

#[test]
fn abuse() {
    run_folder("abuse", &ROLLBACK);
}

#[test]
fn aggregates() {
    run_folder("aggregates", &[]);
}

#[test]
fn limits() {
    run_folder("limits", &[]);
}

#[test]
fn reads() {
    run_folder("reads", &[]);
}
