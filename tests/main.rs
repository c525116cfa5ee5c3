//! Tests from outside, in one binary.

mod damage;
mod server;
mod tidy;
mod vectors;
mod web;
