//! What `pg_dump` prints, cut into its entries; each is sent over the protocol, so no `psql` reads any of it.

use std::collections::BTreeSet;

/// One object of a dump: its heading, and the statements that make it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DumpEntry {
    /// As in the heading: `TABLE`, `INDEX`, `FK CONSTRAINT`, …
    pub(crate) kind: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) sql: String,
}

/// A setting that holds for the entries after it, until the next one.
pub(crate) const SETTING: &str = "SET";

impl DumpEntry {
    /// `index public.a_idx`, for people.
    pub(crate) fn label(&self) -> String {
        let kind = self.kind.to_lowercase();
        if self.schema == "-" {
            format!("{kind} {}", self.name)
        } else {
            format!("{kind} {}.{}", self.schema, self.name)
        }
    }

    /// Whether it speaks of an index, or may refer by a key to a unique one.
    pub(crate) fn needs_indexes(&self) -> bool {
        matches!(self.kind.as_str(), "INDEX ATTACH" | "FK CONSTRAINT")
            || self.kind == "COMMENT" && ["INDEX ", "CONSTRAINT "].iter().any(|of| self.name.starts_with(of))
    }

    /// Whether it makes or describes an event trigger; those come last, so that they see none of our own commands.
    pub(crate) fn is_event_trigger(&self) -> bool {
        self.kind == "EVENT TRIGGER" || self.kind == "COMMENT" && self.name.starts_with("EVENT TRIGGER ")
    }

    /// Reads `-- Name: a; Type: TABLE; Schema: public; Owner: -`; only the name may hold the separators itself.
    fn from_heading(line: &str) -> Option<Self> {
        let (rest, _owner) = line.strip_prefix("-- Name: ")?.rsplit_once("; Owner: ")?;
        let (rest, schema) = rest.rsplit_once("; Schema: ")?;
        let (name, kind) = rest.rsplit_once("; Type: ")?;
        Some(Self { kind: kind.to_owned(), schema: schema.to_owned(), name: name.to_owned(), sql: String::new() })
    }
}

/// Cuts a dump at its headings. What stands before the first is left out: settings for `psql`, some of which an older
/// server does not know; our sessions have their own. So are `psql`'s own commands, such as `\restrict`.
/// Without `plain_backslashes` every string has escapes, one with an `E` or not.
pub(crate) fn entries(dump: &str, plain_backslashes: bool) -> Vec<DumpEntry> {
    let mut entries = Vec::new();
    let mut current = DumpEntry::default();
    let mut rest = dump;
    let mut at_line_start = true;
    while !rest.is_empty() {
        let line = rest.split_inclusive('\n').next().unwrap_or_default();
        if at_line_start && line.starts_with('\\') {
            rest = &rest[line.len()..];
            continue;
        }
        if at_line_start && line.starts_with("SET default_") {
            let setting = DumpEntry { kind: SETTING.to_owned(), sql: line.to_owned(), ..DumpEntry::default() };
            entries.extend([std::mem::take(&mut current), setting]);
            rest = &rest[line.len()..];
            continue;
        }
        if at_line_start && let Some(next) = DumpEntry::from_heading(line.trim_end()) {
            entries.push(std::mem::replace(&mut current, next));
        }
        let piece = piece(rest, current.sql.as_bytes(), plain_backslashes);
        current.sql.push_str(&rest[..piece]);
        at_line_start = rest[..piece].ends_with('\n');
        rest = &rest[piece..];
    }
    entries.push(current);
    entries.retain(|entry| !entry.kind.is_empty());
    entries
}

/// The pieces of SQL whose strings have no escapes but with an `E` before them: comments, strings, quoted names, and what is
/// between them.
pub(crate) fn pieces(sql: &str) -> impl Iterator<Item = &str> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let rest = sql.get(done..).filter(|rest| !rest.is_empty())?;
        let now = &rest[..piece(rest, &sql.as_bytes()[..done], true)];
        done += now.len();
        Some(now)
    })
}

/// SQL without its comments, strings and quoted names, in whose places blanks stand.
pub(crate) fn code_of(sql: &str) -> String {
    let is_code = |piece: &str| {
        !["--", "/*", "'", "\""].iter().any(|sign| piece.starts_with(sign))
            && (piece.len() < 2 || !piece.starts_with('$'))
    };
    pieces(sql).map(|piece| if is_code(piece) { piece } else { " " }).collect()
}

/// SQL without its comments, in whose places blanks stand.
pub(crate) fn without_comments(sql: &str) -> String {
    let is_comment = |piece: &str| piece.starts_with("--") || piece.starts_with("/*");
    pieces(sql).map(|piece| if is_comment(piece) { " " } else { piece }).collect()
}

