//! Lines and fields of delimited text, in bounded memory.
//!
//! A field never spans lines: an unclosed quotation mark costs its own row, not the rest of the
//! file, and line numbers are the physical ones.

use std::io::{self, BufRead};

use crate::import::row::Reason;

/// The longest line that is read as a row.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;

/// Reads physical lines and counts them.
pub(crate) struct Lines<R> {
    input: R,
    bytes: Vec<u8>,
    line: u64,
}

/// One line as it was found.
pub(crate) enum Line<'a> {
    /// Its text, without the line end.
    Text(&'a str),
    /// Why it cannot be read.
    Bad(Reason),
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            bytes: Vec::new(),
            line: 0,
        }
    }

    /// The number of the line read last, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next line into `text`; `None` at the end of the input.
    pub(crate) fn next<'a>(&mut self, text: &'a mut String) -> io::Result<Option<Line<'a>>> {
        let Some(complete) = self.fill()? else {
            return Ok(None);
        };
        self.line += 1;
        text.clear();
        if !complete {
            return Ok(Some(Line::Bad(Reason::LineTooLong(LINE_BYTES_MAX))));
        }
        let mut bytes = self.bytes.as_slice();
        if self.line == 1 {
            bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        }
        if bytes.contains(&0) {
            return Ok(Some(Line::Bad(Reason::NotText)));
        }
        match std::str::from_utf8(bytes) {
            Ok(valid) => text.push_str(valid),
            Err(_) => text.push_str(
                &encoding_rs::WINDOWS_1252
                    .decode_without_bom_handling(bytes)
                    .0,
            ),
        }
        Ok(Some(Line::Text(text)))
    }

    /// Reads to the line end; `Some(false)` where the line was too long to keep.
    fn fill(&mut self) -> io::Result<Option<bool>> {
        self.bytes.clear();
        let mut complete = true;
        let mut any = false;
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                break;
            }
            any = true;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            if self.bytes.len() + part.len() > LINE_BYTES_MAX {
                complete = false;
            } else if complete {
                self.bytes.extend_from_slice(part);
            }
            let used = end.map_or(buffer.len(), |at| at + 1);
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if self.bytes.last() == Some(&b'\r') {
            self.bytes.pop();
        }
        Ok(any.then_some(complete))
    }
}

/// The fields of one line, trimmed.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    text: String,
    ends: Vec<usize>,
}

impl Fields {
    /// Splits `line` at `delimiter`, honouring quotation marks.
    pub(crate) fn split(&mut self, line: &str, delimiter: u8) -> Result<(), Reason> {
        self.text.clear();
        self.ends.clear();
        let mut rest = line;
        loop {
            let (field, next) = match rest.strip_prefix('"') {
                Some(quoted) => self.take_quoted(quoted, delimiter)?,
                None => take_plain(rest, delimiter),
            };
            self.text.push_str(field.trim());
            self.ends.push(self.text.len());
            match next {
                Some(next) => rest = next,
                None => return Ok(()),
            }
        }
    }

    /// Copies a quoted field up to what stands behind it.
    fn take_quoted<'a>(
        &mut self,
        mut rest: &'a str,
        delimiter: u8,
    ) -> Result<(&'a str, Option<&'a str>), Reason> {
        loop {
            let end = rest.find('"').ok_or(Reason::BadQuotation)?;
            let behind = &rest[end + 1..];
            if let Some(next) = behind.strip_prefix('"') {
                self.text.push_str(&rest[..=end]);
                rest = next;
            } else if behind.is_empty() {
                return Ok((&rest[..end], None));
            } else if behind.as_bytes()[0] == delimiter {
                return Ok((&rest[..end], Some(&behind[1..])));
            } else {
                return Err(Reason::BadQuotation);
            }
        }
    }

    /// The field at `index`; empty where the row is too short.
    pub(crate) fn get(&self, index: usize) -> &str {
        let Some(end) = self.ends.get(index) else {
            return "";
        };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..*end]
    }

    /// Whether every field is empty.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// Refuses values behind the last of so many columns: a row that has some has slipped. Empty
    /// fields there say nothing.
    pub(crate) fn check_surplus(&self, columns: usize) -> Result<(), Reason> {
        let surplus = (columns..self.ends.len()).any(|it| !self.get(it).is_empty());
        if surplus {
            let found = self.ends.len();
            return Err(Reason::SurplusFields { found, columns });
        }
        Ok(())
    }

    /// Every field.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|index| self.get(index))
    }
}

