//! The demonstration: an archive, two witnesses, an authority and a website, in one command.

use crate::interop::has;
use crate::stage::Stage;

#[test]
fn the_demonstration_ends_with_a_verified_bundle() {
    if !(has("openssl") && has("python3")) {
        return;
    }
    let said = Stage::new().demonstrate("demo/three-nodes.sh");
    for line in [
        "verified-with-gaps  AF-C-",
        "2 of 2 (2 needed): witness-1.example, witness-2.example",
        "signed: witness-1.example",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}
