//! The archive on disk.

pub mod durable;
pub mod lock;
pub mod packs;
pub mod spool;
