//! A Bitcoin node: headers by height, over its JSON-RPC.
//!
//! | quantity | unit  | range                        |
//! |----------|-------|------------------------------|
//! | answer   | bytes | at most [`ANSWER_BYTES_MAX`] |
//!
//! Waits are those of [`super::caller`]. Source: Bitcoin Core's RPC, `getblockhash` and `getblockheader` (not verbose). The node is the one whose word the reader
//! takes: it has checked the chain, which nothing here can. Its address may hold a name and a password; it comes from the
//! command line or the environment, and is written nowhere.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value as Json, json};

use super::caller::{Call, CallError, Caller};

use crate::timestamp::opentimestamps::header::{BlockHash, Header, HeaderError};

/// The longest answer: a header in hexadecimal, with whatever stands around it.
pub const ANSWER_BYTES_MAX: usize = 4096;

/// A node that is asked.
pub struct Node {
    caller: Caller,
    address: String,
    login: Option<String>,
}

impl Node {
    /// Makes ready to ask a node at an address such as `http://name:password@127.0.0.1:8332`.
    ///
    /// # Errors
    /// [`NodeError::Address`], or [`NodeError::Call`] when this machine cannot.
    pub fn new(url: &str) -> Result<Self, NodeError> {
        let mut parsed = url::Url::parse(url).map_err(|_| NodeError::Address)?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(NodeError::Address);
        }
        let login = (!parsed.username().is_empty()).then(|| {
            let login = format!("{}:{}", parsed.username(), parsed.password().unwrap_or_default());
            let login = percent(&login);
            format!("Basic {}", BASE64.encode(&login))
        });
        // An address with a host may have its login taken away.
        let is_plain = parsed.set_username("").is_ok() && parsed.set_password(None).is_ok();
        if !is_plain {
            return Err(NodeError::Address);
        }
        Ok(Self { caller: Caller::new()?, address: parsed.to_string(), login })
    }

    /// Returns the header of the block at a height of the chain that the node follows.
    ///
    /// # Errors
    /// A [`NodeError`].
    pub fn header(&self, height: u64) -> Result<Header, NodeError> {
        let hash = self.call("getblockhash", &json!([height]))?;
        let expected: BlockHash = hash.parse()?;
        let header = self.call("getblockheader", &json!([hash, false]))?;
        let bytes = HEXLOWER.decode(header.as_bytes()).map_err(|_| NodeError::Answer { method: "getblockheader" })?;
        let header = Header::parse(&bytes)?;
        if header.hash() != expected {
            return Err(NodeError::OtherHeader { expected, found: header.hash() });
        }
        Ok(header)
    }

    /// Calls a method whose result is a text.
    fn call(&self, method: &'static str, parameters: &Json) -> Result<String, NodeError> {
        let body = json!({ "jsonrpc": "1.0", "id": "affiant", "method": method, "params": parameters }).to_string();
        let body = Some(("application/json", body.into_bytes()));
        let call = Call { url: self.address.clone(), body, bytes_max: ANSWER_BYTES_MAX };
        let answer = match &self.login {
            Some(login) => self.caller.call_as(login, call)?,
            None => self.caller.call(call)?,
        };
        // What is wrong with a call comes with status 500 or 404, and is said in the body.
        if matches!(answer.status, 401 | 403) {
            return Err(NodeError::Login { status: answer.status });
        }
        let answer: Json = serde_json::from_slice(&answer.body).map_err(|_| NodeError::Answer { method })?;
        let refused = answer.get("error").filter(|error| !error.is_null());
        if let Some(error) = refused {
            let reason = error.get("message").and_then(Json::as_str).unwrap_or("no reason").chars();
            return Err(NodeError::Refused { method, reason: reason.filter(|c| !c.is_control()).take(200).collect() });
        }
        let text = answer.get("result").and_then(Json::as_str);
        text.map(str::to_owned).ok_or(NodeError::Answer { method })
    }
}

/// Undoes the percent signs of an address's login.
fn percent(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'%').then(|| after.get(..2)).flatten();
        let decoded = digits.and_then(|digits| data_encoding::HEXUPPER_PERMISSIVE.decode(digits).ok());
        rest = if decoded.is_some() { &after[2..] } else { after };
        bytes.extend(decoded.unwrap_or_else(|| vec![*first]));
    }
    bytes
}

/// Why a node gave no header.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum NodeError {
    #[error("the node's address is to be like `http://name:password@127.0.0.1:8332`")]
    Address,
    #[error("the node answered `{method}` with something else than a text")]
    Answer { method: &'static str },
    #[error("the node")]
    Call(#[from] CallError),
    #[error("the node's header")]
    Header(#[from] HeaderError),
    #[error("the node wants another name or password (status {status})")]
    Login { status: u16 },
    #[error("the node sent the header of {found}, asked for {expected}")]
    OtherHeader { expected: BlockHash, found: BlockHash },
    #[error("the node refused `{method}`: {reason}")]
    Refused { method: &'static str, reason: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_login_out_of_the_address() {
        let node = Node::new("http://me:a%2Fb%25@127.0.0.1:8332/").unwrap();
        assert_eq!(node.address, "http://127.0.0.1:8332/");
        assert_eq!(node.login, Some(format!("Basic {}", BASE64.encode(b"me:a/b%"))));
        assert!(Node::new("http://127.0.0.1:8332").unwrap().login.is_none());
        for url in ["127.0.0.1:8332", "ftp://127.0.0.1", ""] {
            assert!(matches!(Node::new(url), Err(NodeError::Address)), "{url}");
        }
    }
}
