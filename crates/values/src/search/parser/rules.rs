//! The rules of the parser: for each state, in order, what is looked for and what is done then. A rule that only tries is followed by
//! what is done when the attempt fails.

use super::Kind;
use super::class::Class::{self, *};

/// What the parser is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    Base,
    Blank,
    AsciiWord,
    Word,
    NumWord,
    Unsigned,
    SignedFirst,
    Signed,
    UnsignedDecimalFirst,
    UnsignedDecimal,
    DecimalFirst,
    Decimal,
    VersionFirst,
    Version,
    SignedVersion,
    ExponentFirst,
    ExponentSign,
    Exponent,
    EntityFirst,
    Entity,
    EntityNumberFirst,
    EntityNumber,
    EntityHexFirst,
    EntityHex,
    EntityEnd,
    TagFirst,
    XmlFirst,
    TagCloseFirst,
    TagName,
    TagBeginEnd,
    Tag,
    TagQuote,
    TagDoubleQuote,
    TagEscape,
    TagEnd,
    CommentFirst,
    CommentLast,
    Comment,
    CommentCloseFirst,
    CommentCloseLast,
    HostDomainFirst,
    HostDomainSecond,
    HostDomain,
    PortFirst,
    Port,
    HostFirst,
    Host,
    Email,
    FileFirst,
    FileHome,
    PathFirst,
    PathFirstFirst,
    PathSecond,
    File,
    FileNext,
    UrlPathFirst,
    UrlPathStart,
    UrlPath,
    WholeUrl,
    ProtocolFirst,
    ProtocolSecond,
    ProtocolEnd,
    HyphenAsciiWordFirst,
    HyphenAsciiWord,
    HyphenWordFirst,
    HyphenWord,
    HyphenNumWordFirst,
    HyphenNumWord,
    HyphenDigits,
    Parts,
    PartsHyphen,
    WordPart,
    AsciiWordPart,
    NumWordPart,
    PartDigits,
}

/// What is done when a rule applies. All but `Again`, `Fail…` and `Found` move on by a character.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// The next state
    Go(State),
    /// The next state, with the same character
    Again(State),
    /// A state to try; when it fails, the next rule
    Try(State),
    /// The next state, and no way back before this attempt
    Settle(State),
    /// The attempt is over and was good: back to the state before, from here
    Return,
    /// The attempt is over and has failed
    Fail,
    /// The attempt has failed, and with it the one that it was made in
    FailBoth,
    /// A token ends before this character; then this state
    Found(Kind, State),
}

/// A rule.
pub(super) struct Rule {
    pub(super) class: Class,
    pub(super) action: Action,
    /// Whether a script may begin or end here
    pub(super) notices_script: bool,
}

const fn rule(class: Class, action: Action) -> Rule {
    Rule { class, action, notices_script: false }
}

const fn go(class: Class, state: State) -> Rule {
    rule(class, Action::Go(state))
}

const fn attempt(class: Class, state: State) -> Rule {
    rule(class, Action::Try(state))
}

/// Whatever else comes: the token is complete.
const fn found(kind: Kind) -> Rule {
    rule(Any, Action::Found(kind, State::Base))
}

/// The end of the text, or whatever else comes, where a host is no host.
const FAIL: Rule = rule(Any, Action::Fail);

const fn noticing(rule: Rule) -> Rule {
    Rule { notices_script: true, ..rule }
}