/// How many bytes the next piece of SQL takes: a whole comment, string, quoted name or dollar-quoted text, or as much
/// as comes before the next of these or the end of the line.
fn piece(text: &str, before: &[u8], plain_backslashes: bool) -> usize {
    let bytes = text.as_bytes();
    let to_end = |found: Option<usize>| found.unwrap_or(text.len());
    match bytes[0] {
        b'-' if text.starts_with("--") => to_end(text.find('\n').map(|i| i + 1)),
        b'/' if text.starts_with("/*") => comment(bytes),
        b'\'' => quoted(bytes, b'\'', !plain_backslashes || has_escapes(before)),
        b'"' => quoted(bytes, b'"', false),
        b'$' if !before.last().is_some_and(|b| is_word(*b)) => match dollar_tag(text) {
            Some(tag) => to_end(text[tag.len()..].find(tag).map(|i| i + 2 * tag.len())),
            None => 1,
        },
        b'\n' => 1,
        _ => {
            let stop = text.char_indices().skip(1).find(|(_, c)| matches!(c, '-' | '/' | '\'' | '"' | '$' | '\n'));
            match stop {
                Some((i, '\n')) => i + 1,
                Some((i, _)) => i,
                None => text.len(),
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// Whether a string that starts here is an `E'…'`.
fn has_escapes(before: &[u8]) -> bool {
    match before {
        [.., b, b'E' | b'e'] => !is_word(*b),
        [b'E' | b'e'] => true,
        _ => false,
    }
}

fn quoted(bytes: &[u8], quote: u8, escapes: bool) -> usize {
    let mut i = 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' if escapes => i += 2,
            // A doubled quote ends one string and starts the next: together they are the same piece of text.
            b if b == quote => return i + 1,
            _ => i += 1,
        }
    }
    bytes.len()
}

fn comment(bytes: &[u8]) -> usize {
    let (mut i, mut depth) = (2, 1);
    while i < bytes.len() && depth > 0 {
        match &bytes[i..] {
            [b'/', b'*', ..] => (i, depth) = (i + 2, depth + 1),
            [b'*', b'/', ..] => (i, depth) = (i + 2, depth - 1),
            _ => i += 1,
        }
    }
    i.min(bytes.len())
}

fn dollar_tag(text: &str) -> Option<&str> {
    let end = text[1..].find('$')? + 2;
    let tag = &text[..end];
    let inner = &tag.as_bytes()[1..end - 1];
    (inner.iter().all(|b| is_word(*b) && *b != b'$') && !inner.first().is_some_and(u8::is_ascii_digit)).then_some(tag)
}

/// The settings of an application that the entries ask for by name.
pub(crate) fn settings_asked_for<'a>(entries: impl Iterator<Item = &'a DumpEntry>) -> Vec<String> {
    let mut names = BTreeSet::new();
    for entry in entries {
        // The first piece is what stands before the first call.
        for call in entry.sql.split("current_setting").skip(1) {
            let argument = call.trim_start_matches(['"', '(', ' ', '\n', '\t', 'E']);
            let name = argument.strip_prefix('\'').and_then(|rest| rest.split('\'').next()).unwrap_or_default();
            names.extend(name.contains('.').then(|| name.to_owned()));
        }
    }
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(dump: &str) -> Vec<(String, String)> {
        entries(dump, true).into_iter().map(|e| (e.kind, e.name)).collect()
    }

    const HEADING: &str = "--\n-- Name: real; Type: TABLE; Schema: public; Owner: -\n--\n\n";

    #[test]
    fn headings_inside_quotes_and_bodies_are_text() {
        for text in [
            "COMMENT ON TABLE real IS 'a\n-- Name: x; Type: TABLE; Schema: public; Owner: -\nb''c';\n",
            "CREATE FUNCTION f() AS $_$\n-- Name: x; Type: TABLE; Schema: public; Owner: -\n\\restrict\n$_$;\n",
            "SELECT E'it\\'s\n-- Name: x; Type: TABLE; Schema: public; Owner: -\n';\n",
            "CREATE TABLE \"a\n-- Name: x; Type: TABLE; Schema: public; Owner: -\n\" ();\n",
            "/* a /* b */\n-- Name: x; Type: TABLE; Schema: public; Owner: -\n*/ SELECT 1;\n",
        ] {
            let dump = format!("{HEADING}{text}");
            assert_eq!(named(&dump), [("TABLE".to_owned(), "real".to_owned())], "{text}");
            assert!(entries(&dump, true)[0].sql.ends_with(text));
        }
    }

    #[test]
    fn prologue_and_commands_of_psql_are_left_out() {
        let dump = format!(
            "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\nSET transaction_timeout = 0;\n{HEADING}CREATE TABLE real ();\n\n\\unrestrict abc\n"
        );
        let entries = entries(&dump, true);
        assert_eq!(entries.len(), 1);
        assert!(entries[0].sql.contains("CREATE TABLE real"));
        assert!(!entries[0].sql.contains("restrict"));
    }

    #[test]
    fn a_setting_between_entries_is_its_own_entry() {
        let dump = format!(
            "{HEADING}CREATE TABLE real ();\n\nSET default_table_access_method = heap;\n\n{}",
            HEADING.replace("real", "a; Type: b")
        );
        assert_eq!(
            named(&dump),
            [
                ("TABLE".into(), "real".into()),
                ("SET".into(), String::new()),
                ("TABLE".to_owned(), "a; Type: b".to_owned())
            ]
        );
    }

    #[test]
    fn a_dollar_in_a_name_or_number_opens_nothing() {
        let dump = format!("{HEADING}SELECT a$b, $1;\n{}", HEADING.replace("real", "next"));
        assert_eq!(entries(&dump, true).len(), 2);
    }

    #[test]
    fn settings_that_the_schema_asks_for_are_found() {
        let sql = "SELECT current_setting('app.a'), \"pg_catalog\".\"current_setting\"('app.b'::\"text\", true), current_setting('TimeZone'), current_setting(x)";
        let entry = DumpEntry { sql: sql.to_owned(), ..DumpEntry::default() };
        assert_eq!(settings_asked_for([&entry].into_iter()), ["app.a", "app.b"]);
    }

    #[test]
    fn a_backslash_escapes_where_it_does_not_stand_for_itself() {
        let dump = format!("{HEADING}COMMENT ON TABLE real IS 'it\\'s\n{HEADING}';\n");
        assert_eq!(entries(&dump, false).len(), 1);
    }
}
