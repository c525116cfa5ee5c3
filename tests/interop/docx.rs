//! Drafts of declarations, as other programs read them.

use std::fs;

use super::{accepted, python};
use crate::stage::Stage;

/// Prints the headings, the count of tables and the header, and fails where a part is no XML.
const READ: &str = r#"
import sys, zipfile, xml.dom.minidom, docx
path = sys.argv[1]
with zipfile.ZipFile(path) as package:
    assert package.testzip() is None
    for name in package.namelist():
        xml.dom.minidom.parseString(package.read(name))
document = docx.Document(path)
for paragraph in document.paragraphs:
    print(paragraph.style.name, paragraph.text, sep="\t")
for table in document.tables:
    for row in table.rows:
        print("cell", *[cell.text for cell in row.cells], sep="\t")
for paragraph in document.sections[0].header.paragraphs:
    print("header", paragraph.text, sep="\t")
"#;

#[test]
fn python_docx_reads_the_same_words_as_the_markdown_has() {
    let Some(_) = python("docx") else { return };
    let stage = Stage::new();
    let page = "<!doctype html><title>T</title><h1>Terms & <i>conditions</i></h1><p>What this page says is short, and enough of it.";
    fs::write(stage.path("a&b.html"), page).unwrap();
    assert_eq!(stage.run(["capture", "a&b.html", "--entity", "A <b>&</b> `C`"]).code, Some(0));
    assert_eq!(stage.run(["bundle", "AF-C-000002", "-o", "b.zip"]).code, Some(0));
    for form in ["us-902-13-14", "uk-truth", "in-bsa-63", "eu"] {
        for name in ["one.docx", "two.docx"] {
            let ran = stage.run(["declare", "b.zip", "--form", form, "--format", "docx", "-o", name, "--force"]);
            assert_eq!(ran.code, Some(0), "{}", ran.remarks);
        }
        assert_eq!(fs::read(stage.path("one.docx")).unwrap(), fs::read(stage.path("two.docx")).unwrap(), "{form}");
        let said = accepted(python("docx").unwrap().args(["-c", READ]).arg(stage.path("one.docx")));
        assert_eq!(stage.run(["declare", "b.zip", "--form", form, "-o", "one.md", "--force"]).code, Some(0));
        let markdown = fs::read_to_string(stage.path("one.md")).unwrap();
        assert!(
            said.starts_with("Heading 1\tDRAFT, not signed\n") && said.contains("header\tDRAFT, not signed"),
            "{said}"
        );
        let headings = |text: &str, mark: &str| text.lines().filter(|line| line.starts_with(mark)).count();
        assert_eq!(headings(&said, "Heading 1\t"), headings(&markdown, "# "), "{form}");
        // Every word of the Markdown is there, but for its marks.
        let words = |text: &str| {
            let text: String = text.chars().filter(|c| !"*`".contains(*c)).collect();
            let words = text.split(|c: char| c.is_whitespace() || c == '|');
            words.filter(|word| word.contains(char::is_alphanumeric)).map(str::to_owned).collect::<Vec<_>>()
        };
        let (all, theirs) = (words(&markdown), words(&said));
        let missing: Vec<&String> = all.iter().filter(|word| !theirs.contains(word)).collect();
        assert!(missing.is_empty(), "{form}: {missing:?}");
    }
}
