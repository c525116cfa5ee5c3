//! The metadata: that the file is PDF/A-2b, and what it is, in the form that archives read.
//!
//! Source: ISO 19005-2 §6.6.2 and §6.6.4; ISO 16684-1 (XMP). The same facts stand in the document information dictionary.

use crate::base::time::Time;

/// What a file says of itself.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) title: String,
    pub(super) subject: String,
    /// The program, by name and version.
    pub(super) software: String,
    /// A moment that the bundle itself names: never that of printing.
    pub(super) time: Time,
    /// What page labels begin with.
    pub(super) label: String,
    /// The number of the first page.
    pub(super) first_number: usize,
}

/// Writes the metadata.
pub(super) fn packet(about: &About) -> String {
    let (title, subject, software, time) =
        (escape(&about.title), escape(&about.subject), escape(&about.software), about.time.to_second());
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n\
         <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\" xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\" \
         xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\">\n\
         <pdfaid:part>2</pdfaid:part>\n\
         <pdfaid:conformance>B</pdfaid:conformance>\n\
         <dc:format>application/pdf</dc:format>\n\
         <dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">{title}</rdf:li></rdf:Alt></dc:title>\n\
         <dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">{subject}</rdf:li></rdf:Alt></dc:description>\n\
         <xmp:CreatorTool>{software}</xmp:CreatorTool>\n\
         <xmp:CreateDate>{time}</xmp:CreateDate>\n\
         <xmp:ModifyDate>{time}</xmp:ModifyDate>\n\
         <pdf:Producer>{software}</pdf:Producer>\n\
         </rdf:Description>\n\
         </rdf:RDF>\n\
         </x:xmpmeta>\n\
         <?xpacket end=\"r\"?>"
    )
}

/// Writes text so that XML reads it back; what XML cannot hold becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c) => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_page_says_ends_its_element() {
        assert_eq!(escape("a</x>&\"\u{0}\u{ffff}é"), "a&lt;/x&gt;&amp;&quot;\u{fffd}\u{fffd}é");
    }
}
