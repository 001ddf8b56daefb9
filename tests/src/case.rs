//! Cases as data files: requests and the answers they must get, in plain text.
//!
//! A folder of cases is a project (or names one in a file `project`) with `personas.json` and any number of `*.http` files:
//!
//! ```text
//! ### A recruiter sees the drafts of the own company
//! GET /rest/v1/posting?select=id&state=eq.draft
//! as: recruiter
//! Prefer: count=exact
//!
//! => 200
//! Content-Range: 0-0/1
//!
//! [{"id":7}]
//! ```
//!
//! The cases of a file run in order on one database, fresh for the file. `as` names a persona (`service` is the service role; none
//! is a request without a token): an object of claims in `personas.json`, given to `plinth token`, or `{"exactly": claims}` for a
//! token of these claims and no other.
//!
//! A case with `on: sqlite` or `on: postgres` is about that engine alone, and so are all of a file that begins with such a line; every
//! other one holds on both.
//!
//! Targets are written as people read them: blanks, quotes, `<`, `>`, braces and letters beyond ASCII are percent-encoded when they
//! are sent, everything else goes out as it stands. In targets, headers and bodies `<<x*100>>` is `x` a hundred times, and in headers
//! `<<anon key>>` and `<<service key>>` are the project's keys.
//!
//! An expected header is exact, `~ text` is a part, `!Name` is absence. The body is compared as JSON where both are JSON (order of
//! members and every digit count, white space does not), else byte by byte; `"<any>"` stands for any JSON value, `~ text` for a
//! body that contains the text, and a body of `...` for any body. `UPDATE_EXPECT=1` writes what was answered into the files, and
//! `ONLY_CASES=30_` runs the files whose path contains that.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::http::Response;
use crate::postgres::Postgres;
use crate::server::{Project, Server, root};

/// A request and its expected answer.
#[derive(Clone, Debug, Default)]
struct Case {
    /// As it is written
    source: String,
    title: String,
    line: usize,
    method: String,
    target: String,
    persona: Option<String>,
    /// The engine it is about, when it is about one
    engine: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    status: u16,
    expected_headers: Vec<(String, String)>,
    absent_headers: Vec<String>,
    expected_body: String,
}

/// Runs every case file of a folder. Panics with all that differs.
pub fn run_folder(folder: &str, environment: &[(&str, &str)]) {
    run(folder, environment, None);
}

/// The same on PostgreSQL, where it is installed.
pub fn run_folder_on_postgres(folder: &str, environment: &[(&str, &str)]) {
    if let Some(postgres) = Postgres::shared() {
        run(folder, environment, Some(postgres));
    }
}

fn run(folder: &str, environment: &[(&str, &str)], postgres: Option<&Postgres>) {
    let folder = root().join("tests/cases").join(folder);
    let source = match fs::read_to_string(folder.join("project")) {
        Ok(path) => root().join(path.trim()),
        Err(_) => folder.clone(),
    };
    let personas = personas(&folder);
    let template = Project::copy_of(&source);
    let database = postgres.map(|postgres| (postgres, postgres.database()));
    let template = match &database {
        Some((postgres, name)) => template.on_postgres(postgres, name),
        None => template,
    }
    .seeded();
    let only = std::env::var("ONLY_CASES").unwrap_or_default();
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of cases")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "http"))
        .filter(|path| path.to_string_lossy().contains(&only))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", folder.display());
    let mut failures = Vec::new();
    let mut count = 0;
    for file in files {
        let project = Project::copy_of(template.path());
        let project = match &database {
            Some((postgres, name)) => project.on_postgres(postgres, &postgres.copy_of(name)),
            None => project,
        };
        let server = Server::start(project, "serve", environment);
        let run = run_file(&file, &server, &personas);
        count += run.0;
        failures.extend(run.1);
    }
    println!("{count} cases in {}", folder.display());
    assert!(failures.is_empty(), "{} of {count} cases differ:\n\n{}", failures.len(), failures.join("\n"));
}

/// The personas of a folder: names to claims.
pub fn personas(folder: &Path) -> HashMap<String, Map<String, Value>> {
    let Ok(text) = fs::read_to_string(folder.join("personas.json")) else { return HashMap::new() };
    serde_json::from_str(&text).expect("personas.json maps names to claims")
}

fn run_file(
    path: &Path,
    server: &Server,
    personas: &HashMap<String, Map<String, Value>>,
) -> (usize, Vec<String>) {
    let text = fs::read_to_string(path).expect("a case file");
    let (count, failures, written) = run_text(&text, path, server, personas);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, written).expect("the case file can be written");
        return (count, Vec::new());
    }
    (count, failures)
}

