//! `affiant completions` and `affiant man`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::failure::{FAILED, Failure};
use super::{Arguments, output};

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant completions bash > ~/.local/share/bash-completion/completions/affiant")]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Print the manual page.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant man | man -l -")]
pub(super) struct Man {}

impl Completions {
    pub(super) fn run(self) -> u8 {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "affiant", &mut script);
        output::bytes(&script);
        0
    }
}

impl Man {
    pub(super) fn run() -> Result<u8, Failure> {
        let mut pages = Vec::new();
        let program = Arguments::command();
        render(&program, &mut pages)?;
        for command in program.get_subcommands() {
            let name = format!("affiant {}", command.get_name());
            render(&command.clone().name(name), &mut pages)?;
        }
        output::bytes(&pages);
        Ok(0)
    }
}

fn render(command: &clap::Command, pages: &mut Vec<u8>) -> Result<(), Failure> {
    clap_mangen::Man::new(command.clone()).render(pages).map_err(|error| Failure::of(FAILED, &error))
}
