//! Replies: what an authority sends back, and whether it is an answer to what was asked.
//!
//! | quantity | unit  | range                        |
//! |----------|-------|------------------------------|
//! | reply    | bytes | at most [`SIZE_BYTES_MAX`]   |
//!
//! Source: RFC 3161 §2.4.2. A bare token, which some archives keep under the name of a reply, is told apart and
//! refused by that name.

use super::algorithm::Digest;
use super::der::{BIT_STRING, DerError, INTEGER, OID, Reader, SEQUENCE};
use super::request::Request;
use super::token::{self, Token, TokenError};

/// The longest reply that is read: a token and its status.
pub const SIZE_BYTES_MAX: usize = token::SIZE_BYTES_MAX + 4096;

/// How many characters of what the authority says are shown.
const TEXT_LENGTH_MAX: usize = 400;

/// What an authority sent back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// What became of the request.
    pub status: Status,
    /// The token, when the request was granted.
    pub token: Option<Token>,
}

/// What became of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// The number: 0 granted, 1 granted with modifications.
    pub number: u64,
    /// What the authority says about it.
    pub text: String,
    /// Why it failed, by RFC 3161's name.
    pub failure: Option<&'static str>,
}

const FAILURES: [(usize, &str); 8] = [
    (0, "unrecognized or unsupported algorithm"),
    (2, "bad request"),
    (5, "bad format"),
    (14, "time not available"),
    (15, "policy not accepted"),
    (16, "extension not accepted"),
    (17, "additional information not available"),
    (25, "system failure"),
];

impl Reply {
    /// Reads a reply.
    ///
    /// # Errors
    /// [`ReplyError::BareToken`] for a token without its status; the others say where the bytes are no reply.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReplyError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(ReplyError::TooLong { found: bytes.len() });
        }
        let mut outer = Reader::new(bytes);
        let mut reply = outer.sequence()?;
        outer.finish()?;
        match reply.peek() {
            Some(OID) => return Err(ReplyError::BareToken),
            Some(INTEGER) => return Err(ReplyError::Request),
            _ => {}
        }
        let status = Status::read(reply.sequence()?)?;
        let token = if reply.is_empty() { None } else { Some(Token::parse(reply.any()?.raw)?) };
        reply.finish()?;
        Ok(Self { status, token })
    }

    /// Checks the reply against what was asked, and returns the token. Who signed it is for [`Token::verify`].
    ///
    /// # Errors
    /// A [`ReplyError`] that says what was asked and what was answered.
    pub fn check(&self, request: &Request) -> Result<&Token, ReplyError> {
        let token = self.granted()?;
        let stamped = token.timestamp();
        if stamped.digest != request.digest || stamped.imprint != request.imprint {
            return Err(ReplyError::OtherImprint {
                expected: describe(request.digest, &request.imprint),
                found: describe(stamped.digest, &stamped.imprint),
            });
        }
        if request.nonce.is_some() && stamped.nonce != request.nonce {
            let hex = |nonce: &Option<Vec<u8>>| {
                nonce.as_ref().map_or_else(|| "none".to_owned(), |nonce| data_encoding::HEXLOWER.encode(nonce))
            };
            return Err(ReplyError::OtherNonce { expected: hex(&request.nonce), found: hex(&stamped.nonce) });
        }
        if request.policy.as_ref().is_some_and(|policy| *policy != stamped.policy) {
            let expected = request.policy.as_deref().map(super::algorithm::dotted).unwrap_or_default();
            return Err(ReplyError::OtherPolicy { expected, found: stamped.policy_name() });
        }
        Ok(token)
    }

    /// Returns the token of a request that was granted.
    ///
    /// # Errors
    /// [`ReplyError::NotGranted`] or [`ReplyError::NoToken`].
    pub fn granted(&self) -> Result<&Token, ReplyError> {
        if self.status.number > 1 {
            return Err(ReplyError::NotGranted { status: self.status.clone() });
        }
        self.token.as_ref().ok_or(ReplyError::NoToken)
    }
}

fn describe(digest: Digest, imprint: &[u8]) -> String {
    format!("{} {}", digest.as_str(), data_encoding::HEXLOWER.encode(imprint))
}

