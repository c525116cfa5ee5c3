//! Floor 6: the words of the command line. No rules of evidence here: commands ask the archivist and print.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done or verified, 1 failed
//! to do it, 2 wrong use, 3 verification failed, 4 cannot tell, 5 done in part, 6 archive or key missing,
//! locked or damaged, 7 refused.

mod entry;
mod failure;
mod interruption;
mod output;
mod progress;
mod publication;
mod settings;

mod init;

mod capture;

mod list;
mod log;
mod show;

mod cite;
mod diff;
mod quote;

mod bundle;
mod declare;
mod exhibit;
mod verify;
mod verify_page;

mod calendars;
mod monitor;
mod renew;
mod repack;
mod timestamp;
mod witness;
mod witness_serve;

mod audit;

mod backup;
mod export;
mod mirror;
mod restore;

mod hold;
mod withdraw;

mod completions;
mod doctor;
mod key;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use failure::Failure;
use settings::Settings;

use crate::archivist::catalogue::{Fresh, keep_up};

/// Keeps copies of web pages so that a stranger can later check what a page said, and when.
#[derive(Debug, Parser)]
#[command(
    name = "affiant",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100,
    after_help = "Begin with `affiant capture https://example.com/`. Each command's --help has an example."
)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
struct Global {
    /// Work as if started in DIR.
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = "Everywhere")]
    directory: Option<PathBuf>,
    /// The archive's folder [default: ./archive].
    #[arg(long, value_name = "DIR", env = "AFFIANT_ARCHIVE", global = true, help_heading = "Everywhere")]
    archive: Option<PathBuf>,
    /// The keyring's folder [default: ./keys].
    #[arg(long, value_name = "DIR", env = "AFFIANT_KEYS", global = true, help_heading = "Everywhere")]
    keys: Option<PathBuf>,
    /// Print JSON: one object, or one a line.
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
    /// Print results and errors only.
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    quiet: bool,
    /// Open no socket.
    #[arg(long, global = true, help_heading = "Everywhere")]
    offline: bool,
    /// A file whose first line is the passphrase of the secret keys.
    #[arg(long, value_name = "FILE", env = "AFFIANT_PASSPHRASE_FILE", global = true, help_heading = "Everywhere")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Capture(capture::Capture),
    Show(show::Show),
    Log(log::Log),
    List(list::List),
    Cite(cite::Cite),
    Quote(quote::Quote),
    Diff(diff::Diff),
    Bundle(bundle::Bundle),
    Exhibit(exhibit::Exhibit),
    Verify(verify::Verify),
    Declare(declare::Declare),
    VerifyPage(verify_page::VerifyPage),
    Timestamp(timestamp::Timestamp),
    Renew(renew::Renew),
    Repack(repack::Repack),
    Witness(witness::Witness),
    Monitor(monitor::Monitor),
    Audit(audit::Audit),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Mirror(mirror::Mirror),
    Export(export::Export),
    Withdraw(withdraw::Withdraw),
    Hold(hold::Hold),
    Key(key::Key),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(completions::Man),
}

/// Runs the program and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let json = arguments.global.json;
    match dispatch(arguments) {
        Ok(code) => code,
        Err(failure) => {
            output::failure(&failure, json);
            failure.code
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<u8, Failure> {
    let settings = Settings::of(&arguments.global)?;
    match arguments.command {
        Command::Init(command) => command.run(&settings),
        Command::Capture(command) => command.run(&settings),
        Command::Show(command) => command.run(&settings),
        Command::Log(command) => command.run(&settings),
        Command::List(command) => command.run(&settings),
        Command::Cite(command) => command.run(&settings),
        Command::Quote(command) => catalogued(&settings, command.run(&settings)),
        Command::Diff(command) => command.run(&settings),
        Command::Bundle(command) => command.run(&settings),
        Command::Exhibit(command) => command.run(&settings),
        Command::Verify(command) => command.run(&settings),
        Command::Declare(command) => command.run(&settings),
        Command::VerifyPage(command) => command.run(&settings),
        Command::Timestamp(command) => command.run(&settings),
        Command::Renew(command) => command.run(&settings),
        Command::Repack(_) => repack::Repack::run(&settings),
        Command::Witness(command) => command.run(&settings),
        Command::Monitor(command) => command.run(&settings),
        Command::Audit(command) => command.run(&settings),
        Command::Backup(command) => command.run(&settings),
        Command::Mirror(command) => command.run(&settings),
        Command::Export(command) => command.run(&settings),
        Command::Restore(command) => command.run(&settings),
        Command::Withdraw(command) => catalogued(&settings, command.run(&settings)),
        Command::Hold(command) => command.run(&settings),
        Command::Key(command) => command.run(&settings),
        Command::Doctor(_) => Ok(doctor::Doctor::run(&settings)),
        Command::Completions(command) => Ok(command.run()),
        Command::Man(_) => completions::Man::run(),
    }
}

/// Brings the readers' catalogue up to what a command has published, once that is done and said.
fn catalogued(settings: &Settings, done: Result<u8, Failure>) -> Result<u8, Failure> {
    if let Ok(archive) = settings.archive() {
        keep_up(&archive, &Fresh::new());
    }
    done
}

/// Prints help or a usage error, and returns the exit code that goes with it.
fn usage(error: &clap::Error) -> u8 {
    let _ = error.print(); // Nobody is left to tell when standard error is closed.
    if error.use_stderr() { failure::WRONG_USE } else { 0 }
}
