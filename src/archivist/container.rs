//! Container: an authority dates a bundle that was made, and both go into one ASiC-S file.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::timestamp::{Anchored, Ask, TimestampError, check};

use crate::base::hash::Hashing;
use crate::evidence::asic::Container;
use crate::evidence::bundle::zip::{Member, ZipError};
use crate::outside::archive::durable::{Existing, Passing, WriteError};
use crate::outside::keys;
use crate::timestamp::algorithm::Digest;
use crate::timestamp::authorities::Authorities;
use crate::timestamp::reply::{Reply, ReplyError};
use crate::timestamp::request::Request;

/// Asks an authority for a token over a file, and puts both into a container.
///
/// # Errors
/// A [`ContainerError`]; nothing is left at the target.
pub fn contain(
    bundle: &Path,
    target: &Path,
    url: &str,
    (trusted, asker): (&Authorities, &dyn Ask),
) -> Result<Anchored, ContainerError> {
    let unread = |source| ContainerError::Bundle { path: bundle.to_owned(), source };
    let name = bundle.file_name().unwrap_or(bundle.as_os_str()).to_string_lossy().into_owned();
    let (member, hash) = Member::measure_with(&name, |target| {
        let mut target = Hashing::new(target);
        io::copy(&mut File::open(bundle)?, &mut target)?;
        Ok(target.finish().1)
    })?;
    let nonce = keys::random().map_err(TimestampError::from)?;
    let imprint = hash.as_bytes().to_vec();
    let request = Request { imprint, ..Request::over(&[], Digest::Sha256, nonce) };
    let reply = asker.ask(url, &request.encode()).map_err(TimestampError::from)?;
    let anchored = check(&reply, &request, trusted)?;
    let reply = Reply::parse(&reply).map_err(TimestampError::from)?;
    let token = reply.granted().map_err(TimestampError::from)?;
    let container = Container::new(&member, token.as_bytes())?;
    let mut passing = Passing::create(target, Existing::Keep)?;
    let mut file = File::open(bundle).map_err(unread)?;
    container.write(&mut passing, |target| io::copy(&mut file, target).map(drop))?;
    passing.flush().map_err(|source| WriteError::at(target, source))?;
    passing.place(Existing::Keep)?;
    Ok(anchored)
}

/// Why there is no container.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ContainerError {
    #[error("cannot read `{}`", path.display())]
    Bundle { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Reply(#[from] ReplyError),
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("container")]
    Zip(#[from] ZipError),
}