impl Status {
    fn read(mut status: Reader<'_>) -> Result<Self, DerError> {
        let number = status.take(INTEGER)?.small()?;
        let mut strings = status.optional(SEQUENCE)?.map(|strings| strings.reader());
        let mut lines = Vec::new();
        while let Some(strings) = strings.as_mut().filter(|strings| !strings.is_empty()) {
            lines.push(String::from_utf8_lossy(strings.any()?.content).into_owned());
        }
        // What an authority says is shown to people: nothing in it may command a terminal.
        let text = lines.join(" ").chars().filter(|c| !c.is_control()).take(TEXT_LENGTH_MAX).collect();
        let failure = status.optional(BIT_STRING)?.map(|bits| bits.content);
        status.finish()?;
        let is_set = |bit: usize| {
            let byte = failure.and_then(|bits| bits.get(1 + bit / 8));
            byte.is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0)
        };
        let failure = FAILURES.iter().find(|(bit, _)| is_set(*bit)).map(|(_, name)| *name);
        Ok(Self { number, text, failure })
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = match self.number {
            0 => "granted",
            1 => "granted with modifications",
            2 => "rejected",
            3 => "waiting",
            4 => "revocation warning",
            5 => "revoked",
            _ => "unknown status",
        };
        f.write_str(word)?;
        if let Some(failure) = self.failure {
            write!(f, ", {failure}")?;
        }
        if !self.text.is_empty() {
            write!(f, ": {}", self.text)?;
        }
        Ok(())
    }
}

/// Why bytes are no reply, or not the answer to what was asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ReplyError {
    #[error("a bare timestamp token, not a reply: its status is missing")]
    BareToken,
    #[error("not a timestamp reply")]
    Der(#[from] DerError),
    #[error("a reply that grants the request and holds no token")]
    NoToken,
    #[error("the authority did not grant it: {status}")]
    NotGranted { status: Status },
    #[error("the token is over {found}, and {expected} was asked for")]
    OtherImprint { expected: String, found: String },
    #[error("the token repeats the nonce {found}, and {expected} was sent: it answers another request")]
    OtherNonce { expected: String, found: String },
    #[error("the token is under policy {found}, and {expected} was asked for")]
    OtherPolicy { expected: String, found: String },
    #[error("a timestamp request, not a reply")]
    Request,
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("a reply of {found} bytes, and at most {SIZE_BYTES_MAX} are read")]
    TooLong { found: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] = include_bytes!("../../tests/timestamps/reply.tsr");
    const REQUEST: &[u8] = include_bytes!("../../tests/timestamps/request.tsq");

    #[test]
    fn an_answer_is_told_from_one_to_another_request() {
        let (reply, request) = (Reply::parse(REPLY).unwrap(), Request::parse(REQUEST).unwrap());
        assert!(reply.check(&request).is_ok());
        let asked = |change: fn(&mut Request)| {
            let mut changed = request.clone();
            change(&mut changed);
            reply.check(&changed).map(drop)
        };
        assert!(matches!(asked(|request| request.imprint[0] ^= 1), Err(ReplyError::OtherImprint { .. })));
        assert!(matches!(asked(|request| request.digest = Digest::Sha512), Err(ReplyError::OtherImprint { .. })));
        assert!(matches!(asked(|request| request.nonce = Some(vec![1])), Err(ReplyError::OtherNonce { .. })));
        assert!(matches!(asked(|request| request.policy = Some(vec![1])), Err(ReplyError::OtherPolicy { .. })));
        assert!(asked(|request| request.nonce = None).is_ok());
    }

    #[test]
    fn a_token_without_its_status_is_no_reply() {
        let reply = Reply::parse(REPLY).unwrap();
        let token = reply.token.as_ref().unwrap();
        assert_eq!(Reply::parse(token.as_bytes()), Err(ReplyError::BareToken));
        assert_eq!(Reply::parse(REQUEST), Err(ReplyError::Request));
        let no_token = Reply { token: None, ..reply.clone() };
        assert_eq!(no_token.granted(), Err(ReplyError::NoToken));
        let status = Status { number: 2, text: "no".to_owned(), failure: Some("bad request") };
        assert_eq!(status.to_string(), "rejected, bad request: no");
        assert!(matches!(Reply { status, ..reply }.granted(), Err(ReplyError::NotGranted { .. })));
    }
}
