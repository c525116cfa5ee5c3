//! Tests from outside, in one binary.

mod forgery;
mod server;
mod tidy;
mod vectors;
mod web;
