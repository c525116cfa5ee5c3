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

use clap::{Args as _, FromArgMatches as _, Parser, Subcommand};

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

/// Makes the commands, and a table of what each takes.
macro_rules! commands {
    ($($variant:ident($takes:ty) = $name:literal,)*) => {
        #[derive(Debug, Subcommand)]
        enum Command {
            $(#[command(name = $name)] $variant($takes),)*
        }

        const COMMANDS: &[(&str, fn(clap::Command) -> clap::Command)] = &[$(($name, <$takes>::augment_args),)*];
    };
}

commands! {
    Init(init::Init) = "init",
    Capture(capture::Capture) = "capture",
    Show(show::Show) = "show",
    Log(log::Log) = "log",
    List(list::List) = "list",
    Cite(cite::Cite) = "cite",
    Quote(quote::Quote) = "quote",
    Diff(diff::Diff) = "diff",
    Bundle(bundle::Bundle) = "bundle",
    Exhibit(exhibit::Exhibit) = "exhibit",
    Verify(verify::Verify) = "verify",
    Declare(declare::Declare) = "declare",
    VerifyPage(verify_page::VerifyPage) = "verify-page",
    Timestamp(timestamp::Timestamp) = "timestamp",
    Renew(renew::Renew) = "renew",
    Repack(repack::Repack) = "repack",
    Witness(witness::Witness) = "witness",
    Monitor(monitor::Monitor) = "monitor",
    Audit(audit::Audit) = "audit",
    Backup(backup::Backup) = "backup",
    Restore(restore::Restore) = "restore",
    Mirror(mirror::Mirror) = "mirror",
    Export(export::Export) = "export",
    Withdraw(withdraw::Withdraw) = "withdraw",
    Hold(hold::Hold) = "hold",
    Key(key::Key) = "key",
    Doctor(doctor::Doctor) = "doctor",
    Completions(completions::Completions) = "completions",
    Man(completions::Man) = "man",
}

/// Reads the words of the command line.
///
/// To describe all commands takes clap half a millisecond, as long as a short command works. So the words are read by
/// those commands alone that they name. Where that is no command, the whole description says what is wrong, or helps.
fn read(words: &[OsString]) -> Result<Arguments, clap::Error> {
    let named = COMMANDS.iter().filter(|(name, _)| words.iter().any(|word| word == name));
    let named = named.map(|(name, augment)| augment(clap::Command::new(name)));
    let described = Global::augment_args(clap::Command::new("affiant")).subcommands(named);
    if described.has_subcommands()
        && let Ok(mut found) = described.try_get_matches_from(words)
        && let Ok(read) = Arguments::from_arg_matches_mut(&mut found)
    {
        return Ok(read);
    }
    Arguments::try_parse_from(words)
}

/// Runs the program and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match read(&words) {
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn each_command_takes_what_the_whole_description_says() {
        let mut whole = Arguments::command();
        whole.build();
        let described: Vec<&str> = whole.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(described, COMMANDS.iter().map(|(name, _)| *name).chain(["help"]).collect::<Vec<_>>());
        for (name, augment) in COMMANDS {
            let mut alone =
                Global::augment_args(clap::Command::new("affiant")).subcommand(augment(clap::Command::new(name)));
            alone.build();
            let arguments = |of: &clap::Command| {
                let command = of.find_subcommand(name).unwrap();
                let words: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
                format!("{words:?} {:?}", command.get_arguments().collect::<Vec<_>>())
            };
            assert_eq!(arguments(&alone), arguments(&whole), "{name}");
        }
    }

    #[test]
    fn words_that_are_no_command_are_answered_by_the_whole_description() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for line in
            ["affiant", "affiant --help", "affiant verify", "affiant verfy x", "affiant help show", "affiant -V"]
        {
            let (found, whole) = (read(&words(line)).unwrap_err(), Arguments::try_parse_from(words(line)).unwrap_err());
            assert_eq!(found.to_string(), whole.to_string(), "{line}");
        }
        for line in ["affiant -C verify show x", "affiant show verify", "affiant log --json list -C log"] {
            let (found, whole) = (read(&words(line)).unwrap(), Arguments::try_parse_from(words(line)).unwrap());
            assert_eq!(format!("{found:?}"), format!("{whole:?}"), "{line}");
        }
    }
}
