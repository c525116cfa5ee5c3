//! Floor 4: everything outside the program, one file or folder for each thing.
//!
//! Nothing below this floor opens a file, a socket or a clock; nothing above it does so but through here.

pub mod agent;
pub mod archive;
pub mod authority;
pub mod beside;
pub mod calendar;
pub mod caller;
pub mod clock;
pub mod files;
pub mod heads;
pub mod keys;
pub mod node;
mod policy_file;
mod positioned;
pub mod remembered;
pub mod tlog;
pub mod web;
mod window;
pub mod witness_home;