/// The rules of a state. The last one of each applies to everything.
pub(super) fn rules(state: State) -> &'static [Rule] {
    match state {
        State::Base
        | State::Blank
        | State::AsciiWord
        | State::Word
        | State::NumWord
        | State::ProtocolFirst
        | State::ProtocolSecond
        | State::ProtocolEnd => words(state),
        State::Unsigned
        | State::SignedFirst
        | State::Signed
        | State::UnsignedDecimalFirst
        | State::UnsignedDecimal
        | State::DecimalFirst
        | State::Decimal
        | State::VersionFirst
        | State::Version
        | State::SignedVersion
        | State::ExponentFirst
        | State::ExponentSign
        | State::Exponent => numbers(state),
        State::EntityFirst
        | State::Entity
        | State::EntityNumberFirst
        | State::EntityNumber
        | State::EntityHexFirst
        | State::EntityHex
        | State::EntityEnd
        | State::TagFirst
        | State::XmlFirst
        | State::TagCloseFirst
        | State::TagName
        | State::TagBeginEnd
        | State::Tag
        | State::TagQuote
        | State::TagDoubleQuote
        | State::TagEscape
        | State::TagEnd
        | State::CommentFirst
        | State::CommentLast
        | State::Comment
        | State::CommentCloseFirst
        | State::CommentCloseLast => markup(state),
        State::HostDomainFirst
        | State::HostDomainSecond
        | State::HostDomain
        | State::PortFirst
        | State::Port
        | State::HostFirst
        | State::Host
        | State::Email
        | State::UrlPathFirst
        | State::UrlPathStart
        | State::UrlPath
        | State::WholeUrl => addresses(state),
        State::FileFirst
        | State::FileHome
        | State::PathFirst
        | State::PathFirstFirst
        | State::PathSecond
        | State::File
        | State::FileNext => files(state),
        _ => compounds(state),
    }
}

fn words(state: State) -> &'static [Rule] {
    match state {
        State::Base => {
            const {
                &[
                    attempt(Is(b'<'), State::TagFirst),
                    go(Ignored, State::Blank),
                    go(AsciiLetter, State::AsciiWord),
                    go(Letter, State::Word),
                    go(Digit, State::Unsigned),
                    attempt(Is(b'-'), State::SignedFirst),
                    attempt(Is(b'+'), State::SignedFirst),
                    attempt(Is(b'&'), State::EntityFirst),
                    attempt(Is(b'~'), State::FileHome),
                    attempt(Is(b'/'), State::FileFirst),
                    attempt(Is(b'.'), State::PathFirstFirst),
                    go(Any, State::Blank),
                ]
            }
        }
        State::AsciiWord => {
            const {
                &[
                    go(AsciiLetter, State::AsciiWord),
                    attempt(Is(b'.'), State::HostDomainFirst),
                    attempt(Is(b'.'), State::FileNext),
                    attempt(Is(b'-'), State::HostFirst),
                    attempt(Is(b'-'), State::HyphenAsciiWordFirst),
                    attempt(Is(b'_'), State::HostFirst),
                    attempt(Is(b'@'), State::Email),
                    attempt(Is(b':'), State::ProtocolFirst),
                    attempt(Is(b'/'), State::FileFirst),
                    attempt(Digit, State::Host),
                    go(Digit, State::NumWord),
                    go(Letter, State::Word),
                    go(Mark, State::Word),
                    found(Kind::AsciiWord),
                ]
            }
        }
        State::Word => {
            const {
                &[
                    go(Letter, State::Word),
                    go(Mark, State::Word),
                    go(Digit, State::NumWord),
                    attempt(Is(b'-'), State::HyphenWordFirst),
                    found(Kind::Word),
                ]
            }
        }
        State::NumWord => {
            const {
                &[
                    go(LetterOrDigit, State::NumWord),
                    go(Mark, State::NumWord),
                    attempt(Is(b'@'), State::Email),
                    attempt(Is(b'/'), State::FileFirst),
                    attempt(Is(b'.'), State::FileNext),
                    attempt(Is(b'-'), State::HyphenNumWordFirst),
                    found(Kind::NumWord),
                ]
            }
        }
        State::ProtocolFirst => const { &[go(Is(b'/'), State::ProtocolSecond), FAIL] },
        State::ProtocolSecond => const { &[go(Is(b'/'), State::ProtocolEnd), FAIL] },
        State::ProtocolEnd => const { &[found(Kind::Protocol)] },
        _ => {
            const {
                &[
                    rule(End, Action::Found(Kind::Blank, State::Base)),
                    rule(Is(b'<'), Action::Found(Kind::Blank, State::Base)),
                    go(Ignored, State::Blank),
                    rule(Is(b'-'), Action::Found(Kind::Blank, State::Base)),
                    rule(Is(b'+'), Action::Found(Kind::Blank, State::Base)),
                    rule(Is(b'&'), Action::Found(Kind::Blank, State::Base)),
                    rule(Is(b'/'), Action::Found(Kind::Blank, State::Base)),
                    go(Other, State::Blank),
                    found(Kind::Blank),
                ]
            }
        }
    }
}