/// Runs the cases in the fenced blocks marked `http` of a document, in order, on one database of the project.
pub fn run_document(document: &str, project: &str, personas: &str) {
    let path = root().join(document);
    let personas = self::personas(&root().join("tests/cases").join(personas));
    let template = Project::copy_of(&root().join(project)).seeded();
    let server = Server::start(
        template,
        "serve",
        &[("PLINTH_API_AGGREGATES", "true"), ("PLINTH_API_ALLOW_ROLLBACK", "true")],
    );
    let text = fs::read_to_string(&path).expect("a document");
    let mut written = String::new();
    let (mut count, mut failures) = (0, Vec::new());
    let mut parts = text.split("```http\n");
    written.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (block, rest) = part.split_once("```").expect("a fenced block ends");
        // A block needs no title: the text around it is one.
        let titled =
            if block.starts_with("### ") { block.to_owned() } else { format!("### {document}\n{block}") };
        let (ran, differ, now) = run_text(&titled, &path, &server, &personas);
        count += ran;
        failures.extend(differ);
        let now = if block.starts_with("### ") {
            now
        } else {
            now.split_once('\n').unwrap_or_default().1.to_owned()
        };
        written.push_str(&format!("```http\n{}\n```{rest}", now.trim_end()));
    }
    println!("{count} cases in {document}");
    assert!(count > 0, "no cases in {document}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, written).expect("the document can be written");
    } else {
        assert!(
            failures.is_empty(),
            "{} of {count} cases differ:\n\n{}",
            failures.len(),
            failures.join("\n")
        );
    }
}

/// Runs the cases of a text: how many, what differs, and the text with what was answered.
fn run_text(
    text: &str,
    path: &Path,
    server: &Server,
    personas: &HashMap<String, Map<String, Value>>,
) -> (usize, Vec<String>, String) {
    let mut cases = parse(text, path);
    // What stands before the first case is about all of them.
    let preface = text.find("### ").and_then(|first| text.get(..first)).unwrap_or_default();
    if let Some(engine) = preface.lines().find_map(|line| line.strip_prefix("on: ")) {
        cases.retain(|_| engine == server.engine());
        if cases.is_empty() {
            return (0, Vec::new(), text.to_owned());
        }
    }
    let mut tokens: HashMap<String, String> = HashMap::new();
    let mut failures = Vec::new();
    let mut written = preface.to_owned();
    for case in &cases {
        if case.engine.as_deref().is_some_and(|engine| engine != server.engine()) {
            written.push_str(&case.source);
            continue;
        }
        let mut headers = case.headers.clone();
        if let Some(persona) = &case.persona {
            let token = tokens.entry(persona.clone()).or_insert_with(|| match persona.as_str() {
                "service" => server.service_key.clone(),
                name => token(server, personas, name)
                    .unwrap_or_else(|| panic!("{}: no persona {name}", path.display())),
            });
            headers.push(("Authorization".into(), format!("Bearer {token}")));
        }
        for (_, value) in &mut headers {
            *value = expand(value)
                .replace("<<anon key>>", &server.anon_key)
                .replace("<<service key>>", &server.service_key);
        }
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let body = case.body.as_deref().map(expand);
        let response = server.send(&case.method, &encode(&expand(&case.target)), &headers, body.as_deref());
        if let Some(difference) = difference(case, &response) {
            let place = path.strip_prefix(root()).unwrap_or(path).display();
            failures.push(format!("{place}:{} {}\n{difference}", case.line, case.title));
        }
        // What holds on both is recorded on one.
        let recorded = server.engine() == "sqlite" || case.engine.is_some();
        written.push_str(&if recorded { write(case, &response) } else { case.source.clone() });
    }
    (cases.len(), failures, written)
}

/// A token for a persona.
pub fn token(server: &Server, personas: &HashMap<String, Map<String, Value>>, name: &str) -> Option<String> {
    let claims = personas.get(name)?;
    Some(match claims.get("exactly").and_then(Value::as_object) {
        Some(exactly) => server.sign(exactly),
        None => server.token(claims),
    })
}

/// Percent-encodes what cannot stand in a request's target.
pub fn encode(target: &str) -> String {
    let mut encoded = String::with_capacity(target.len());
    for c in target.chars() {
        if c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '{' | '}' | '|' | '\\' | '^' | '`') {
            encoded.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    encoded
}

/// Replaces `<<x*100>>` by a hundred `x`.
fn expand(text: &str) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<<") {
        let repeated = after.split_once(">>").and_then(|(inside, after)| {
            let (part, count) = inside.rsplit_once('*')?;
            Some((part.repeat(count.parse().ok()?), after))
        });
        expanded.push_str(before);
        match repeated {
            Some((part, after)) => {
                expanded.push_str(&part);
                rest = after;
            }
            None => {
                expanded.push_str("<<");
                rest = after;
            }
        }
    }
    expanded + rest
}

fn parse(text: &str, path: &Path) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut blocks: Vec<(usize, Vec<&str>)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("### ") {
            blocks.push((index + 1, vec![line]));
        } else if let Some((_, block)) = blocks.last_mut() {
            block.push(line);
        }
    }
    for (line, block) in blocks {
        cases.push(parse_case(line, &block).unwrap_or_else(|why| panic!("{}:{line}: {why}", path.display())));
    }
    cases
}

