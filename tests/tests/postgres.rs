//! The cases of `cases/*/*.http` on PostgreSQL: the same requests, the same answers.

use plinth_tests::run_folder_on_postgres;

#[test]
fn workshop() {
    run_folder_on_postgres("workshop", &[]);
}

#[test]
fn hiring() {
    run_folder_on_postgres("hiring", &[("PLINTH_API_ALLOW_ROLLBACK", "true")]);
}