fn numbers(state: State) -> &'static [Rule] {
    match state {
        State::Unsigned => {
            const {
                &[
                    go(Digit, State::Unsigned),
                    attempt(Is(b'.'), State::HostDomainFirst),
                    attempt(Is(b'.'), State::UnsignedDecimalFirst),
                    attempt(Is(b'e'), State::ExponentFirst),
                    attempt(Is(b'E'), State::ExponentFirst),
                    attempt(Is(b'-'), State::HostFirst),
                    attempt(Is(b'_'), State::HostFirst),
                    attempt(Is(b'@'), State::Email),
                    attempt(AsciiLetter, State::Host),
                    go(Letter, State::NumWord),
                    go(Mark, State::NumWord),
                    attempt(Is(b'/'), State::FileFirst),
                    found(Kind::Uint),
                ]
            }
        }
        State::SignedFirst => const { &[go(Digit, State::Signed), FAIL] },
        State::Signed => {
            const {
                &[
                    go(Digit, State::Signed),
                    attempt(Is(b'.'), State::DecimalFirst),
                    attempt(Is(b'e'), State::ExponentFirst),
                    attempt(Is(b'E'), State::ExponentFirst),
                    found(Kind::Int),
                ]
            }
        }
        State::UnsignedDecimalFirst => const { &[go(Digit, State::UnsignedDecimal), FAIL] },
        State::UnsignedDecimal => {
            const {
                &[
                    go(Digit, State::UnsignedDecimal),
                    attempt(Is(b'.'), State::VersionFirst),
                    attempt(Is(b'e'), State::ExponentFirst),
                    attempt(Is(b'E'), State::ExponentFirst),
                    found(Kind::Float),
                ]
            }
        }
        State::DecimalFirst => const { &[rule(Digit, Action::Settle(State::Decimal)), FAIL] },
        State::Decimal => {
            const {
                &[
                    go(Digit, State::Decimal),
                    attempt(Is(b'.'), State::SignedVersion),
                    attempt(Is(b'e'), State::ExponentFirst),
                    attempt(Is(b'E'), State::ExponentFirst),
                    found(Kind::Float),
                ]
            }
        }
        State::VersionFirst => const { &[go(Digit, State::Version), FAIL] },
        State::Version => {
            const { &[go(Digit, State::Version), attempt(Is(b'.'), State::VersionFirst), found(Kind::Version)] }
        }
        // A version has no sign.
        State::SignedVersion => const { &[rule(Digit, Action::FailBoth), FAIL] },
        State::ExponentFirst => {
            const {
                &[
                    go(Digit, State::Exponent),
                    go(Is(b'+'), State::ExponentSign),
                    go(Is(b'-'), State::ExponentSign),
                    FAIL,
                ]
            }
        }
        State::ExponentSign => const { &[go(Digit, State::Exponent), FAIL] },
        _ => const { &[go(Digit, State::Exponent), found(Kind::Sfloat)] },
    }
}

