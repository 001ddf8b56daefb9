//! `create function`: its parameters, result, options, and body in SQL.

use plinth_values::builtin::Volatility;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word as TokenWord};

use crate::read::cursor::{Cursor, Parsed};
use crate::read::files::{self, is_word};
use crate::read::syntax::{
    BodyStatement, CreateFunction, ParameterDefinition, ParameterMode, Place, ReturnsDefinition, Signature,
    Statement, Word,
};

/// A function's body before its language is known.
enum Body {
    /// `as '…'`: the text and where it begins
    Text(String, Place),
    /// `begin atomic … end`, `return …`
    Tokens(Vec<TokenWithSpan>),
}

/// What stands after the parameters, in any order.
struct Options {
    returns: Option<ReturnsDefinition>,
    language: Option<Word>,
    volatility: Volatility,
    strict: bool,
    rows_one: bool,
    security_definer: bool,
    search_path: Option<Vec<String>>,
    body: Option<Body>,
}

pub(super) fn create_function(cursor: &mut Cursor<'_>, or_replace: bool) -> Parsed<Statement> {
    let place = cursor.place();
    cursor.expect(&["function"])?;
    let name = cursor.name()?;
    let parameters = parameters(cursor)?;
    let mut options = Options {
        returns: None,
        language: None,
        volatility: Volatility::Volatile,
        strict: false,
        rows_one: false,
        security_definer: false,
        search_path: None,
        body: None,
    };
    if cursor.eat(&["returns"]) {
        options.returns = Some(returns(cursor)?);
    }
    while !cursor.at_end() {
        option(cursor, &mut options)?;
    }
    let standard = matches!(options.body, Some(Body::Tokens(_)));
    match &options.language {
        Some(language) if language.text != "sql" => return Err(refuse_language(cursor, language)),
        None if !standard => return Err(cursor.error(place, "no language specified")),
        _ => {}
    }
    let Some(body) = options.body else {
        return Err(cursor.error(place, "no function body specified"));
    };
    Ok(Statement::Function(CreateFunction {
        name,
        or_replace,
        parameters,
        returns: options.returns,
        volatility: options.volatility,
        strict: options.strict,
        rows_one: options.rows_one,
        security_definer: options.security_definer,
        search_path: options.search_path,
        body: body_statements(cursor, body)?,
    }))
}

fn refuse_language(cursor: &Cursor<'_>, language: &Word) -> crate::Diagnostic {
    cursor.refuse(
        language.place,
        format!("functions in language \"{}\" are not supported", language.text),
        "write the function in SQL: language sql",
    )
}

/// `(parameter, …)`, possibly empty.
fn parameters(cursor: &mut Cursor<'_>) -> Parsed<Vec<ParameterDefinition>> {
    cursor.expect_token(&Token::LParen)?;
    if cursor.eat_token(&Token::RParen) {
        return Ok(Vec::new());
    }
    let parameters = cursor.list(parameter)?;
    cursor.expect_token(&Token::RParen)?;
    Ok(parameters)
}

fn parameter(cursor: &mut Cursor<'_>) -> Parsed<ParameterDefinition> {
    let mut mode = mode(cursor);
    let name = if at_parameter_name(cursor) { Some(cursor.label()?) } else { None };
    if mode.is_none() {
        mode = self::mode(cursor);
    }
    let ty = cursor.type_name()?;
    let default =
        if cursor.eat(&["default"]) || cursor.eat_token(&Token::Eq) || cursor.eat_token(&Token::Assignment) {
            Some(cursor.expression()?)
        } else {
            None
        };
    Ok(ParameterDefinition { mode: mode.unwrap_or(ParameterMode::In), name, ty, default })
}

fn mode(cursor: &mut Cursor<'_>) -> Option<ParameterMode> {
    if cursor.eat(&["in", "out"]) {
        return Some(ParameterMode::InOut);
    }
    cursor.eat_one_of(&["in", "out", "inout", "variadic"]).map(|word| match word {
        "out" => ParameterMode::Out,
        "inout" => ParameterMode::InOut,
        "variadic" => ParameterMode::Variadic,
        _ => ParameterMode::In,
    })
}

