//! Floor 3: what the archive claims, and how a stranger checks it.
//!
//! Records and the statements that sign them, citations, bundles, and the verifier. Pure: bytes, policy
//! and the time come in, bytes and verdicts go out.

pub mod record;
pub mod statement;
pub mod succession;

pub mod citation;

pub mod anchor;
pub mod renewal;
pub mod stamped;

pub mod parts;
pub mod withheld;

pub mod bundle;
pub mod endorsement;
pub mod identity;

pub mod exhibit;
pub mod paper;

pub mod retention;
pub mod verify;

pub mod asic;
pub mod declaration;
pub mod loadfile;