fn markup(state: State) -> &'static [Rule] {
    match state {
        State::EntityFirst => {
            const {
                &[
                    go(Is(b'#'), State::EntityNumberFirst),
                    go(AsciiLetter, State::Entity),
                    go(Is(b':'), State::Entity),
                    go(Is(b'_'), State::Entity),
                    FAIL,
                ]
            }
        }
        State::Entity => {
            const {
                &[
                    go(LetterOrDigit, State::Entity),
                    go(Is(b':'), State::Entity),
                    go(Is(b'_'), State::Entity),
                    go(Is(b'.'), State::Entity),
                    go(Is(b'-'), State::Entity),
                    go(Is(b';'), State::EntityEnd),
                    FAIL,
                ]
            }
        }
        State::EntityNumberFirst => {
            const {
                &[
                    go(Is(b'x'), State::EntityHexFirst),
                    go(Is(b'X'), State::EntityHexFirst),
                    go(Digit, State::EntityNumber),
                    FAIL,
                ]
            }
        }
        State::EntityNumber => {
            const { &[go(Digit, State::EntityNumber), go(Is(b';'), State::EntityEnd), FAIL] }
        }
        State::EntityHexFirst => const { &[go(HexDigit, State::EntityHex), FAIL] },
        State::EntityHex => const { &[go(HexDigit, State::EntityHex), go(Is(b';'), State::EntityEnd), FAIL] },
        State::EntityEnd => const { &[found(Kind::Entity)] },
        State::TagFirst => {
            const {
                &[
                    attempt(Is(b'/'), State::TagCloseFirst),
                    attempt(Is(b'!'), State::CommentFirst),
                    attempt(Is(b'?'), State::XmlFirst),
                    attempt(AsciiLetter, State::TagName),
                    attempt(Is(b':'), State::TagName),
                    attempt(Is(b'_'), State::TagName),
                    FAIL,
                ]
            }
        }
        State::XmlFirst => const { &[go(Is(b'x'), State::Tag), go(Is(b'X'), State::Tag), FAIL] },
        State::TagCloseFirst => const { &[go(AsciiLetter, State::TagName), FAIL] },
        State::TagName => {
            const {
                &[
                    go(Is(b'/'), State::TagBeginEnd),
                    noticing(go(Is(b'>'), State::TagEnd)),
                    noticing(go(Space, State::Tag)),
                    go(LetterOrDigit, State::TagName),
                    go(Is(b':'), State::TagName),
                    go(Is(b'_'), State::TagName),
                    go(Is(b'.'), State::TagName),
                    go(Is(b'-'), State::TagName),
                    FAIL,
                ]
            }
        }
        State::TagBeginEnd => const { &[go(Is(b'>'), State::TagEnd), FAIL] },
        State::Tag => {
            const {
                &[
                    noticing(go(Is(b'>'), State::TagEnd)),
                    go(Is(b'\''), State::TagQuote),
                    go(Is(b'"'), State::TagDoubleQuote),
                    go(AsciiLetter, State::Tag),
                    go(Digit, State::Tag),
                    go(Is(b'='), State::Tag),
                    go(Is(b'-'), State::Tag),
                    go(Is(b'_'), State::Tag),
                    go(Is(b'#'), State::Tag),
                    go(Is(b'/'), State::Tag),
                    go(Is(b':'), State::Tag),
                    go(Is(b'.'), State::Tag),
                    go(Is(b'&'), State::Tag),
                    go(Is(b'?'), State::Tag),
                    go(Is(b'%'), State::Tag),
                    go(Is(b'~'), State::Tag),
                    noticing(go(Space, State::Tag)),
                    FAIL,
                ]
            }
        }
        State::TagQuote => {
            const {
                &[
                    rule(End, Action::Fail),
                    attempt(Is(b'\\'), State::TagEscape),
                    go(Is(b'\''), State::Tag),
                    go(Any, State::TagQuote),
                ]
            }
        }
        State::TagDoubleQuote => {
            const {
                &[
                    rule(End, Action::Fail),
                    attempt(Is(b'\\'), State::TagEscape),
                    go(Is(b'"'), State::Tag),
                    go(Any, State::TagDoubleQuote),
                ]
            }
        }
        State::TagEscape => const { &[rule(End, Action::Fail), rule(Any, Action::Return)] },
        State::TagEnd => const { &[found(Kind::Tag)] },
        State::CommentFirst => {
            const {
                &[
                    go(Is(b'-'), State::CommentLast),
                    // <!DOCTYPE …>
                    go(Is(b'D'), State::Tag),
                    go(Is(b'd'), State::Tag),
                    FAIL,
                ]
            }
        }
        State::CommentLast => const { &[go(Is(b'-'), State::Comment), FAIL] },
        State::Comment => {
            const { &[rule(End, Action::Fail), go(Is(b'-'), State::CommentCloseFirst), go(Any, State::Comment)] }
        }
        State::CommentCloseFirst => {
            const { &[rule(End, Action::Fail), go(Is(b'-'), State::CommentCloseLast), go(Any, State::Comment)] }
        }
        _ => {
            const {
                &[
                    rule(End, Action::Fail),
                    go(Is(b'-'), State::CommentCloseLast),
                    go(Is(b'>'), State::TagEnd),
                    go(Any, State::Comment),
                ]
            }
        }
    }
}

