//! Output: the only place that prints.
//!
//! A reader that goes away (`affiant list | head`) ends the printing, not with an error.

use std::io::{self, IsTerminal, Write};

use serde_json::{Value as Json, json};

use super::failure::Failure;

/// Prints a line to standard output.
pub(super) fn line(text: &str) {
    write_or_leave(io::stdout().lock(), text);
}

/// Prints bytes to standard output as they are.
pub(super) fn bytes(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    if stdout.write_all(bytes).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Prints a JSON value as a line to standard output.
pub(super) fn json(value: &Json) {
    line(&value.to_string());
}

/// Prints a line to standard error.
pub(super) fn remark(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}"); // Nobody is left to tell when standard error is closed.
}

/// Prints why a command did not do what was asked.
pub(super) fn failure(failure: &Failure, as_json: bool) {
    if as_json {
        json(&json!({ "error": failure.message, "hint": failure.hint, "exit_code": failure.code }));
    }
    remark(&format!("affiant: {}", failure.message));
    if let Some(hint) = &failure.hint {
        remark(&format!("  try: {hint}"));
    }
}

/// Says whether somebody watches standard error.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Replaces what would move a terminal's cursor: pages and records are other people's text.
pub(super) fn plain(text: &str) -> String {
    let is_harmless = |c: char| c == '\n' || c == '\t' || !(c.is_control() || is_directional(c));
    text.chars().map(|c| if is_harmless(c) { c } else { '\u{fffd}' }).collect()
}

/// Marks that turn the direction of text around and can make one address look like another.
fn is_directional(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn write_or_leave(mut target: impl Write, text: &str) {
    if writeln!(target, "{text}").and_then(|()| target.flush()).is_err() {
        std::process::exit(0);
    }
}