fn parse_case(line: usize, block: &[&str]) -> Result<Case, String> {
    let arrow = block.iter().position(|l| l.starts_with("=> ")).ok_or("no line \"=> STATUS\"")?;
    let (asked, expected) = block.split_at(arrow);
    let title = asked[0].trim_start_matches("### ").to_owned();
    let first = asked.get(1).ok_or("no request line")?;
    let (method, target) = first.split_once(' ').ok_or("the request line is METHOD TARGET")?;
    let source = format!("{}\n\n", block.join("\n").trim_end());
    let mut case = Case {
        source,
        title,
        line,
        method: method.to_owned(),
        target: target.trim().to_owned(),
        ..Case::default()
    };
    let blank = asked.iter().position(|l| l.is_empty()).unwrap_or(asked.len());
    for header in &asked[2..blank.max(2)] {
        let (name, value) = header.split_once(':').ok_or("a header is NAME: VALUE")?;
        if name == "as" {
            case.persona = Some(value.trim().to_owned());
        } else if name == "on" {
            case.engine = Some(value.trim().to_owned());
        } else {
            case.headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    let body = asked.get(blank + 1..).unwrap_or_default().join("\n").trim_end().to_owned();
    case.body = (!body.is_empty()).then_some(body);
    case.status = expected[0][3..].trim().parse().map_err(|_| "\"=> STATUS\" needs a number")?;
    let blank = expected.iter().position(|l| l.is_empty()).unwrap_or(expected.len());
    for header in &expected[1..blank] {
        if let Some(name) = header.strip_prefix('!') {
            case.absent_headers.push(name.trim().to_owned());
        } else {
            let (name, value) = header.split_once(':').ok_or("a header is NAME: VALUE")?;
            case.expected_headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    case.expected_body = expected.get(blank + 1..).unwrap_or_default().join("\n").trim().to_owned();
    Ok(case)
}

fn difference(case: &Case, response: &Response) -> Option<String> {
    let mut found = Vec::new();
    if response.status != case.status {
        found.push(format!("  status: expected {}, got {}", case.status, response.status));
    }
    for (name, expected) in &case.expected_headers {
        let got = response.header(name);
        let same = match expected.strip_prefix("~ ") {
            Some(part) => got.is_some_and(|got| got.contains(part)),
            None => got == Some(expected.as_str()),
        };
        if !same {
            found.push(format!("  {name}: expected {expected}, got {}", got.unwrap_or("nothing")));
        }
    }
    for name in &case.absent_headers {
        if let Some(got) = response.header(name) {
            found.push(format!("  {name}: expected none, got {got}"));
        }
    }
    if !same_body(&case.expected_body, &response.body) {
        found.push(format!("  expected body: {}\n  got body:      {}", case.expected_body, response.text()));
    }
    (!found.is_empty()).then(|| found.join("\n"))
}

/// Whether a body is the expected one (see the module's head).
pub fn same_body(expected: &str, got: &[u8]) -> bool {
    if expected == "..." {
        return true;
    }
    if let Some(part) = expected.strip_prefix("~ ") {
        return String::from_utf8_lossy(got).contains(part);
    }
    match (serde_json::from_str::<Value>(expected), serde_json::from_slice::<Value>(got)) {
        (Ok(expected), Ok(got)) => same_json(&expected, &got),
        _ => expected.as_bytes() == got.trim_ascii(),
    }
}

fn same_json(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::String(text), _) if text == "<any>" => true,
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same_json(a.1, b.1))
        }
        (Value::Number(a), Value::Number(b)) => a.to_string() == b.to_string(),
        _ => expected == got,
    }
}

/// The case as text again, with what was answered where it differs from what was expected.
fn write(case: &Case, response: &Response) -> String {
    let mut text = format!("### {}\n{} {}\n", case.title, case.method, case.target);
    if let Some(persona) = &case.persona {
        text.push_str(&format!("as: {persona}\n"));
    }
    if let Some(engine) = &case.engine {
        text.push_str(&format!("on: {engine}\n"));
    }
    for (name, value) in &case.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    if let Some(body) = &case.body {
        text.push_str(&format!("\n{body}\n"));
    }
    text.push_str(&format!("\n=> {}\n", response.status));
    for (name, expected) in &case.expected_headers {
        let kept = expected.starts_with("~ ");
        let value = if kept { expected.as_str() } else { response.header(name).unwrap_or("") };
        text.push_str(&format!("{name}: {value}\n"));
    }
    for name in &case.absent_headers {
        text.push_str(&format!("!{name}\n"));
    }
    let body = if same_body(&case.expected_body, &response.body) {
        case.expected_body.clone()
    } else {
        response.text().trim().to_owned()
    };
    if !body.is_empty() {
        text.push_str(&format!("\n{body}\n"));
    }
    text.push('\n');
    text
}