fn addresses(state: State) -> &'static [Rule] {
    match state {
        State::HostDomainFirst => {
            const { &[go(AsciiLetter, State::HostDomainSecond), go(Digit, State::Host), FAIL] }
        }
        State::HostDomainSecond => {
            const {
                &[
                    go(AsciiLetter, State::HostDomain),
                    attempt(Digit, State::Host),
                    attempt(Is(b'-'), State::HostFirst),
                    attempt(Is(b'_'), State::HostFirst),
                    attempt(Is(b'.'), State::HostDomainFirst),
                    attempt(Is(b'@'), State::Email),
                    FAIL,
                ]
            }
        }
        State::HostDomain => {
            const {
                &[
                    rule(End, Action::Found(Kind::Host, State::Base)),
                    go(AsciiLetter, State::HostDomain),
                    attempt(Digit, State::Host),
                    attempt(Is(b':'), State::PortFirst),
                    attempt(Is(b'-'), State::HostFirst),
                    attempt(Is(b'_'), State::HostFirst),
                    attempt(Is(b'.'), State::HostDomainFirst),
                    attempt(Is(b'@'), State::Email),
                    rule(Digit, Action::Fail),
                    rule(HostStops, Action::Found(Kind::Host, State::UrlPathStart)),
                    attempt(Is(b'/'), State::WholeUrl),
                    found(Kind::Host),
                ]
            }
        }
        State::PortFirst => const { &[go(Digit, State::Port), FAIL] },
        State::Port => {
            const {
                &[
                    rule(End, Action::Found(Kind::Host, State::Base)),
                    go(Digit, State::Port),
                    rule(HostStops, Action::Found(Kind::Host, State::UrlPathStart)),
                    attempt(Is(b'/'), State::WholeUrl),
                    found(Kind::Host),
                ]
            }
        }
        State::HostFirst => const { &[go(Digit, State::Host), go(AsciiLetter, State::Host), FAIL] },
        State::Host => {
            const {
                &[
                    go(Digit, State::Host),
                    go(AsciiLetter, State::Host),
                    attempt(Is(b'@'), State::Email),
                    attempt(Is(b'.'), State::HostDomainFirst),
                    attempt(Is(b'-'), State::HostFirst),
                    attempt(Is(b'_'), State::HostFirst),
                    FAIL,
                ]
            }
        }
        State::Email => {
            const {
                &[
                    rule(HostStops, Action::Fail),
                    rule(Class::Host, Action::Found(Kind::Email, State::Base)),
                    FAIL,
                ]
            }
        }
        State::UrlPathFirst => const { &[go(UrlCharacter, State::UrlPath), FAIL] },
        State::UrlPathStart => const { &[go(Any, State::UrlPath)] },
        State::UrlPath => const { &[go(UrlCharacter, State::UrlPath), found(Kind::UrlPath)] },
        _ => const { &[rule(Class::UrlPath, Action::Found(Kind::Url, State::Base)), FAIL] },
    }
}

fn files(state: State) -> &'static [Rule] {
    match state {
        State::FileFirst => {
            const {
                &[
                    go(AsciiLetter, State::File),
                    go(Digit, State::File),
                    go(Is(b'.'), State::PathFirst),
                    go(Is(b'_'), State::File),
                    attempt(Is(b'~'), State::FileHome),
                    FAIL,
                ]
            }
        }
        State::FileHome => {
            const {
                &[
                    go(AsciiLetter, State::File),
                    go(Digit, State::File),
                    go(Is(b'_'), State::File),
                    go(Is(b'/'), State::FileFirst),
                    FAIL,
                ]
            }
        }
        State::PathFirst => {
            const {
                &[
                    go(AsciiLetter, State::File),
                    go(Digit, State::File),
                    go(Is(b'_'), State::File),
                    go(Is(b'.'), State::PathSecond),
                    go(Is(b'/'), State::FileFirst),
                    FAIL,
                ]
            }
        }
        State::PathFirstFirst => {
            const { &[go(Is(b'.'), State::PathSecond), go(Is(b'/'), State::FileFirst), FAIL] }
        }
        State::PathSecond => {
            const {
                &[
                    rule(End, Action::Found(Kind::File, State::Base)),
                    attempt(Is(b'/'), State::FileFirst),
                    rule(Is(b'/'), Action::Found(Kind::File, State::Base)),
                    rule(Space, Action::Found(Kind::File, State::Base)),
                    FAIL,
                ]
            }
        }
        State::File => {
            const {
                &[
                    go(AsciiLetter, State::File),
                    go(Digit, State::File),
                    attempt(Is(b'.'), State::FileNext),
                    go(Is(b'_'), State::File),
                    go(Is(b'-'), State::File),
                    attempt(Is(b'/'), State::FileFirst),
                    found(Kind::File),
                ]
            }
        }
        _ => {
            const { &[go(AsciiLetter, State::File), go(Digit, State::File), go(Is(b'_'), State::File), FAIL] }
        }
    }
}

