//! Crashes: whatever moment the process or the machine dies, nothing acknowledged is lost.
//!
//! An [`act`] runs once under watch, and every step that it made on the disk is a place to die: before it, in the middle
//! of it, and after it with any part of what was not durable lost. Then it runs once more for every step that can fail,
//! and is done again as a person would, with the power lost after either. Each time the archive is opened by the ordinary
//! path, and must hold what was acknowledged, be clean, and take the next record; a copy must be the one that it was, or
//! the one that it was to become.
//!
//! | quantity        | where                        | how many                                     |
//! |-----------------|------------------------------|----------------------------------------------|
//! | fault points    | `matrix`                     | at least 10,000 together                     |
//! | losses of power | each step                    | 2 to 5, or `AFFIANT_LOSSES`                  |
//! | kills           | `kill`                       | 40, or `AFFIANT_KILLS`                       |

mod act;
mod awaited;
mod capture;
mod copy;
mod fence;
mod keys;
mod kill;
mod life;
mod matrix;
mod repack;
mod replay;
mod withdraw;
mod yard;

pub(crate) use life::copy;
