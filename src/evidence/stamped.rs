//! Stamped statements: a COSE_Sign1 that carries the timestamp of its own signature (RFC 9921, `3161-ctt`).
//!
//! For exports alone: whoever takes one statement away into another system takes its time along, without the log. The
//! archive dates its log by checkpoints ([`super::anchor`]), one token for everything.
//!
//! ```text
//! 18([ << {…} >>, {270: h'3082…'}, h'…', h'…' ])     270: a TimeStampToken in DER, not a whole reply
//! ```
//!
//! Rules. The token is over the *CBOR encoding* of the signature field, its head included (RFC 9921 §3): not over the
//! signature's bytes, and not over the message. The header is unprotected, since the signature was there first; the
//! statement's entry in the log is that of the statement without it.
//!
//! To verify:
//! 1. Take the byte string under label 270; read it as a token ([`crate::timestamp::token`]).
//! 2. Encode the signature as a CBOR byte string, shortest head; compare the hash of that with the imprint.
//! 3. Verify the token for a reader who trusts its root. Its time is a *not after* for the signature.

use crate::base::cbor::{self, Value};
use crate::base::cose::{Sign1, label};
use crate::timestamp::token::{Token, TokenError};

use super::statement::Statement;

/// Returns what a token for a message is over.
#[must_use]
pub fn dated_bytes(message: &Sign1) -> Vec<u8> {
    cbor::encode_bytes(&message.signature)
}

/// Adds a token to a statement.
///
/// # Errors
/// [`TokenError::OtherImprint`] when the token is over something else.
pub fn stamp(statement: &Statement, token: &Token) -> Result<Vec<u8>, TokenError> {
    let mut message = statement.envelope().clone();
    token.check_imprint(&dated_bytes(&message))?;
    message.unprotected = Value::labelled([(label::TIMESTAMP, Value::from(token.as_bytes()))]);
    Ok(message.encode())
}

/// Takes the token out of a message, when it carries one, and checks that it is over the signature.
///
/// # Errors
/// A [`TokenError`] when what stands under the label is no token, or one over something else.
pub fn token_of(message: &Sign1) -> Result<Option<Token>, TokenError> {
    let Some(value) = message.unprotected.at_label(label::TIMESTAMP) else { return Ok(None) };
    let token = Token::parse(value.as_bytes().unwrap_or_default())?;
    token.check_imprint(&dated_bytes(message))?;
    Ok(Some(token))
}
