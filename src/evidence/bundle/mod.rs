//! Bundles: all that is handed over, in one file that a stranger can take apart with tools they have.
//!
//! A bundle is a BagIt bag inside a ZIP, sealed with an OpenSSH signature. [`zip`], [`bag`] and [`seal`] know
//! nothing of records or logs: they pack, list and seal whatever files they are given. [`layout`] says where
//! each thing lies that is judged and [`annex`] what else may travel, [`mod@write`] puts it there, and [`read`] gives it to the verifier.

pub mod folder;
pub mod zip;

pub mod bag;

pub mod seal;

pub mod annex;
pub mod layout;

mod contents;
mod crate_metadata;
mod page;

pub mod verifier;

pub mod read;
pub mod write;
