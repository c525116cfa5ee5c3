//! Volume.
fn main() {}
