//! Holds the floors.
//!
//! | floor | modules           | knows                                   |
//! |-------|-------------------|-----------------------------------------|
//! | 7     | `main`            | everything below                        |
//! | 6     | `cli`, `server`   | everything below                        |
//! | 5     | `archivist`       | everything below                        |
//! | 4     | `outside`         | everything below                        |
//! | 3     | `evidence`        | everything below; no effects from here  |
//! | 2     | `document`        | `base`                                  |
//! | 1     | `log`, `timestamp` | `base`                                 |
//! | 0     | `base`            | itself                                  |
//!
//! Source: design §6 and style §1, §3 and §5. It reads `src` as text: comments and literals are blanked,
//! what stands under `#[cfg(test)]` is left out of the floors. It cannot see through a macro that builds a
//! path, nor a method that has an effect behind a harmless name; `cargo check --no-default-features`
//! shows that the pure floors build without any crate that could have one.

use std::fs;
use std::path::{Path, PathBuf};

/// Every module that stands directly under `src`, with its floor.
const FLOORS: [(&str, u8); 10] = [
    ("base", 0),
    ("log", 1),
    ("timestamp", 1),
    ("document", 2),
    ("evidence", 3),
    ("outside", 4),
    ("archivist", 5),
    ("cli", 6),
    ("server", 6),
    ("main", 7),
];

/// Below this floor there are no effects.
const EFFECTS_FLOOR: u8 = 4;

/// Modules that do not know one another, although one stands above the other.
const STRANGERS: [&str; 3] = ["log", "timestamp", "document"];

/// Words that have not found their noun yet (style §3).
const EMPTY_WORDS: [&str; 8] = ["manager", "helper", "util", "data", "info", "handler", "process", "item"];

/// Names that other people's traits ask for.
const FOREIGN_NAMES: [&str; 1] = ["Item"]; // The standard library's `Iterator`.

/// Paths that lead to an effect. Those that name only addresses in `std::net` are values.
const EFFECTS: [&str; 14] = [
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "chrono::Local",
    "getrandom",
    "rand",
    "tokio",
];
const ADDRESS_VALUES: [&str; 7] =
    ["IpAddr", "Ipv4Addr", "Ipv6Addr", "SocketAddr", "SocketAddrV4", "SocketAddrV6", "AddrParseError"];

/// Names that are an effect wherever they come from.
const EFFECT_NAMES: [&str; 5] = ["Instant", "SystemTime", "OsRng", "ThreadRng", "thread_rng"];
const PRINT_MACROS: [&str; 5] = ["dbg", "eprint", "eprintln", "print", "println"];

