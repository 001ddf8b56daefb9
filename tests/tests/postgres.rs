//! The cases of `cases/*/*.http` on PostgreSQL: the same requests, the same answers.

use plinth_tests::run_folder_on_postgres;

/// One after the other: roles are the cluster's, and are made by each project where they are missing.
#[test]
fn cases() {
    run_folder_on_postgres("reads", &[]);
    run_folder_on_postgres("workshop", &[]);
    run_folder_on_postgres("hiring", &[("PLINTH_API_ALLOW_ROLLBACK", "true")]);
    // Behind a pooler that shares connections between transactions nothing stays prepared.
    run_folder_on_postgres("workshop", &[("PLINTH_DATABASE_PREPARED_STATEMENTS", "false")]);
}
