//! The query layer as an oracle: two databases that differ only in what is hidden (`cases/abuse`) answer every request alike, and
//! what is hidden answers as what does not exist. The requests are generated from the names of what is hidden and where a name or
//! a value can stand.

use std::fs;

use plinth_tests::case::{encode, personas, token};
use plinth_tests::server::root;
use plinth_tests::{Project, Response, Server};

/// Columns that nobody but the service role may read, by table.
const HIDDEN_COLUMNS: [(&str, &[&str]); 3] = [
    ("account", &["email", "token", "score", "listed", "backup_team_id"]),
    ("document", &["secret_note"]),
    ("team", &["plan", "listed"]),
];

/// Values that hidden columns and rows have in one of the databases.
const SECRETS: [&str; 8] = ["tok-ada", "ada@secret.example", "zzz", "gold", "red", "10", "true", "2"];

/// Keys of rows that are hidden in both databases, in one of them, and in none.
const HIDDEN_KEYS: [&str; 5] = ["100", "101", "102", "3", "4000"];

#[derive(Clone, Debug)]
struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Option<String>,
}

fn get(target: impl Into<String>) -> Request {
    Request { method: "GET", target: target.into(), headers: vec![("Prefer", "count=exact")], body: None }
}

fn write(method: &'static str, target: impl Into<String>, body: impl Into<String>) -> Request {
    let body = Some(body.into()).filter(|body| !body.is_empty());
    let headers = vec![("Prefer", "count=exact, return=representation, tx=rollback")];
    Request { method, target: target.into(), headers, body }
}

/// The ways in which a name may be written to get past a check: qualified, quoted, cased, with letters that look alike, with a path
/// or a cast behind it.
fn spellings(table: &str, column: &str) -> Vec<String> {
    let upper = column.to_uppercase();
    let wide: String = column
        .chars()
        .map(|c| char::from_u32(c as u32 + 0xFEE0).filter(|_| c.is_ascii_lowercase()).unwrap_or(c))
        .collect();
    vec![
        column.to_owned(),
        format!("\"{column}\""),
        upper,
        wide,
        format!("{table}.{column}"),
        format!("\"{table}.{column}\""),
        format!("\"{table}\".\"{column}\""),
        format!("t1.{column}"),
        format!("public.{table}.{column}"),
        format!("{column} "),
        format!("{column}->a"),
        format!("{column}->>0"),
        format!("{column}\u{200b}"),
    ]
}