#[test]
fn every_source_keeps_to_its_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    list(&root, &mut files);
    assert!(files.len() > 60, "only {} files were found", files.len());
    let mut faults = Vec::new();
    for file in &files {
        let name = file.strip_prefix(&root).expect("it was found there").to_str().expect("our names are ASCII");
        let source = fs::read_to_string(file).unwrap_or_else(|error| panic!("{name}: {error}"));
        faults.extend(check(name, &source).into_iter().map(|fault| format!("src/{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
}

/// Returns what is wrong with a source, by its name below `src`.
fn check(name: &str, source: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !source.starts_with("//! ") {
        faults.push("does not begin with its page, `//!`".to_owned());
    }
    let blanked = blank(source);
    let tokens = tokens(&blanked);
    faults.extend(check_words(name, &tokens));
    if name == "lib.rs" {
        return faults;
    }
    let modules: Vec<&str> =
        name.trim_end_matches(".rs").trim_end_matches("/mod").split('/').filter(|part| !part.is_empty()).collect();
    let Some(floor) = floor_of(modules[0]) else {
        faults.push(format!("`{}` has no floor; give it one in tests/tidy.rs", modules[0]));
        return faults;
    };
    let tokens = without_tests(&tokens);
    for path in paths(&tokens) {
        faults.extend(check_path(&modules, floor, &path));
    }
    if floor < EFFECTS_FLOOR {
        faults.extend(check_effects(&tokens));
    }
    faults
}

fn floor_of(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn check_path(modules: &[&str], floor: u8, path: &UsePath) -> Option<String> {
    let here = modules[0];
    let shown = path.parts.join("::");
    let there = match path.parts.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["crate" | "affiant", there, ..] => *there,
        ["super", ..] => {
            let climbed = path.parts.iter().take_while(|part| *part == "super").count();
            return (climbed >= modules.len()).then(|| format!("`{shown}` leaves its floor by `super`; say `crate`"));
        }
        parts if floor < EFFECTS_FLOOR => {
            return is_effect(parts).then(|| format!("`{shown}` is an effect, which begin on floor {EFFECTS_FLOOR}"));
        }
        _ => return None,
    };
    let Some(floor_there) = floor_of(there) else {
        return Some(format!("`{shown}` names no floor; see tests/tidy.rs"));
    };
    if floor_there > floor {
        return Some(format!("`{shown}` is on floor {floor_there}, above its own, {floor}"));
    }
    if here != there && STRANGERS.contains(&here) && STRANGERS.contains(&there) {
        return Some(format!("`{shown}`: `{here}` and `{there}` do not know one another"));
    }
    if here != there && path.is_public {
        return Some(format!("`pub use {shown}` lends another floor's name"));
    }
    None
}

fn is_effect(parts: &[&str]) -> bool {
    match parts {
        ["std", "net", value, ..] => !ADDRESS_VALUES.contains(value),
        _ => EFFECTS
            .iter()
            .any(|effect| effect.split("::").zip(parts).filter(|(a, b)| a == *b).count() == effect.split("::").count()),
    }
}

fn check_effects(tokens: &[&str]) -> Vec<String> {
    let named =
        tokens.iter().filter(|token| EFFECT_NAMES.contains(token)).map(|token| format!("`{token}` is an effect"));
    let printed = tokens
        .windows(2)
        .filter(|pair| pair[1] == "!" && PRINT_MACROS.contains(&pair[0]))
        .map(|pair| format!("`{}!` prints", pair[0]));
    named.chain(printed).collect()
}

fn check_words(name: &str, tokens: &[&str]) -> Vec<String> {
    let is_definition = |word: &str| {
        matches!(
            word,
            "const" | "enum" | "fn" | "macro_rules" | "mod" | "static" | "struct" | "trait" | "type" | "union"
        )
    };
    let defined = tokens.windows(2).filter(|pair| is_definition(pair[0])).map(|pair| pair[1]);
    let files = name.trim_end_matches(".rs").split('/');
    files
        .chain(defined)
        .filter(|name| !FOREIGN_NAMES.contains(name))
        .filter_map(|name| {
            let word = words(name).into_iter().find(|word| EMPTY_WORDS.contains(&word.trim_end_matches('s')))?;
            Some(format!("`{name}`: `{word}` is no noun for it yet"))
        })
        .collect()
}

/// Parts an identifier into its words, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if c == '_' || (c.is_ascii_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        if let Some(word) = words.last_mut().filter(|_| c != '_') {
            word.push(c.to_ascii_lowercase());
        }
    }
    words
}

/// One path that a source names, and whether `pub use` does.
struct UsePath {
    parts: Vec<String>,
    is_public: bool,
}

/// Finds every path of two parts or more; `a::{b, c::d}` is two.
fn paths(tokens: &[&str]) -> Vec<UsePath> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = is_name(tokens[at]) && tokens.get(at + 1) == Some(&"::") && (at == 0 || tokens[at - 1] != "::");
        if begins {
            let is_public = at >= 1 && tokens[at - 1] == "use" && is_public(&tokens[..at - 1]);
            let mut expanded = Vec::new();
            expand(tokens, &mut at, &[], &mut expanded);
            found.extend(expanded.into_iter().map(|parts| UsePath { parts, is_public }));
        } else {
            at += 1;
        }
    }
    found
}