/// Whether the next word is a parameter's name: it is when a type follows it, and it is not the first word of a longer type.
fn at_parameter_name(cursor: &Cursor<'_>) -> bool {
    const LONG_TYPES: [(&str, &[&str]); 7] = [
        ("double", &["precision"]),
        ("character", &["varying"]),
        ("char", &["varying"]),
        ("bit", &["varying"]),
        ("timestamp", &["with", "without"]),
        ("time", &["with", "without"]),
        ("interval", &["year", "month", "day", "hour", "minute", "second"]),
    ];
    if !matches!(cursor.peek(), Token::Word(_)) {
        return false;
    }
    let next = cursor.peek_nth(1);
    let another_word = matches!(next.token, Token::Word(_)) && !is_word(next, "default");
    let long_type = LONG_TYPES
        .iter()
        .any(|(first, rest)| cursor.is(&[first]) && rest.iter().any(|word| is_word(next, word)));
    another_word && !long_type
}

/// `name(arguments)` as `grant`, `revoke` and `comment` write it.
pub(super) fn signature(cursor: &mut Cursor<'_>) -> Parsed<Signature> {
    let name = cursor.name()?;
    let arguments = if *cursor.peek() == Token::LParen { Some(parameters(cursor)?) } else { None };
    Ok(Signature { name, arguments })
}

/// After `returns`.
fn returns(cursor: &mut Cursor<'_>) -> Parsed<ReturnsDefinition> {
    if cursor.eat(&["void"]) {
        return Ok(ReturnsDefinition::Void);
    }
    if cursor.eat(&["table"]) {
        let columns = cursor.parenthesized(|cursor| Ok((cursor.label()?, cursor.type_name()?)))?;
        return Ok(ReturnsDefinition::Table(columns));
    }
    let set = cursor.eat(&["setof"]);
    if cursor.eat(&["record"]) {
        return Ok(ReturnsDefinition::Record { set });
    }
    let ty = cursor.type_name()?;
    if ty.serial {
        return Err(cursor.refuse(ty.place, "a result cannot be serial", "write integer or bigint"));
    }
    Ok(ReturnsDefinition::Type { ty, set })
}

fn option(cursor: &mut Cursor<'_>, options: &mut Options) -> Parsed<()> {
    let place = cursor.place();
    if cursor.eat(&["language"]) {
        options.language = Some(match cursor.string() {
            Ok((text, _)) => Word { text: text.to_ascii_lowercase(), place },
            Err(_) => cursor.label()?,
        });
    } else if let Some(word) = cursor.eat_one_of(&["immutable", "stable", "volatile"]) {
        options.volatility = match word {
            "immutable" => Volatility::Immutable,
            "stable" => Volatility::Stable,
            _ => Volatility::Volatile,
        };
    } else if cursor.eat(&["strict"]) || cursor.eat(&["returns", "null", "on", "null", "input"]) {
        options.strict = true;
    } else if cursor.eat(&["called", "on", "null", "input"]) {
        options.strict = false;
    } else if cursor.eat(&["external", "security", "definer"]) || cursor.eat(&["security", "definer"]) {
        options.security_definer = true;
    } else if cursor.eat(&["external", "security", "invoker"]) || cursor.eat(&["security", "invoker"]) {
        options.security_definer = false;
    } else if cursor.eat(&["leakproof"]) || cursor.eat(&["not", "leakproof"]) {
        // Says only which plans are allowed.
    } else if cursor.eat(&["parallel"]) {
        cursor.label()?;
    } else if cursor.eat(&["cost"]) {
        cursor.next();
    } else if cursor.eat(&["rows"]) {
        // How many there are matters to the optimiser, except that one row is a row and not a set to the API.
        let rows = cursor.next();
        options.rows_one = matches!(rows.token, Token::Number(ref rows, _) if rows.parse::<f64>().is_ok_and(|rows| rows == 1.0));
    } else if cursor.eat(&["set"]) {
        set_option(cursor, options)?;
    } else if cursor.eat(&["as"]) {
        let (text, start) = cursor.string()?;
        if *cursor.peek() == Token::Comma {
            return Err(cursor.refuse(
                place,
                "functions in object files are not supported",
                "write the body in SQL",
            ));
        }
        set_body(cursor, options, place, Body::Text(text, start))?;
    } else if cursor.is(&["return"]) {
        let tokens = return_tokens(cursor);
        set_body(cursor, options, place, Body::Tokens(tokens))?;
    } else if cursor.eat(&["begin", "atomic"]) {
        let tokens = atomic_tokens(cursor)?;
        set_body(cursor, options, place, Body::Tokens(tokens))?;
    } else if cursor.is(&["window"]) || cursor.is(&["transform"]) || cursor.is(&["support"]) {
        return Err(cursor.refuse(place, "this option of functions is not supported", "leave it out"));
    } else {
        return Err(cursor.unexpected("an option of the function, or its body"));
    }
    Ok(())
}

