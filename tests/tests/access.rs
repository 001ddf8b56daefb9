//! The access matrix of the hiring example, through HTTP. What a line says is told at the head of `cases/hiring/access.tsv`.

use std::fmt::Write as _;
use std::fs;

use plinth_tests::case::{encode, personas, token};
use plinth_tests::server::root;
use plinth_tests::{Project, Response, Server};

struct Line {
    number: usize,
    method: String,
    target: String,
    body: Option<String>,
    /// One for each persona
    outcomes: Vec<String>,
}

/// The personas' names, and the lines.
fn matrix(text: &str) -> (Vec<String>, Vec<Line>) {
    let mut names: Option<Vec<String>> = None;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [method, target, body, outcomes @ ..] = cells.as_slice() else { panic!("line {}", number + 1) };
        let outcomes: Vec<String> = outcomes.iter().map(|cell| (*cell).to_owned()).collect();
        let Some(names) = &names else {
            names = Some(outcomes);
            continue;
        };
        assert_eq!(outcomes.len(), names.len(), "line {}", number + 1);
        lines.push(Line {
            number: number + 1,
            method: (*method).to_owned(),
            target: (*target).to_owned(),
            body: (*body != "-").then(|| (*body).to_owned()),
            outcomes,
        });
    }
    (names.expect("a line of names"), lines)
}

fn ask(server: &Server, line: &Line, token: Option<&str>) -> Response {
    let reads = line.method == "GET";
    let mark = if line.target.contains('?') { '&' } else { '?' };
    let limit = if reads { format!("{mark}limit=1") } else { String::new() };
    let target = encode(&format!("/rest/v1{}{limit}", line.target));
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("Prefer", if reads { "count=exact" } else { "count=exact, tx=rollback" })];
    headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
    server.send(&line.method, &target, &headers, line.body.as_deref())
}

/// What became of a request, in the words of the matrix.
fn outcome(method: &str, response: &Response) -> String {
    if response.status >= 300 {
        return response.json()["code"].as_str().unwrap_or("no code").to_owned();
    }
    let range = response.header("content-range").unwrap_or_default();
    let total = range.split_once('/').map_or("", |(_, total)| total);
    match (method, total) {
        ("GET", total) => total.to_owned(),
        (_, "0") => "none".to_owned(),
        (_, "1") => "yes".to_owned(),
        _ => format!("{} {range}", response.status),
    }
}

#[test]
fn everyone_may_do_what_the_guide_says_and_no_more() {
    let folder = root().join("tests/cases/hiring");
    let (names, lines) = matrix(&fs::read_to_string(folder.join("access.tsv")).expect("the matrix"));
    let personas = personas(&folder);
    let project = Project::copy_of(&root().join("examples/hiring")).seeded();
    let server = Server::start(project, "serve", &[("PLINTH_API_ALLOW_ROLLBACK", "true")]);
    let tokens: Vec<Option<String>> = names
        .iter()
        .map(|name| match name.as_str() {
            "anon" => None,
            "service" => Some(server.service_key.clone()),
            name => Some(token(&server, &personas, name).unwrap_or_else(|| panic!("no persona {name}"))),
        })
        .collect();
    let mut wrong = String::new();
    let mut count = 0;
    // The reads once more in the end: what was taken back is not there.
    for line in lines.iter().chain(lines.iter().filter(|line| line.method == "GET")) {
        for ((name, token), expected) in names.iter().zip(&tokens).zip(&line.outcomes) {
            let response = ask(&server, line, token.as_deref());
            let got = outcome(&line.method, &response);
            count += 1;
            if got != *expected {
                let _ = writeln!(
                    wrong,
                    "access.tsv:{} {} {} {} as {name}: expected {expected}, got {got} ({})",
                    line.number,
                    line.method,
                    line.target,
                    line.body.as_deref().unwrap_or(""),
                    response.text().chars().take(300).collect::<String>()
                );
            }
        }
    }
    println!("{count} requests");
    assert!(wrong.is_empty(), "{wrong}");
}