/// Requests that name a hidden column, everywhere a name can stand.
fn about_a_column(table: &str, column: &str) -> Vec<Request> {
    let mut all = Vec::new();
    for name in spellings(table, column) {
        all.push(get(format!("/{table}?select=id,{name}")));
        all.push(get(format!("/{table}?select=id&order={name}")));
        all.push(get(format!("/{table}?select=id&order=id,{name}.desc.nullslast")));
        all.push(get(format!("/{table}?select=id&{name}=not.is.null")));
        all.push(get(format!("/{table}?select=id&or=({name}.eq.red,id.eq.1)")));
    }
    for secret in SECRETS {
        for op in [
            "eq",
            "neq",
            "gt",
            "lte",
            "like",
            "ilike",
            "match",
            "isdistinct",
            "cs",
            "not.eq",
            "like(any)",
            "in",
        ] {
            let value = match op {
                "in" => format!("({secret})"),
                "like(any)" => format!("{{{secret}}}"),
                _ => secret.to_owned(),
            };
            all.push(get(format!("/{table}?select=id&{column}={op}.{value}")));
        }
        all.push(get(format!(
            "/{table}?select=id&and=(id.gt.0,or({column}.eq.{secret},not.and({column}.neq.{secret})))"
        )));
        all.push(write("PATCH", format!("/{table}?{column}=eq.{secret}"), r#"{"name":"x","title":"x"}"#));
        all.push(write("DELETE", format!("/{table}?{column}=eq.{secret}"), ""));
    }
    for item in [
        format!("s:{column}"),
        format!("{column}::text"),
        format!("{column}.max()"),
        format!("{column}.count()"),
        format!("{column},count()"),
        format!("s:{column}::text.min()"),
    ] {
        all.push(get(format!("/{table}?select={item}")));
    }
    all.push(write("PATCH", format!("/{table}?id=eq.1&select={column}"), r#"{"name":"x"}"#));
    all.push(write("PATCH", format!("/{table}?id=eq.1&order={column}"), r#"{"title":"x"}"#));
    all.push(write("PATCH", format!("/{table}?id=eq.1"), format!(r#"{{"{column}":null}}"#)));
    all.push(write("POST", format!("/{table}?columns=id,{column}"), r#"{"id":7}"#));
    all.push(write("POST", format!("/{table}"), format!(r#"{{"id":7,"{column}":"tok-ada"}}"#)));
    let mut upsert =
        write("POST", format!("/{table}?on_conflict={column}"), r#"{"id":7,"account_id":1,"title":"x"}"#);
    upsert.headers = vec![("Prefer", "resolution=merge-duplicates, tx=rollback")];
    all.push(upsert);
    all
}

/// Requests that name a hidden column of a related table.
fn about_a_related_column(column: &str) -> Vec<Request> {
    let mut all = Vec::new();
    for embed in [
        format!("account({column})"),
        format!("...account({column})"),
        format!("a:account!inner({column})"),
        format!("account(id,{column}::text)"),
        format!("account(boss:manager_id({column}))"),
        format!("account({column}.max())"),
        format!("account!{column}(id)"),
        format!("account!account_{column}_fkey(id)"),
        format!("account!account_{column}_key(id)"),
        format!("{column}(id)"),
    ] {
        all.push(get(format!("/document?select=id,{embed}&order=id")));
    }
    all.push(get(format!("/document?select=id,account(id)&order=account({column}),id")));
    all.push(get(format!("/document?select=id,account(id)&order=id&account.order={column}")));
    for secret in SECRETS {
        for embed in ["account(id)", "account!inner(id)", "account!inner()", "...account!inner(name)"] {
            all.push(get(format!("/document?select=id,{embed}&account.{column}=eq.{secret}&order=id")));
            all.push(get(format!(
                "/document?select=id,{embed}&account.or=({column}.eq.{secret},id.eq.1)&order=id"
            )));
        }
        all.push(get(format!("/team?select=id,account!team_id!inner(id,account!manager_id(id))&account.account.{column}=eq.{secret}")));
    }
    all
}

/// Requests whose answer could depend on rows that the caller does not see.
fn about_hidden_rows() -> Vec<Request> {
    let mut all = Vec::new();
    for key in HIDDEN_KEYS {
        for table in ["account", "document", "team", "account_document", "size_share"] {
            all.push(get(format!("/{table}?id=eq.{key}")));
            all.push(get(format!("/{table}?id=gte.{key}&select=id&order=id")));
            all.push(get(format!("/{table}?or=(id.eq.{key},id.eq.1)&select=id&order=id")));
            all.push(write("DELETE", format!("/{table}?id=eq.{key}"), ""));
            all.push(write("PATCH", format!("/{table}?id=eq.{key}"), r#"{"name":"x"}"#));
            all.push(write("PATCH", format!("/{table}?id=eq.{key}"), r#"{"title":"x"}"#));
        }
        all.push(get(format!("/account?select=id,boss:manager_id(name)&manager_id=eq.{key}")));
        all.push(get(format!("/account?select=id,boss:manager_id!inner(name)&manager_id=eq.{key}")));
        all.push(get(format!("/account?select=id,team!team_id(name)&team_id=eq.{key}&order=id")));
        all.push(write("POST", "/document", format!(r#"{{"id":70,"account_id":{key},"title":"x"}}"#)));
        all.push(write("PATCH", "/document?id=eq.1", format!(r#"{{"id":{key}}}"#)));
        all.push(get(format!("/rpc/older_than?years={key}")));
    }
    for word in ["hidden", "boss", "Alpha", "%", "_", "nothing", ""] {
        all.push(get(format!("/rpc/find_document?words={}", word.replace('%', "%25"))));
        all.push(get(format!("/document?title=ilike.*{}*&select=id&order=id", word.replace('%', "%25"))));
        all.push(get(format!("/account?name=match.{}&select=id&order=id", word.replace('%', "%25"))));
    }
    for target in [
        "/account",
        "/document",
        "/team",
        "/document_label",
        "/account_document",
        "/size_share",
        "/size_share?order=share",
        "/size_share?share=gt.0",
        "/size_share?share=eq.1000",
        "/share_of_common?order=id",
        "/share_of_group?order=size",
        "/share_of_group?documents=gt.0&order=size",
        "/share_joined?order=id,label_id",
        "/share_left_joined?order=id,label_id",
        "/share_left_joined?id=not.is.null&order=id,label_id",
        "/share_right_joined?order=id,label_id",
        "/share_full_joined?order=id,label_id",
        "/share_nested?order=id,label_id",
        "/gauge_share?share=gt.40&order=id",
        "/account?limit=1&offset=1&order=id",
        "/account?limit=1&offset=3&order=id",
        "/account?offset=4",
        "/account?limit=0",
        "/account?order=name.desc",
        "/account?order=profile",
        "/account?order=profile->age.desc.nullsfirst,id",
        "/account?select=age:profile->>age::integer&order=id",
        "/account?profile->>age=gt.2&select=id&order=id",
        "/account?profile->age=eq.\"x\"&select=id",
        "/account?profile=cs.{\"city\":\"Oslo\"}&select=id",
        "/account?select=count()",
        "/account?select=team_id,count()&order=team_id",
        "/account?select=team_id.sum(),manager_id.avg()",
        "/document?select=size.sum(),size.max(),size.min(),size.avg(),count()",
        "/document?select=account_id,size.sum()&order=account_id",
        "/document?select=...account(name),size.sum()",
        "/team?select=id,account!team_id(count())&order=id",
        "/team?select=id,account!team_id(id)&order=id",
        "/team?select=id,account!team_id!inner(id)&order=id",
        "/team?select=id,account!team_id()&account=is.null&order=id",
        "/team?select=id,account!team_id()&account=not.is.null&order=id",
        "/team?select=id,account!team_id(id)&account.limit=1&account.order=id.desc&order=id",
        "/team?select=id,account!team_id(id)&account.offset=1&account.order=id&order=id",
        "/team?select=id,lead:account!lead_id(id)&order=id",
        "/account?select=id,manager_id(name)&order=id",
        "/account?select=id,manager_id!inner(name)&order=id",
        "/account?select=id,boss:manager_id(name)&boss=is.null&order=id",
        "/account?select=id,boss:manager_id(name)&boss=not.is.null&order=id",
        "/account?select=id,boss:manager_id(name)&order=boss(name).nullsfirst,id",
        "/account?select=id,boss:manager_id(name)&order=manager_id(name).desc,id",
        "/account?select=id,account!manager_id(id,account!manager_id(id))&order=id",
        "/account?select=id,team!team_id(id,account!team_id(id,team!team_id(id,account!team_id(id))))&order=id",
        "/account?select=id,team!team_id(name)&order=team(name),id",
        "/account?select=id,team!team_id(name)&team=is.null",
        "/account?select=id,...team!team_id(team:name)&order=id",
        "/label?select=id,document(title)&order=id&document.order=id",
        "/label?select=id,document!inner(title)&order=id",
        "/label?select=id,document()&document=is.null&order=id",
        "/label?select=id,document_label(document_id)&order=id",
        "/label?select=id,document_label(count())&order=id",
        "/document?select=id,label(name)&order=id",
        "/rpc/account_count",
        "/rpc/older_than?years=0",
        "/rpc/older_than?years=0&select=id&order=id",
        "/rpc/find_document?words=a&select=title&order=title",
    ] {
        all.push(get(target));
        all.push(Request { method: "HEAD", ..get(target) });
        let mut csv = get(target);
        csv.headers.push(("Accept", "text/csv"));
        all.push(csv);
        let mut one = get(target);
        one.headers.push(("Accept", "application/vnd.pgrst.object+json"));
        all.push(one);
    }
    for (method, target, body) in [
        ("PATCH", "/account", r#"{"name":"x"}"#),
        ("PATCH", "/account?name=like.*i*", r#"{"name":"x"}"#),
        ("PATCH", "/document", r#"{"title":"x"}"#),
        ("PATCH", "/document?size=lt.1000000", r#"{"size":1}"#),
        ("DELETE", "/document", ""),
        ("DELETE", "/document?title=like.*hidden*", ""),
        ("DELETE", "/account", ""),
        ("PATCH", "/gauge_share?share=gt.40", r#"{"size":7}"#),
        ("PATCH", "/gauge_share?share=gt.40&share=lt.200", r#"{"size":7}"#),
        ("DELETE", "/gauge_share?share=gt.40", ""),
    ] {
        all.push(write(method, target, body));
        let mut limited = write(method, target, body);
        limited.headers = vec![("Prefer", "handling=strict, max-affected=1, tx=rollback")];
        all.push(limited);
    }
    all
}

/// Requests about a table and a function that the caller may not know of.
fn about_hidden_tables(table: &str, function: &str) -> Vec<Request> {
    let mut all = Vec::new();
    for target in [
        format!("/{table}"),
        format!("/{table}?id=eq.1"),
        format!("/{table}?select=what"),
        format!("/{table}?nonsense=eq.1"),
        format!("/{table}?select=account(name)"),
        format!("/\"{table}\""),
        format!("/public.{table}"),
        format!("/{table}s"),
        format!("/account?select=id,{table}(what)"),
        format!("/account?select=id,{table}!inner()"),
        format!("/account?select=id,...{table}(what)"),
        format!("/account?select=id,{table}!account_id(what)"),
        format!("/account?select=id,{table}!{table}_account_id_fkey(what)"),
        format!("/account?select=id,x:{table}(id)&x=is.null"),
        format!("/account?select=id,team!{table}(id)"),
        format!("/account?select=id&{table}.id=eq.1"),
        format!("/account?select=id&order={table}(id)"),
        format!("/account?select=id,{table}_account_id_fkey(what)"),
        format!("/rpc/{function}"),
        format!("/rpc/{function}?a=1"),
        format!("/rpc/{function}s"),
        format!("/rpc/{table}"),
        format!("/{function}"),
    ] {
        all.push(get(target.clone()));
        all.push(Request { method: "OPTIONS", ..get(target) });
    }
    for (method, body) in
        [("POST", r#"{"id":1}"#), ("PATCH", r#"{"id":1}"#), ("DELETE", ""), ("PUT", r#"{"id":1}"#)]
    {
        all.push(write(method, format!("/{table}?id=eq.1"), body));
    }
    all.push(write("POST", format!("/rpc/{function}"), "{}"));
    all.push(write("POST", format!("/rpc/{function}"), "[]"));
    all
}

struct World {
    server: Server,
    ada: String,
    stranger: String,
}

/// The project with what is hidden taken from a folder.
fn world(hidden: &str) -> World {
    let folder = root().join("tests/cases/abuse");
    let project = Project::copy_of(&folder);
    let seed = fs::read_to_string(folder.join(hidden).join("01_all.json")).expect("rows");
    project.write("seed/01_all.json", &seed);
    let server = Server::start(project.seeded(), "serve", &[]);
    let personas = personas(&folder);
    let token = |name| token(&server, &personas, name).expect("a persona");
    World { ada: token("ada"), stranger: token("stranger"), server }
}

impl World {
    fn send(&self, request: &Request, token: Option<&str>) -> Response {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = request.headers.clone();
        if let Some(bearer) = &bearer {
            headers.push(("Authorization", bearer));
        }
        let target = encode(&format!("/rest/v1{}", request.target));
        let mut response = self.server.send(request.method, &target, &headers, request.body.as_deref());
        response.headers.retain(|(name, _)| name != "date" && name != "x-request-id");
        response
    }

    fn callers(&self) -> [(&'static str, Option<&str>); 3] {
        [("anon", None), ("ada", Some(&self.ada)), ("a stranger", Some(&self.stranger))]
    }
}

fn shown(response: &Response) -> String {
    format!("{} {:?} {}", response.status, response.headers, response.text())
}

#[test]
fn what_is_hidden_changes_nothing() {
    let (here, there) = (world("seed"), world("other"));
    for table in ["account", "document", "team", "audit"] {
        let all =
            |world: &World| world.send(&get(format!("/{table}")), Some(&world.server.service_key)).text();
        assert_ne!(all(&here), all(&there), "{table}: the databases must differ in what is hidden");
    }
    let mut requests = about_hidden_rows();
    for (table, columns) in HIDDEN_COLUMNS {
        for column in columns {
            requests.extend(about_a_column(table, column));
        }
    }
    for column in HIDDEN_COLUMNS[0].1 {
        requests.extend(about_a_related_column(column));
    }
    requests.extend(about_hidden_tables("audit", "audit_size"));
    let mut different = Vec::new();
    let (mut answered, mut refused) = (0, 0);
    for request in &requests {
        for ((caller, token_here), (_, token_there)) in here.callers().into_iter().zip(there.callers()) {
            let (a, b) = (here.send(request, token_here), there.send(request, token_there));
            assert!(a.status < 500, "{request:?} as {caller}: {}", shown(&a));
            if a.status < 300 {
                answered += 1;
            } else {
                refused += 1;
            }
            if a != b {
                different.push(format!("{request:?} as {caller}\n  {}\n  {}", shown(&a), shown(&b)));
            }
        }
    }
    println!("{answered} requests answered, {refused} refused");
    assert!(requests.len() >= 500 && answered >= 500, "{} requests, {answered} answered", requests.len());
    assert!(
        different.is_empty(),
        "{} answers tell the databases apart:\n{}",
        different.len(),
        different.join("\n")
    );
}

/// A name that nothing has and nothing is similar to, with the first letter and the length that refusals of the grammar tell.
fn unknown(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{first}{}", "w".repeat(rest.len()))
}

/// Whether an answer about a name is the answer about another one, but for the name.
fn alike(a: &Response, name_a: &str, b: &Response, name_b: &str) -> bool {
    let plain = |response: &Response, name: &str| {
        let upper = name.to_uppercase();
        let headers: Vec<(String, String)> = response
            .headers
            .iter()
            .filter(|(header, _)| header != "content-length")
            .map(|(header, value)| (header.clone(), value.replace(name, "?")))
            .collect();
        (response.status, headers, response.text().replace(name, "?").replace(&upper, "?"))
    };
    plain(a, name_a) == plain(b, name_b)
}

#[test]
fn what_is_hidden_answers_as_what_does_not_exist() {
    let world = world("seed");
    let mut pairs: Vec<(Request, &str, Request, String)> = Vec::new();
    for (table, columns) in HIDDEN_COLUMNS {
        for column in columns {
            let unknown = unknown(column);
            for (known, other) in
                about_a_column(table, column).into_iter().zip(about_a_column(table, &unknown))
            {
                // Letters that only look like the name's are another name anyway.
                if known.target.is_ascii() {
                    pairs.push((known, column, other, unknown.clone()));
                }
            }
        }
    }
    for column in HIDDEN_COLUMNS[0].1 {
        let unknown = unknown(column);
        for (known, other) in about_a_related_column(column).into_iter().zip(about_a_related_column(&unknown))
        {
            pairs.push((known, column, other, unknown.clone()));
        }
    }
    for (known, other) in
        about_hidden_tables("audit", "audit_size").into_iter().zip(about_hidden_tables("awwww", "awwww_size"))
    {
        pairs.push((known, "audit", other, "awwww".to_owned()));
    }
    let mut different = Vec::new();
    for (known, name, other, unknown) in &pairs {
        for (caller, token) in world.callers() {
            let (a, b) = (world.send(known, token), world.send(other, token));
            if !alike(&a, name, &b, unknown) {
                different.push(format!("{known:?} as {caller}\n  {}\n  {}", shown(&a), shown(&b)));
            }
        }
    }
    println!("{} pairs of names", pairs.len());
    assert!(
        different.is_empty(),
        "{} answers tell a hidden name from an unknown one:\n{}",
        different.len(),
        different.join("\n")
    );
}
