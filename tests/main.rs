//! Tests from outside, in one binary.

mod cli;
mod corpus;
mod damage;
mod forgery;
mod interop;
mod robust;
mod server;
mod stage;
mod tidy;
mod vectors;
mod web;
