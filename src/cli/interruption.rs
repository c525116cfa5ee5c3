//! Interruption: Ctrl-C ends long work at its next safe place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Returns a flag that Ctrl-C raises: what has been appended is published, the rest is left. A second Ctrl-C
/// ends the program at once, which loses nothing that was reported.
pub(super) fn interruption() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = flag.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return }; // Without the thread Ctrl-C ends the program at once.
        runtime.block_on(raise(&raised));
    });
    flag
}

async fn raise(flag: &AtomicBool) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    }
}
