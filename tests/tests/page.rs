//! The hiring example's page in a real browser, driven by `clients/page.test.mjs`.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use plinth_tests::server::root;
use plinth_tests::{Project, Server};

/// Where Debian puts the browser; `CHROMIUM` names another place.
const CHROMIUM: &str = "/usr/bin/chromium";

#[test]
fn visitors_use_the_hiring_examples_page() {
    let browser = std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from(CHROMIUM), PathBuf::from);
    if !browser.exists() {
        // Not by `println!`, which a passing test keeps to itself: a skip has to be seen.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: no Chromium here ({} is missing; tests/prepare says how to install it)",
            browser.display()
        );
        return;
    }
    let folder = root().join("tests/clients");
    assert!(folder.join("node_modules/playwright-core").is_dir(), "run tests/prepare first (make test does)");
    let server = Server::start(Project::copy_of(&root().join("examples/hiring")).seeded(), "serve", &[]);
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec", "page.test.mjs"])
        .current_dir(&folder)
        .env("PLINTH_URL", format!("http://{}", server.address))
        .env("PLINTH_ANON_KEY", &server.anon_key)
        .env("CHROMIUM", &browser)
        .output()
        .expect("node starts");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{report}");
}
