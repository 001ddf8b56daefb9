//! The OpenAPI document and the TypeScript types of the hiring example: valid, and telling each caller its own.

use std::path::Path;
use std::process::Command;

use plinth_tests::server::root;
use plinth_tests::{Project, Response, Server};

fn serve() -> Server {
    Server::start(Project::copy_of(&root().join("examples/hiring")).seeded(), "serve", &[])
}

fn run(folder: &Path, program: &str, args: &[&str], environment: &[(&str, &str)]) {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .envs(environment.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("{program} starts: {error}"));
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn documents_follow_openapi_3_1() {
    let folder = root().join("tests/clients");
    assert!(folder.join("node_modules").is_dir(), "run tests/prepare first (make test does)");
    let server = serve();
    let url = format!("http://{}", server.address);
    let environment = [("PLINTH_URL", url.as_str()), ("PLINTH_SERVICE_KEY", server.service_key.as_str())];
    run(&folder, "node", &["--test", "--test-reporter=spec", "openapi.test.mjs"], &environment);
}

#[test]
fn documents_tell_each_caller_its_own() {
    let server = serve();
    let ask = |headers: &[(&str, &str)]| -> Response { server.send("GET", "/rest/v1/", headers, None) };
    let anon = ask(&[]);
    assert_eq!(anon.status, 200);
    assert_eq!(anon.header("content-type"), Some("application/openapi+json; charset=utf-8"));
    assert_eq!(ask(&[("Accept", "application/json")]).body, anon.body);
    assert_eq!(ask(&[("Accept", "text/csv")]).json()["code"], "PGRST107");
    let head = server.send("HEAD", "/rest/v1/", &[], None);
    assert_eq!((head.status, head.body.len()), (200, 0));

    let bearer = format!("Bearer {}", server.service_key);
    let service = ask(&[("Authorization", bearer.as_str())]).json();
    let document = anon.json();
    for hidden in ["/candidate", "/application", "/note", "/member", "/my_company", "/rpc/hiring_funnel"] {
        assert!(document["paths"].get(hidden).is_none(), "{hidden} is hidden from anon");
        let known = service["paths"].get(hidden).is_some();
        assert!(known, "{hidden} is there for the service role");
    }
    for name in ["billing_email", "candidate", "hiring_funnel", "note"] {
        assert!(!anon.text().contains(&format!("\"{name}\"")), "{name} is told to anon");
    }
    for (path, methods) in
        [("/posting", vec!["get", "x-query"]), ("/rpc/search_postings", vec!["get", "x-query", "post"])]
    {
        let offered: Vec<&String> = document["paths"][path].as_object().expect(path).keys().collect();
        assert_eq!(offered, methods, "{path}");
    }
}

#[test]
fn typescript_types_compile_in_strict_mode() {
    let clients = root().join("tests/clients");
    assert!(clients.join("node_modules/typescript").is_dir(), "run tests/prepare first (make test does)");
    let project = Project::copy_of(&root().join("examples/hiring"));
    // Beside a link to the packages, so that nothing is written into the checkout.
    project.write("types/database.ts", &project.run_ok(&["types", "typescript"]));
    let source = std::fs::read_to_string(clients.join("types.ts")).expect("types.ts");
    project.write("types/types.ts", &source);
    project.write("types/package.json", r#"{ "type": "module" }"#);
    let folder = project.path().join("types");
    std::os::unix::fs::symlink(clients.join("node_modules"), folder.join("node_modules")).expect("a link");
    let args = [
        "node_modules/typescript/bin/tsc",
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--exactOptionalPropertyTypes",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        "types.ts",
    ];
    run(&folder, "node", &args, &[]);
}
