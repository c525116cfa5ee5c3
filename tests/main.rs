//! Tests from outside, in one binary.

mod tidy;
mod vectors;
