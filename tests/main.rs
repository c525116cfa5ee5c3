//! Tests from outside, in one binary.

mod cli;
mod corpus;
mod robust;
mod server;
mod stage;
mod tidy;
mod vectors;
mod web;
