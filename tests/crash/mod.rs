//! Crashes: whatever moment the process or the machine dies, nothing acknowledged is lost.
//!
//! A scenario runs once under watch, and every step that it made on the disk is a place to die: before it, in the
//! middle of it, and after it with any part of what was not durable lost. Then it runs once more for every step that can
//! fail. Each time the archive is opened by the ordinary path, and must hold what was acknowledged, be clean, and take
//! the next record.
//!
//! | quantity        | where                        | how many                                     |
//! |-----------------|------------------------------|----------------------------------------------|
//! | fault points    | [`every_step`]               | at least [`POINT_COUNT_MIN`] together        |
//! | losses of power | each step                    | [`POWER_SEED_COUNT`], or `AFFIANT_LOSSES`    |
//! | kills           | `kill`                       | 40, or `AFFIANT_KILLS`                       |

mod fence;
mod kill;
mod life;
mod matrix;