/// Tells whether the tokens before a `use` make it visible: `pub`, `pub(crate)`.
fn is_public(before: &[&str]) -> bool {
    matches!(before, [.., "pub"] | [.., "pub", "(", _, ")"] | [.., "pub", "(", "in", _, ")"])
}

/// Reads one branch of a use tree from `at` and leaves `at` behind it.
fn expand(tokens: &[&str], at: &mut usize, before: &[String], found: &mut Vec<Vec<String>>) {
    let mut parts = before.to_vec();
    let mut is_path = false;
    while let Some(token) = tokens.get(*at) {
        if *token == "{" {
            return expand_group(tokens, at, &parts, found);
        }
        if !is_name(token) && *token != "*" {
            break;
        }
        is_path = true;
        if *token != "self" {
            parts.push((*token).to_owned());
        }
        *at += 1;
        let goes_on = |next: &&str| is_name(next) || matches!(*next, "{" | "*");
        if tokens.get(*at) != Some(&"::") || !tokens.get(*at + 1).is_some_and(goes_on) {
            break;
        }
        *at += 1;
    }
    if is_path {
        found.push(parts);
    }
}

/// Reads the branches between braces.
fn expand_group(tokens: &[&str], at: &mut usize, parts: &[String], found: &mut Vec<Vec<String>>) {
    *at += 1;
    while tokens.get(*at).is_some_and(|token| *token != "}") {
        let start = *at;
        expand(tokens, at, parts, found);
        *at += usize::from(*at == start); // A comma, or what is no use tree.
    }
    *at += 1;
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Parts a blanked source into names, `::` and single characters; `$crate` becomes `crate`.
fn tokens(source: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = source.trim_start_matches(|c: char| c.is_whitespace() || c == '$');
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = if is_part(first) {
            rest.find(|c| !is_part(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == '$');
    }
    tokens
}

/// Drops what stands under `#[cfg(test)]`, to the brace or semicolon that ends it.
fn without_tests<'s>(tokens: &[&'s str]) -> Vec<&'s str> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let [first, after @ ..] = rest {
        if let Some(marked) = rest.strip_prefix(&MARK) {
            rest = &marked[definition_length(marked)..];
            continue;
        }
        kept.push(*first);
        rest = after;
    }
    kept
}

fn definition_length(tokens: &[&str]) -> usize {
    let mut depth = 0_u32;
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(*token, ";" | "}") {
            return at + 1;
        }
    }
    tokens.len()
}

/// Blanks comments and the contents of literals, so that only code is left.
fn blank(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let after_name = code.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string(rest).filter(|_| !after_name) {
            length
        } else if first == '"' {
            quoted(rest, '"')
        } else if let Some(length) = character(rest) {
            length
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let (blanked, after) = rest.split_at(length);
        code.push_str(if first == '/' { "" } else { "\"" });
        code.extend(blanked.chars().filter(|c| *c == '\n'));
        rest = after;
    }
    code
}

/// Returns the length of a raw string such as `r#"…"#` or `br"…"`.
fn raw_string(rest: &str) -> Option<usize> {
    let start = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let inner = start.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(start.len() - inner.len()));
    let body = inner.strip_prefix('"')?;
    let length = body.find(&end)?;
    Some(rest.len() - body.len() + length + end.len())
}

/// Returns the length of a literal up to the quote that ends it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return at + 1;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    rest.len()
}

