//! Floor 7: the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(affiant::cli::run(std::env::args_os()))
}
