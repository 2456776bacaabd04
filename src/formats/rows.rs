//! Rows of cells as in CSV; a first row of names says what the cells of each column are.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::{Edits, FieldPath, Unreadable, ValueEditor};

const SEPARATORS: &[u8] = b",;\t|";
/// No name of a column is longer.
const LONGEST_NAME: usize = 40;

/// The value with what `editor` changes in it; `None` when it stays as it is.
///
/// # Errors
/// When it is not rows of equally many cells.
pub(super) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let first = &value[..memchr::memchr(b'\n', value).unwrap_or(value.len())];
    let count = |separator: &u8| memchr::memchr_iter(*separator, first).count();
    let separator = *SEPARATORS.iter().max_by_key(|separator| count(separator)).ok_or(Unreadable)?;
    if count(&separator) == 0 {
        return Err(Unreadable);
    }
    let cells = cells(value, separator).ok_or(Unreadable)?;
    let columns = cells.columns;
    let names: Vec<_> = cells.cells[..columns].iter().map(|cell| text_of(value, cell)).collect();
    let has_names = are_names(&names);
    if !has_names && (columns < 3 || cells.cells.iter().any(|cell| value.get(cell.start) == Some(&b' '))) {
        return Err(Unreadable);
    }
    let mut edits = Edits::of(value);
    for (i, cell) in cells.cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        let text = text_of(value, cell);
        let new = match i.checked_sub(columns) {
            None if has_names => editor.key(path, &text),
            _ if !has_names => editor.text(&path.element(), &text, depth + 1),
            _ => editor.text(&path.member(&String::from_utf8_lossy(&names[i % columns])), &text, depth + 1),
        };
        if let Some(new) = new {
            edits.put(cell.start, cell.end, &[&quoted(&new, value[cell.start] == b'"', separator)]);
        }
    }
    Ok(edits.end())
}

struct Cells {
    cells: Vec<Range<usize>>,
    columns: usize,
}

/// The cells of at least two rows of equally many.
fn cells(value: &[u8], separator: u8) -> Option<Cells> {
    let (mut cells, mut columns, mut in_row, mut at) = (Vec::new(), 0, 0, 0);
    while at < value.len() {
        let end = cell_end(value, at, separator)?;
        cells.push(at..end);
        in_row += 1;
        at = end;
        if value.get(at) == Some(&separator) {
            at += 1;
            if at < value.len() {
                continue;
            }
            cells.push(at..at);
            in_row += 1;
        }
        if columns == 0 {
            columns = in_row;
        }
        if in_row != columns || columns < 2 {
            return None;
        }
        in_row = 0;
        at += value[at..].iter().take(2).take_while(|b| matches!(b, b'\r' | b'\n')).count();
    }
    (cells.len() >= 2 * columns).then_some(Cells { cells, columns })
}

/// Where the cell ends that begins at `at`.
fn cell_end(value: &[u8], at: usize, separator: u8) -> Option<usize> {
    let is_end = |b: &u8| *b == separator || matches!(b, b'\r' | b'\n');
    if value[at] != b'"' {
        return Some(value[at..].iter().position(is_end).map_or(value.len(), |len| at + len));
    }
    let mut end = at + 1;
    loop {
        end += memchr::memchr(b'"', value.get(end..)?)? + 1;
        match value.get(end) {
            Some(b'"') => end += 1,
            after => return after.is_none_or(is_end).then_some(end),
        }
    }
}

fn text_of<'a>(value: &'a [u8], cell: &Range<usize>) -> Cow<'a, [u8]> {
    let text = &value[cell.clone()];
    let Some(body) = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")) else {
        return Cow::Borrowed(text);
    };
    if memchr::memchr(b'"', body).is_none() {
        return Cow::Borrowed(body);
    }
    Cow::Owned(String::from_utf8_lossy(body).replace("\"\"", "\"").into_bytes())
}

fn quoted(text: &[u8], is_quoted: bool, separator: u8) -> Vec<u8> {
    if !is_quoted && !text.iter().any(|b| matches!(b, b'"' | b'\r' | b'\n') || *b == separator) {
        return text.to_vec();
    }
    format!("\"{}\"", String::from_utf8_lossy(text).replace('"', "\"\"")).into_bytes()
}

/// Whether the cells of a row can be names of columns.
fn are_names(cells: &[Cow<'_, [u8]>]) -> bool {
    let is_name = |cell: &[u8]| {
        let text = std::str::from_utf8(cell).unwrap_or_default();
        // In prose a blank follows each comma.
        let text = if cells.len() > 2 { text.trim() } else { text };
        let is_part = |c: char| c.is_alphanumeric() || " _-./()#[]*".contains(c);
        text.len() <= LONGEST_NAME
            && text.starts_with(char::is_alphabetic)
            && text.chars().all(is_part)
            && text.split(' ').count() <= 3
    };
    cells.iter().all(|cell| is_name(cell)) && cells.iter().collect::<HashSet<_>>().len() == cells.len()
}
