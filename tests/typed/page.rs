//! The commands of a page, as they stand in its blocks.

/// What a page tells to type, block by block.
pub(super) struct Page {
    text: String,
    blocks: Vec<String>,
}

impl Page {
    pub(super) fn read(text: &str) -> Self {
        let (mut blocks, mut block) = (Vec::new(), None::<String>);
        for line in text.split_inclusive('\n') {
            match (&mut block, line.trim_end()) {
                (Some(_), "```") => blocks.extend(block.take()),
                (Some(block), _) => block.push_str(line),
                (None, "```sh") => block = Some(String::new()),
                (None, other) => assert!(!other.starts_with("```"), "only commands are fenced: {other}"),
            }
        }
        assert!(block.is_none(), "the last block does not end");
        Self { text: text.to_owned(), blocks }
    }

    pub(super) fn blocks(&self) -> &[String] {
        &self.blocks
    }

    /// Returns the blocks that have a line that begins in some way.
    pub(super) fn of(&self, tool: &str) -> Vec<&str> {
        let calls = |block: &&str| block.lines().any(|line| line.starts_with(tool));
        self.blocks.iter().map(String::as_str).filter(calls).collect()
    }

    /// Returns the fingerprint that the page says to compare and to give to the script.
    pub(super) fn fingerprint(&self) -> &str {
        let (_, rest) = self.text.split_once("sh verify.sh --trust ").expect("the page names the script");
        rest.split_whitespace().next().expect("a fingerprint follows")
    }

    /// Says whether the page's own words, outside of its blocks, speak of a name.
    pub(super) fn explains(&self, name: &str) -> bool {
        let is_prose = |(n, _): &(usize, &str)| n % 2 == 0;
        self.text.split("```").enumerate().filter(is_prose).any(|(_, part)| part.contains(&format!("`{name}`")))
    }
}