fn take_plain(rest: &str, delimiter: u8) -> (&str, Option<&str>) {
    match rest.bytes().position(|byte| byte == delimiter) {
        Some(end) => (&rest[..end], Some(&rest[end + 1..])),
        None => (rest, None),
    }
}

/// The delimiter of a header: the one of comma, semicolon and tab that it has most of.
pub(crate) fn delimiter_of(header: &str) -> u8 {
    let count = |delimiter: u8| header.bytes().filter(|byte| *byte == delimiter).count();
    let mut best = b',';
    for delimiter in [b';', b'\t'] {
        if count(delimiter) > count(best) {
            best = delimiter;
        }
    }
    best
}

/// Trims a name and makes every run of white space one space.
pub(crate) fn tidy(name: &str) -> String {
    let mut tidy = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.push_str(word);
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Result<Vec<String>, Reason> {
        let mut fields = Fields::default();
        fields.split(line, b',')?;
        Ok(fields.iter().map(str::to_owned).collect())
    }

    fn lines(bytes: &[u8]) -> Vec<Result<String, Reason>> {
        let mut lines = Lines::new(bytes);
        let mut text = String::new();
        let mut all = Vec::new();
        while let Some(line) = lines.next(&mut text).unwrap() {
            all.push(match line {
                Line::Text(text) => Ok(text.to_owned()),
                Line::Bad(reason) => Err(reason),
            });
        }
        assert_eq!(lines.line(), all.len() as u64);
        all
    }

    #[test]
    fn fields_are_split_and_trimmed() {
        assert_eq!(fields("a, b ,,c").unwrap(), ["a", "b", "", "c"]);
        assert_eq!(fields("").unwrap(), [""]);
        assert_eq!(fields("a,").unwrap(), ["a", ""]);
    }

    #[test]
    fn quoted_fields_hold_delimiters_and_quotation_marks() {
        assert_eq!(
            fields(r#""a,b","say ""hi""",c"#).unwrap(),
            ["a,b", r#"say "hi""#, "c"]
        );
    }

    #[test]
    fn a_quotation_mark_out_of_place_costs_the_row() {
        assert_eq!(fields(r#""a,b"#), Err(Reason::BadQuotation));
        assert_eq!(fields(r#""a"b,c"#), Err(Reason::BadQuotation));
    }

    #[test]
    fn fields_beyond_the_end_are_empty() {
        let mut it = Fields::default();
        it.split("a", b',').unwrap();
        assert_eq!(it.get(7), "");
        assert!(!it.is_blank());
        it.split(" , ", b',').unwrap();
        assert!(it.is_blank());
    }

    #[test]
    fn lines_end_in_any_style_and_may_carry_a_mark() {
        let read = lines(b"\xEF\xBB\xBFa\r\nb\n\nc");
        assert_eq!(
            read,
            [
                Ok("a".into()),
                Ok("b".into()),
                Ok(String::new()),
                Ok("c".into())
            ]
        );
    }

    #[test]
    fn latin_1_is_read_line_by_line() {
        assert_eq!(
            lines(b"K\xF6ln\nK\xC3\xB6ln"),
            [Ok("Köln".into()), Ok("Köln".into())]
        );
    }

    #[test]
    fn long_lines_and_binary_lines_are_refused_without_being_kept() {
        let mut bytes = vec![b'x'; LINE_BYTES_MAX + 1];
        bytes.extend(b"\na\0b\nok\n");
        assert_eq!(
            lines(&bytes),
            [
                Err(Reason::LineTooLong(LINE_BYTES_MAX)),
                Err(Reason::NotText),
                Ok("ok".into())
            ]
        );
    }

    #[test]
    fn the_commonest_delimiter_wins() {
        assert_eq!(delimiter_of("a;b;c,d"), b';');
        assert_eq!(delimiter_of("a\tb"), b'\t');
        assert_eq!(delimiter_of("a,b;c"), b',');
    }

    #[test]
    fn names_are_tidied() {
        assert_eq!(tidy("  Real\u{a0} Madrid "), "Real Madrid");
    }
}
