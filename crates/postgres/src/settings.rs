//! What a request brings into its transaction: the role it runs as and what SQL may read of it. All of it ends with the transaction.

use plinth_query::Caller;

/// The settings in the order of their parameters. The role comes after the search path and before what depends on nothing.
const NAMES: [&str; 7] = [
    "search_path",
    "role",
    "request.jwt.claims",
    "request.method",
    "request.path",
    "request.headers",
    "request.cookies",
];

/// The statement that sets them, and its parameters.
pub(crate) struct Settings {
    pub(crate) text: &'static str,
    pub(crate) params: Vec<Option<Vec<u8>>>,
}

/// The statements for nothing more, and with the time zone.
static TEXTS: std::sync::LazyLock<[String; 2]> = std::sync::LazyLock::new(|| {
    let all = |names: &[&str]| {
        let calls: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(i, name)| format!("pg_catalog.set_config('{name}', ${}, true)", i + 1))
            .collect();
        format!("select {}", calls.join(", "))
    };
    let mut with_zone = NAMES.to_vec();
    with_zone.push("TimeZone");
    [all(&NAMES), all(&with_zone)]
});

/// The settings of a caller. `search_path` is quoted already.
pub(crate) fn settings(caller: &Caller, search_path: &str) -> Settings {
    let mut params: Vec<Option<Vec<u8>>> = [
        search_path,
        &caller.role,
        &caller.claims,
        &caller.method,
        &caller.path,
        &caller.headers,
        &caller.cookies,
    ]
    .into_iter()
    .map(|value| Some(value.as_bytes().to_vec()))
    .collect();
    let [plain, with_zone] = &*TEXTS;
    match caller.session.time_zone.iana_name() {
        None | Some("UTC" | "Etc/UTC") => Settings { text: plain, params },
        Some(zone) => {
            params.push(Some(zone.as_bytes().to_vec()));
            Settings { text: with_zone, params }
        }
    }
}