/// Returns the length of a character literal; `'a` without an end is a lifetime.
fn character(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    let first = body.chars().next()?;
    if first == '\\' {
        return Some(quoted(rest, '\''));
    }
    body[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}

#[test]
fn flags_each_breach() {
    let breaches = [
        ("base/x.rs", "use crate::log::vkey::KeyName;", "above its own"),
        ("base/x.rs", "fn f() { crate::evidence::record::Record::decode(b\"\"); }", "above its own"),
        ("log/x.rs", "use crate::{base::hash::Hash, document::{text, exchange}};", "above its own"),
        ("document/text/x.rs", "use crate::log::note;", "do not know one another"),
        ("evidence/x.rs", "use crate::outside::archive::Archive;", "above its own"),
        ("archivist/x.rs", "use crate::cli::output;", "above its own"),
        ("log/x.rs", "use super::super::base::hash;", "by `super`"),
        ("log/mod.rs", "use super::base::hash;", "by `super`"),
        ("evidence/record/mod.rs", "use super::super::outside;", "by `super`"),
        ("evidence/x.rs", "pub use crate::base::hash::Hash;", "lends"),
        ("evidence/x.rs", "pub(crate) use crate::base::{hash::Hash};", "lends"),
        ("cli/x.rs", "use crate::somewhere::Else;", "names no floor"),
        ("main.rs", "fn main() { affiant::somewhere::run() }", "names no floor"),
        ("somewhere/mod.rs", "", "has no floor"),
        ("somewhere.rs", "", "has no floor"),
        ("base/x.rs", "use std::fs;", "is an effect"),
        ("base/x.rs", "use std::{fmt, fs::File, io};", "is an effect"),
        ("log/x.rs", "fn f() { let _ = std::env::var(\"X\"); }", "is an effect"),
        ("document/x.rs", "use std::net::{IpAddr, TcpStream};", "is an effect"),
        ("document/x.rs", "use std::time::*; fn f(x: SystemTime) {}", "is an effect"),
        ("evidence/x.rs", "fn f() { let x = '\"'; std::time::Instant::now(); let y = '\"'; }", "is an effect"),
        ("evidence/x.rs", "fn f() { getrandom::fill(&mut [0]); }", "is an effect"),
        ("evidence/x.rs", "fn f() { println!(\"{}\", r#\"\"\"#); }", "prints"),
        ("log/x.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n\nuse std::fs;", "is an effect"),
        ("log/x.rs", "#[cfg(test)]\nmod tests;\nuse std::fs;", "is an effect"),
        ("cli/x.rs", "struct CaptureManager;", "`manager` is no noun"),
        ("cli/x.rs", "fn read_data() {}", "`data` is no noun"),
        ("outside/helpers.rs", "", "`helpers` is no noun"),
        ("outside/util/mod.rs", "", "`util` is no noun"),
    ];
    for (name, source, expected) in breaches {
        let faults = check(name, &format!("//! A page.\n{source}"));
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{name}: {source}: {faults:?}");
    }
    assert!(check("base/x.rs", "fn f() {}")[0].contains("does not begin with its page"));
}

#[test]
fn lets_everything_else_be() {
    let sources = [
        ("base/x.rs", "use crate::base::hash::Hash;\nuse std::net::{IpAddr, SocketAddr};\nuse super::hash;"),
        (
            "base/x.rs",
            "// use std::fs;\n/* crate::cli::run() */ const A: &str = \"std::fs\\\"\"; const B: &str = r\"println!\";",
        ),
        (
            "log/x.rs",
            "use super::note;\n#[cfg(test)]\nmod tests {\n    use crate::cli::x;\n    fn f() { println!(); }\n}",
        ),
        ("log/tree/x.rs", "use super::super::note;\nfn f<'a>(x: &'a str) -> &'a str { x }"),
        ("evidence/x.rs", "use crate::{base::hash, document, log::vkey::KeyName};\npub use kind::Capture;"),
        ("outside/x.rs", "use std::{env, fs, process, time::SystemTime};\nfn f() { tokio::spawn(g()); }"),
        ("cli/x.rs", "struct Metadata; fn processed() {} const DATABASE: u8 = 0; fn f(data: u8) { data::<u8>(); }"),
        ("main.rs", "fn main() { affiant::cli::run(std::env::args_os()) }"),
        ("lib.rs", "pub mod base;"),
    ];
    for (name, source) in sources {
        assert_eq!(check(name, &format!("//! A page.\n{source}")), Vec::<String>::new(), "{name}: {source}");
    }
}
