//! The manual's examples are what they say.

#[test]
fn rest_manual() {
    plinth_tests::case::run_document("docs/rest.md", "examples/hiring", "hiring");
}
