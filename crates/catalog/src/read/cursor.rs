//! Walks over the tokens of one statement. Keywords are matched here by their text; expressions, queries and types are left to
//! the SQL parser, whose errors get PostgreSQL's wording and a place.

use sqlparser::ast;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::files::{DIALECT, is_word, too_long};
use super::names::{MAX_IDENTIFIER_BYTES, is_reserved};
use super::syntax::{Expression, Place, Qualified, TypeName, Word};
use crate::Diagnostic;

/// The result of reading a part of a statement.
pub(super) type Parsed<T> = Result<T, Diagnostic>;

/// A position in the tokens of one statement.
pub(super) struct Cursor<'f> {
    parser: Parser<'static>,
    path: &'f str,
    file: usize,
    /// Where the statement ends, for errors about what is missing there
    end: Place,
}

impl<'f> Cursor<'f> {
    /// At the first token of a statement, unless that is longer than can be read.
    pub fn new(path: &'f str, file: usize, tokens: Vec<TokenWithSpan>) -> Parsed<Cursor<'f>> {
        let place = |at: Location| Place { file, line: at.line, column: at.column };
        let end = tokens.last().map_or(Place { file, ..Place::default() }, |token| place(token.span.end));
        let too_long =
            too_long(&tokens).and_then(|index| tokens.get(index)).map(|token| place(token.span.start));
        let cursor =
            Cursor { parser: Parser::new(&DIALECT).with_tokens_with_locations(tokens), path, file, end };
        match too_long {
            Some(place) => Err(cursor.refuse(place, "this statement is too long", "split it into parts")),
            None => Ok(cursor),
        }
    }

    /// A cursor over other tokens of the same file.
    pub fn over(&self, tokens: Vec<TokenWithSpan>) -> Parsed<Cursor<'f>> {
        Cursor::new(self.path, self.file, tokens)
    }

    pub fn peek(&self) -> &Token {
        &self.parser.peek_token_ref().token
    }

    pub fn peek_nth(&self, n: usize) -> &TokenWithSpan {
        self.parser.peek_nth_token_ref(n)
    }

    pub fn at_end(&self) -> bool {
        *self.peek() == Token::EOF
    }

    /// The place of the next token.
    pub fn place(&self) -> Place {
        let token = self.parser.peek_token_ref();
        match token.span.start.line {
            0 => self.end,
            line => Place { file: self.file, line, column: token.span.start.column },
        }
    }

    pub fn next(&mut self) -> TokenWithSpan {
        self.parser.next_token()
    }

    /// Whether the next tokens are these keywords.
    pub fn is(&self, keywords: &[&str]) -> bool {
        keywords.iter().enumerate().all(|(n, keyword)| is_word(self.peek_nth(n), keyword))
    }

    /// Takes these keywords if they come next.
    pub fn eat(&mut self, keywords: &[&str]) -> bool {
        let found = self.is(keywords);
        if found {
            for _ in keywords {
                self.parser.advance_token();
            }
        }
        found
    }

    pub fn expect(&mut self, keywords: &[&str]) -> Parsed<()> {
        if self.eat(keywords) { Ok(()) } else { Err(self.unexpected(&keywords.join(" ").to_uppercase())) }
    }