fn compounds(state: State) -> &'static [Rule] {
    const ASCII: Rule = rule(Any, Action::Found(Kind::Asciihword, State::Parts));
    const ANY: Rule = rule(Any, Action::Found(Kind::Hword, State::Parts));
    const NUM: Rule = rule(Any, Action::Found(Kind::Numhword, State::Parts));
    match state {
        State::HyphenAsciiWordFirst => {
            const {
                &[
                    go(AsciiLetter, State::HyphenAsciiWord),
                    go(Letter, State::HyphenWord),
                    go(Digit, State::HyphenDigits),
                    FAIL,
                ]
            }
        }
        State::HyphenAsciiWord => {
            const {
                &[
                    go(AsciiLetter, State::HyphenAsciiWord),
                    go(Letter, State::HyphenWord),
                    go(Mark, State::HyphenWord),
                    go(Digit, State::HyphenNumWord),
                    attempt(Is(b'-'), State::HyphenAsciiWordFirst),
                    ASCII,
                ]
            }
        }
        State::HyphenWordFirst => {
            const { &[go(Letter, State::HyphenWord), go(Digit, State::HyphenDigits), FAIL] }
        }
        State::HyphenWord => {
            const {
                &[
                    go(Letter, State::HyphenWord),
                    go(Mark, State::HyphenWord),
                    go(Digit, State::HyphenNumWord),
                    attempt(Is(b'-'), State::HyphenWordFirst),
                    ANY,
                ]
            }
        }
        State::HyphenNumWordFirst => {
            const { &[go(Letter, State::HyphenNumWord), go(Digit, State::HyphenDigits), FAIL] }
        }
        State::HyphenNumWord => {
            const {
                &[
                    go(LetterOrDigit, State::HyphenNumWord),
                    go(Mark, State::HyphenNumWord),
                    attempt(Is(b'-'), State::HyphenNumWordFirst),
                    NUM,
                ]
            }
        }
        State::HyphenDigits => {
            const {
                &[
                    go(Digit, State::HyphenDigits),
                    go(Letter, State::HyphenNumWord),
                    go(Mark, State::HyphenNumWord),
                    FAIL,
                ]
            }
        }
        State::Parts => {
            const {
                &[
                    go(AsciiLetter, State::AsciiWordPart),
                    go(Letter, State::WordPart),
                    attempt(Digit, State::PartDigits),
                    attempt(Is(b'-'), State::PartsHyphen),
                    rule(Any, Action::Again(State::Base)),
                ]
            }
        }
        State::PartsHyphen => {
            const {
                &[
                    rule(LetterOrDigit, Action::Found(Kind::Blank, State::Parts)),
                    rule(Mark, Action::Found(Kind::Blank, State::Parts)),
                    FAIL,
                ]
            }
        }
        State::WordPart => {
            const {
                &[
                    go(Letter, State::WordPart),
                    go(Mark, State::WordPart),
                    go(Digit, State::NumWordPart),
                    rule(Any, Action::Found(Kind::HwordPart, State::Parts)),
                ]
            }
        }
        State::AsciiWordPart => {
            const {
                &[
                    go(AsciiLetter, State::AsciiWordPart),
                    go(Letter, State::WordPart),
                    go(Mark, State::WordPart),
                    go(Digit, State::NumWordPart),
                    rule(Any, Action::Found(Kind::HwordAsciipart, State::Parts)),
                ]
            }
        }
        State::NumWordPart => {
            const {
                &[
                    go(LetterOrDigit, State::NumWordPart),
                    go(Mark, State::NumWordPart),
                    rule(Any, Action::Found(Kind::HwordNumpart, State::Parts)),
                ]
            }
        }
        _ => {
            const {
                &[
                    go(Digit, State::PartDigits),
                    go(Letter, State::NumWordPart),
                    go(Mark, State::NumWordPart),
                    FAIL,
                ]
            }
        }
    }
}
