//! Tests from outside, in one binary.

mod cli;
mod forgery;
mod server;
mod tidy;
mod vectors;
mod web;
