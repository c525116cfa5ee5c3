//! Tests from outside, in one binary.

mod server;
mod tidy;
mod vectors;
mod web;
