//! `plinth.toml`; lines that begin with `PLINTH_` are variables of the environment.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (variables, toml): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("PLINTH_"));
    let variables = variables.iter().filter_map(|line| line.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let _ = plinth_server::config::parse(&toml.join("\n"), variables);
});
