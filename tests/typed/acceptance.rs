//! Every command of the page succeeds on the bundle as it was made.

use super::TOOLS;
use super::desk::Desk;

#[test]
fn every_command_of_the_page_succeeds_as_it_stands() {
    let Some(desk) = Desk::lay() else { return };
    for (tool, count) in TOOLS {
        assert!(desk.page.of(tool).len() >= count, "the page has {} blocks with `{tool}`", desk.page.of(tool).len());
    }
    let blocks = desk.page.blocks();
    for (name, _) in desk.names() {
        let is_used = blocks.iter().any(|block| block.contains(name));
        assert!(is_used && desk.page.explains(name), "`{name}` is used and explained");
    }
    let folder = Desk::lay_out(&desk.files);
    for block in blocks {
        let (is_content, said) = desk.type_in(folder.path(), "dash", block);
        assert!(is_content, "{block}\n{said}");
        eprintln!("$ {}\n{said}", block.lines().last().unwrap_or_default());
    }
    for block in desk.page.of("sh verify.sh") {
        let (is_content, said) = desk.type_in(folder.path(), "busybox", block);
        assert!(is_content, "under busybox: {block}\n{said}");
    }
    // Nothing that was typed has added a file.
    for block in desk.page.of("bagit.py") {
        assert!(desk.type_in(folder.path(), "busybox", block).0, "once more: {block}");
    }
}