fn set_body(cursor: &Cursor<'_>, options: &mut Options, place: Place, body: Body) -> Parsed<()> {
    if options.body.replace(body).is_some() {
        return Err(cursor.error(place, "conflicting or redundant options"));
    }
    Ok(())
}

/// After `set`: only `search_path`.
fn set_option(cursor: &mut Cursor<'_>, options: &mut Options) -> Parsed<()> {
    let name = cursor.label()?;
    if name.text != "search_path" {
        return Err(cursor.refuse(
            name.place,
            format!("set {} is not supported on a function", name.text),
            "only search_path can be set",
        ));
    }
    if cursor.eat(&["from", "current"]) {
        return Ok(());
    }
    if !cursor.eat_token(&Token::Eq) {
        cursor.expect(&["to"])?;
    }
    let schemas = cursor.list(|cursor| match cursor.string() {
        Ok((text, _)) => Ok(text),
        Err(_) => Ok(cursor.label()?.text),
    })?;
    let looked_in = schemas
        .into_iter()
        .filter(|schema| !schema.is_empty() && schema != "pg_temp" && schema != "pg_catalog");
    options.search_path = Some(looked_in.collect());
    Ok(())
}

/// `return expression`, read as `select expression`.
fn return_tokens(cursor: &mut Cursor<'_>) -> Vec<TokenWithSpan> {
    let mut tokens = Vec::new();
    while !cursor.at_end() {
        let mut token = cursor.next();
        if tokens.is_empty() {
            token.token = select_word();
        }
        tokens.push(token);
    }
    tokens
}

fn select_word() -> Token {
    Token::Word(TokenWord { value: "select".to_owned(), quote_style: None, keyword: Keyword::SELECT })
}

/// After `begin atomic`: everything before its `end`.
fn atomic_tokens(cursor: &mut Cursor<'_>) -> Parsed<Vec<TokenWithSpan>> {
    let mut tokens = Vec::new();
    let mut nesting = 1usize;
    loop {
        if cursor.at_end() {
            return Err(cursor.unexpected("END"));
        }
        let token = cursor.next();
        if is_word(&token, "case") {
            nesting += 1;
        } else if is_word(&token, "end") {
            nesting -= 1;
        }
        if nesting == 0 {
            return Ok(tokens);
        }
        tokens.push(token);
    }
}

/// The statements of a body.
fn body_statements(cursor: &Cursor<'_>, body: Body) -> Parsed<Vec<BodyStatement>> {
    let tokens = match body {
        Body::Tokens(tokens) => tokens,
        Body::Text(text, start) => {
            files::tokenize(&text, start).map_err(|(place, message)| cursor.error(place, message))?
        }
    };
    let mut statements = Vec::new();
    for mut tokens in split_body(tokens) {
        if let Some(first) = tokens.first_mut().filter(|first| is_word(first, "return")) {
            first.token = select_word();
        }
        statements.push(body_statement(&mut cursor.over(tokens)?)?);
    }
    Ok(statements)
}

fn split_body(tokens: Vec<TokenWithSpan>) -> Vec<Vec<TokenWithSpan>> {
    let mut statements: Vec<Vec<TokenWithSpan>> = Vec::new();
    let mut current = Vec::new();
    for token in tokens {
        if token.token == Token::SemiColon {
            statements.push(std::mem::take(&mut current));
        } else {
            current.push(token);
        }
    }
    statements.push(current);
    statements.retain(|statement| !statement.is_empty());
    statements
}

fn body_statement(cursor: &mut Cursor<'_>) -> Parsed<BodyStatement> {
    let place = cursor.place();
    const ALLOWED: [&str; 6] = ["select", "with", "values", "insert", "update", "delete"];
    let allowed = *cursor.peek() == Token::LParen || ALLOWED.iter().any(|word| cursor.is(&[word]));
    if !allowed {
        const OTHERS: [&str; 13] = [
            "create", "alter", "drop", "truncate", "merge", "copy", "grant", "revoke", "set", "do", "call",
            "lock", "table",
        ];
        return Err(match OTHERS.iter().find(|word| cursor.is(&[word])) {
            Some(word) => cursor.refuse(
                place,
                format!("{word} is not supported in a function"),
                "a function's body is made of select, insert, update and delete",
            ),
            None => cursor.unexpected("SELECT, INSERT, UPDATE or DELETE"),
        });
    }
    let ast = cursor.statement()?;
    cursor.expect_end()?;
    Ok(BodyStatement { place, ast })
}
