//! Bundles: all that is handed over, in one file that a stranger can take apart with tools they have.
//!
//! A bundle is a BagIt bag inside a ZIP, sealed with an OpenSSH signature. These parts know nothing of
//! records or logs: they pack, list and seal whatever files they are given.

pub mod folder;
pub mod zip;

pub mod bag;

pub mod seal;
