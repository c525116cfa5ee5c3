//! Floor 5: the acts, one file each, in the order a document walks through them.
//!
//! An act joins evidence with the outside: it reads the clock once, keeps what must be kept, and returns
//! values. It prints nothing and knows no flags; `cli` and `server` ask it and render what it says.

pub mod places;
pub mod progress;

pub mod init;
mod lean;

pub mod capture;
pub mod redactable;
pub mod visit;

pub mod anchors;
pub mod append;
pub mod derived;
pub mod endorse;
pub mod fence;
pub mod keys;
mod signer;

pub mod calendars;
pub mod container;
pub mod pending;
pub mod renew;
pub mod repack;
pub mod timestamp;
pub mod witness;
pub mod witnessing;

pub mod catalogue;
pub mod list;
pub mod read;
pub mod succession;
mod withdrawals;
pub mod withdrawn;

pub mod withdraw;

pub mod cite;
pub mod diff;
pub mod quote;

pub mod bundle;
pub mod custody;
pub mod declare;
pub mod exhibit;

mod ahead;
pub mod verify;
pub mod verify_loose;
pub mod verify_page;
pub mod verify_scan;
pub mod withhold;

pub mod audit;
pub mod doctor;

pub mod backup;
pub mod export;
pub mod export_forms;
mod export_web;
pub mod follow;
pub mod fork;
pub mod heal;
pub mod mirror;
pub mod monitor;
pub mod restore;
