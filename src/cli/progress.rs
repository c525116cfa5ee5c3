//! Progress bars, on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

use super::output;

use crate::archivist::progress::{Act, Progress, Silent};

/// Shows acts as bars.
pub(super) struct Bars;

struct Bar(ProgressBar);

/// Returns who listens to progress: a bar where somebody watches, else nobody.
pub(super) fn listener(is_quiet: bool) -> Box<dyn Progress> {
    if is_quiet || !output::is_watched() { Box::new(Silent) } else { Box::new(Bars) }
}

impl Progress for Bars {
    fn begin(&self, act: &str, total: Option<u64>) -> Box<dyn Act> {
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template =
            if total.is_some() { "{msg} {wide_bar} {pos}/{len} · {eta} left" } else { "{msg} {spinner} {pos}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(act.to_owned());
        Box::new(Bar(bar))
    }
}

impl Act for Bar {
    fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