    /// Takes the keyword that comes next, if it is one of these.
    pub fn eat_one_of<'k>(&mut self, keywords: &[&'k str]) -> Option<&'k str> {
        let found = keywords.iter().find(|keyword| self.is(&[keyword])).copied();
        if found.is_some() {
            self.parser.advance_token();
        }
        found
    }

    pub fn eat_token(&mut self, token: &Token) -> bool {
        self.parser.consume_token(token)
    }

    pub fn expect_token(&mut self, token: &Token) -> Parsed<()> {
        if self.eat_token(token) { Ok(()) } else { Err(self.unexpected(&format!("\"{token}\""))) }
    }

    /// The end of the statement, or an error about what stands there instead.
    pub fn expect_end(&self) -> Parsed<()> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected("the end of the statement")) }
    }

    /// `(item, item, …)`
    pub fn parenthesized<T>(&mut self, item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect_token(&Token::LParen)?;
        let items = self.list(item)?;
        self.expect_token(&Token::RParen)?;
        Ok(items)
    }

    /// `item, item, …`
    pub fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_token(&Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Whatever stands in the parentheses that come next.
    pub fn skip_parenthesized(&mut self) -> Parsed<()> {
        self.expect_token(&Token::LParen)?;
        let mut depth = 1usize;
        while depth > 0 {
            match self.peek() {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::EOF => return Err(self.unexpected("\")\"")),
                _ => {}
            }
            self.parser.advance_token();
        }
        Ok(())
    }

    /// A name as tables, columns and roles can have: not one of PostgreSQL's reserved words, unless quoted.
    pub fn word(&mut self) -> Parsed<Word> {
        if let Token::Word(word) = self.peek()
            && word.quote_style.is_none()
            && is_reserved(&word.value)
        {
            let hint = format!(
                "to use the word as a name, write it in double quotes: \"{}\"",
                word.value.to_lowercase()
            );
            return Err(Diagnostic { hint: Some(hint), ..self.unexpected("a name") });
        }
        self.label()
    }

    /// Any word.
    pub fn label(&mut self) -> Parsed<Word> {
        let place = self.place();
        let text = match self.peek() {
            Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_lowercase(),
            Token::Word(word) => word.value.clone(),
            _ => return Err(self.unexpected("a name")),
        };
        if text.is_empty() {
            return Err(self.error(place, "zero-length delimited identifier"));
        }
        if text.len() > MAX_IDENTIFIER_BYTES {
            return Err(Diagnostic {
                hint: Some(format!("choose a name of at most {MAX_IDENTIFIER_BYTES} bytes")),
                ..self.error(place, format!("identifier \"{text}\" is too long"))
            });
        }
        if text.contains('\0') {
            return Err(self.error(place, "a name cannot contain a null character"));
        }
        self.parser.advance_token();
        Ok(Word { text, place })
    }

    /// `name` or `schema.name`
    pub fn name(&mut self) -> Parsed<Qualified> {
        let first = self.word()?;
        if !self.eat_token(&Token::Period) {
            return Ok(Qualified { schema: None, name: first });
        }
        let name = self.label()?;
        if *self.peek() == Token::Period {
            return Err(self.error(first.place, "improper qualified name (too many dotted names)"));
        }
        Ok(Qualified { schema: Some(first), name })
    }

    /// A string constant, with the place where its content begins.
    pub fn string(&mut self) -> Parsed<(String, Place)> {
        let mut place = self.place();
        let (text, prefix) = match self.peek() {
            Token::SingleQuotedString(text) => (text.clone(), 1),
            Token::EscapedStringLiteral(text) => (text.clone(), 2),
            Token::UnicodeStringLiteral(text) => (text.clone(), 3),
            Token::DollarQuotedString(string) => {
                let tag = string.tag.as_ref().map_or(0, |tag| tag.chars().count());
                (string.value.clone(), u64::try_from(tag).unwrap_or(0).saturating_add(2))
            }
            _ => return Err(self.unexpected("a string")),
        };
        place.column = place.column.saturating_add(prefix);
        let plain = matches!(self.peek(), Token::SingleQuotedString(_));
        self.parser.advance_token();
        let mut text = text;
        // Strings one after the other are one string.
        while let (true, Token::SingleQuotedString(more)) = (plain, self.peek()) {
            text.push_str(more);
            self.parser.advance_token();
        }
        Ok((text, place))
    }

    pub fn expression(&mut self) -> Parsed<Expression> {
        let place = self.place();
        let ast = self.parse(|parser| parser.parse_expr())?;
        Ok(Expression { ast, place })
    }

    /// `(expression)`
    pub fn parenthesized_expression(&mut self) -> Parsed<Expression> {
        self.expect_token(&Token::LParen)?;
        let expression = self.expression()?;
        self.expect_token(&Token::RParen)?;
        Ok(expression)
    }

    /// The expression of a column's default. PostgreSQL ends it where a constraint begins, which the SQL parser does not know.
    pub fn default_expression(&mut self) -> Parsed<Expression> {
        let mut tokens: Vec<TokenWithSpan> = Vec::new();
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Token::EOF => break,
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket if depth > 0 => depth -= 1,
                Token::RParen | Token::RBracket => break,
                Token::Comma if depth == 0 => break,
                Token::Word(_) if depth == 0 && !tokens.is_empty() && self.at_constraint() => break,
                _ => {}
            }
            tokens.push(self.next());
        }
        if tokens.is_empty() {
            return Err(self.unexpected("an expression"));
        }
        let mut inner = self.over(tokens)?;
        let expression = inner.expression()?;
        inner.expect_end()?;
        Ok(expression)
    }

    fn at_constraint(&self) -> bool {
        const WORDS: [&str; 11] = [
            "default",
            "null",
            "check",
            "unique",
            "primary",
            "references",
            "constraint",
            "generated",
            "collate",
            "deferrable",
            "initially",
        ];
        self.is(&["not", "null"])
            || self.is(&["not", "deferrable"])
            || WORDS.iter().any(|word| self.is(&[word]))
    }

    pub fn query(&mut self) -> Parsed<Box<ast::Query>> {
        self.parse(|parser| parser.parse_query())
    }

    /// A whole statement of the data language.
    pub fn statement(&mut self) -> Parsed<ast::Statement> {
        self.parse(|parser| parser.parse_statement())
    }

    pub fn type_name(&mut self) -> Parsed<TypeName> {
        let place = self.place();
        let serial =
            match self.eat_one_of(&["serial", "serial4", "bigserial", "serial8", "smallserial", "serial2"]) {
                Some("serial" | "serial4") => Some(ast::DataType::Integer(None)),
                Some("bigserial" | "serial8") => Some(ast::DataType::BigInt(None)),
                Some(_) => Some(ast::DataType::SmallInt(None)),
                None => None,
            };
        if let Some(ast) = serial {
            if *self.peek() == Token::LBracket {
                return Err(self.error(place, "array of serial is not implemented"));
            }
            return Ok(TypeName { ast, place, serial: true });
        }
        if self.is(&["trigger"]) {
            return Err(self.refuse(
                place,
                "trigger functions are not supported",
                "use defaults, generated columns, checks and policies",
            ));
        }
        let ast = self.parse(|parser| parser.parse_data_type())?;
        Ok(TypeName { ast, place, serial: false })
    }

    /// `true`, `on`, `1`, …, or nothing at all, which is true.
    pub fn option_value(&mut self) -> Parsed<bool> {
        if !self.eat_token(&Token::Eq) {
            return Ok(true);
        }
        let text = match self.peek() {
            Token::Word(word) => word.value.to_lowercase(),
            Token::SingleQuotedString(text) => text.to_lowercase(),
            Token::Number(text, _) => text.clone(),
            _ => return Err(self.unexpected("true or false")),
        };
        let value = match text.as_str() {
            "true" | "on" | "yes" | "1" => true,
            "false" | "off" | "no" | "0" => false,
            _ => return Err(self.unexpected("true or false")),
        };
        self.parser.advance_token();
        Ok(value)
    }

    /// `syntax error at or near "…"`, with what should stand there as the hint.
    pub fn unexpected(&self, expected: &str) -> Diagnostic {
        let message = match self.peek() {
            Token::EOF => "syntax error at end of input".to_owned(),
            token => format!("syntax error at or near \"{token}\""),
        };
        Diagnostic { hint: Some(format!("expected {expected}")), ..self.error(self.place(), message) }
    }

    /// What Plinth does not do, and what to do instead.
    pub fn refuse(&self, place: Place, message: impl Into<String>, hint: impl Into<String>) -> Diagnostic {
        Diagnostic { hint: Some(hint.into()), ..self.error(place, message) }
    }

    pub fn error(&self, place: Place, message: impl Into<String>) -> Diagnostic {
        let location = crate::Location { path: self.path.to_owned(), line: place.line, column: place.column };
        Diagnostic { location, message: message.into(), hint: None }
    }

    fn parse<T>(&mut self, parse: impl FnOnce(&mut Parser<'static>) -> Result<T, ParserError>) -> Parsed<T> {
        let place = self.place();
        parse(&mut self.parser).map_err(|error| match error {
            ParserError::RecursionLimitExceeded => {
                self.refuse(place, "this is nested too deeply", "split it into parts")
            }
            ParserError::ParserError(message) | ParserError::TokenizerError(message) => {
                self.parser_error(place, &message)
            }
        })
    }

    /// The SQL parser says `Expected: a, found: b at Line: 1, Column: 2`.
    fn parser_error(&self, place: Place, message: &str) -> Diagnostic {
        let (text, found_at) = match message.rsplit_once(" at Line: ") {
            Some((text, at)) => (text, at.split_once(", Column: ")),
            None => (message, None),
        };
        let number = |text: &str| text.parse::<u64>().ok();
        let place = match found_at.and_then(|(line, column)| Some((number(line)?, number(column)?))) {
            Some((line, column)) => Place { line, column, ..place },
            None if text.ends_with("found: EOF") => self.end,
            None => place,
        };
        match text.strip_prefix("Expected: ").and_then(|text| text.rsplit_once(", found: ")) {
            Some((expected, "EOF")) => {
                self.refuse(place, "syntax error at end of input", format!("expected {expected}"))
            }
            Some((expected, found)) => self.refuse(
                place,
                format!("syntax error at or near \"{found}\""),
                format!("expected {expected}"),
            ),
            None => self.error(place, format!("syntax error: {text}")),
        }
    }
}
