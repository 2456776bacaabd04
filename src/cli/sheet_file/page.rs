//! The page: one file that needs no other, for paper as much as for a screen. Whatever a database is full of is text in it.

use std::fmt::Write as _;

use super::{DatabaseSheet, FilesSheet, SheetFile};
use crate::masking::{KeySource, Sheet, Treatment};

/// The page of a sheet.
pub(super) fn of(file: &SheetFile) -> String {
    let mut page = Page(HEAD.to_owned());
    page.element("h1", "What became of people in a copy");
    for database in &file.databases {
        page.facts(file, database);
        page.proof(&database.sheet);
        if file.is_of_copy {
            page.done(&database.sheet);
        }
    }
    for files in &file.files {
        page.files(files);
    }
    page.0 + SIGNATURE
}

/// A page that is being written; whatever is put into it is text.
struct Page(String);

impl Page {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // What would turn lines round, or is not seen.
                c if c.is_control()
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') =>
                {
                    let _ = write!(self.0, "\\u{{{:x}}}", c as u32);
                }
                c => self.0.push(c),
            }
        }
    }

    fn element(&mut self, name: &str, text: &str) {
        let _ = write!(self.0, "<{name}>");
        self.text(text);
        let _ = writeln!(self.0, "</{name}>");
    }

    fn table(&mut self, title: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return;
        }
        self.element("h2", title);
        self.0.push_str("<table><thead><tr>");
        for cell in head {
            self.element("th", cell);
        }
        self.0.push_str("</tr></thead><tbody>\n");
        for row in rows {
            self.0.push_str("<tr>");
            for cell in row {
                self.element("td", &cell);
            }
            self.0.push_str("</tr>\n");
        }
        self.0.push_str("</tbody></table>\n");
    }

    fn facts(&mut self, file: &SheetFile, database: &DatabaseSheet) {
        let sheet = &database.sheet;
        let mut facts: Vec<_> = database.service.iter().map(|service| ("Service", service.clone())).collect();
        facts.extend([
            ("Database", database.database.clone()),
            ("Source as it was at", database.snapshot_at.clone().unwrap_or_else(|| "not known".to_owned())),
            ("Written at", format!("{} by railstage {}", file.written_at, file.version)),
        ]);
        if file.is_of_copy {
            let key = match sheet.key {
                KeySource::Site => "the site's own: the same strangers in its next copy",
                KeySource::Run => "of this copy alone",
            };
            facts.extend([
                ("Masked", sheet.masked.told().to_owned()),
                ("Key", key.to_owned()),
                ("Values changed", sheet.masked_values.to_string()),
                ("Rows left behind", sheet.dropped_rows.to_string()),
                ("Users who keep their login", sheet.kept_users.to_string()),
            ]);
        }
        facts.extend(database.digest.clone().map(|digest| ("Digest of all rows", digest)));
        self.table("The copy", &["", ""], facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]));
        self.table(
            "Why it is not masked in full",
            &["Reason"],
            sheet.partial_because.iter().map(|reason| vec![reason.clone()]),
        );
    }

    fn files(&mut self, files: &FilesSheet) {
        let FilesSheet { service, report } = files;
        let facts = [
            ("Service", service.clone()),
            ("Files", report.files.to_string()),
            ("Bytes sent", report.bytes.to_string()),
            (
                "Guard plug-in",
                match report.guards.as_slice() {
                    [] => report.unguarded.clone().unwrap_or_else(|| "none".to_owned()),
                    guards => guards.join(", "),
                },
            ),
        ];
        self.table("Files of a volume", &["", ""], facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]));
        self.table(
            "Files that stayed behind",
            &["Reason", "How many", "The first of them"],
            report.left.iter().map(|left| vec![left.why.clone(), left.count.to_string(), left.paths.join(", ")]),
        );
        self.table(
            "Files that name production",
            &["File"],
            report.naming_production.iter().map(|file| vec![file.clone()]),
        );
    }

    fn proof(&mut self, sheet: &Sheet) {
        let Some(proof) = &sheet.proof else {
            self.element("p", "The copy was not read back and not searched.");
            return;
        };
        let facts = [
            ("Rows searched", proof.rows),
            ("People whom the source knows", proof.people),
            ("Names, addresses and numbers searched for", proof.identifiers),
            ("People who cannot be searched for, since strangers may be called as they are", proof.not_searchable),
            ("Not searched for: shown to everyone by production", proof.published),
            ("Not searched for: more than are held", proof.not_held),
            ("Places where something is left", proof.residue.len() as u64),
        ];
        self.table(
            "The search",
            &["", ""],
            facts.into_iter().map(|(name, count)| vec![name.to_owned(), count.to_string()]),
        );
        self.element("p", "It proves that no known identifier is left in one of the forms that railstage lists.");
        let rows = |rows: &Option<String>| rows.clone().unwrap_or_default();
        self.table(
            "Left over",
            &["Column", "Rows", "What", "Values"],
            proof.residue.iter().map(|line| {
                vec![line.column.clone(), rows(&line.rows), line.identifier.told().to_owned(), line.values.to_string()]
            }),
        );
        self.table(
            "May stay",
            &["Column", "Rows", "What", "Values", "Because"],
            proof.apart.iter().map(|line| {
                let what = line.identifier.told().to_owned();
                vec![line.column.clone(), rows(&line.rows), what, line.values.to_string(), line.because.clone()]
            }),
        );
        self.table(
            "Not searched",
            &["Place", "Number", "Because"],
            proof.unread.iter().map(|line| vec![line.place.clone(), line.values.to_string(), line.because.clone()]),
        );
    }

    fn done(&mut self, sheet: &Sheet) {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        self.table(
            "Looks personal, and came along as it is",
            &["Column", "Rows", "Because"],
            sheet.suspects.iter().map(|line| vec![line.column.clone(), text(&line.rows), line.because.clone()]),
        );
        for (title, treatment) in [
            ("Masked by a rule", Treatment::Masked),
            ("Emptied", Treatment::Emptied),
            ("Set", Treatment::Set),
            ("Kept", Treatment::Left),
        ] {
            self.table(
                title,
                &["Column", "Rows", "By", "Values", "Because"],
                sheet.columns.iter().filter(|line| line.treatment == treatment).map(|line| {
                    let (rows, values) = (text(&line.rows), line.values.to_string());
                    vec![line.column.clone(), rows, line.transformer.clone(), values, text(&line.because)]
                }),
            );
        }
        self.table(
            "Searched by the nets, and masked",
            &[
                "Column",
                "Values",
                "Settings",
                "By field",
                "By form",
                "Known people",
                "Unknown",
                "What else is there stays",
            ],
            sheet.searched.iter().map(|line| {
                let counts = [line.values, line.settings, line.fields, line.shapes, line.people, line.unknown];
                let counts = counts.iter().map(u64::to_string);
                std::iter::once(line.column.clone()).chain(counts).chain([line.stays.join("; ")]).collect()
            }),
        );
        self.table(
            "Not masked, and why",
            &["Column", "Because"],
            sheet.unmasked.iter().map(|line| vec![line.column.clone(), line.because.clone()]),
        );
        self.table(
            "Rows left behind",
            &["Table", "Rows", "Number", "Because"],
            sheet
                .dropped
                .iter()
                .map(|line| vec![line.table.clone(), line.rows.clone(), line.count.to_string(), text(&line.because)]),
        );
        self.table(
            "Tables without their rows",
            &["Table", "Rows in the source", "Because"],
            sheet.emptied.iter().map(|line| vec![line.table.clone(), line.rows.to_string(), text(&line.because)]),
        );
    }
}

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>What became of people in a copy</title><style>
body { font: 10.5pt/1.4 sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; color: #111; }
h1 { font-size: 1.6em; } h2 { font-size: 1.15em; margin: 1.6em 0 .4em; break-after: avoid; }
table { border-collapse: collapse; width: 100%; } thead { display: table-header-group; } tr { break-inside: avoid; }
th, td { text-align: left; vertical-align: top; border-bottom: 1px solid #ccc; padding: .2em .8em .2em 0; overflow-wrap: anywhere; }
.signature { break-inside: avoid; margin-top: 4em; } .signature td { border: 0; border-top: 1px solid #111; width: 33%; padding-top: .3em; }
@page { margin: 18mm; }
</style></head><body>
"#;

const SIGNATURE: &str = r#"<table class="signature"><tbody><tr><td>Place and date</td><td>Name</td><td>Signature</td></tr></tbody></table>
</body></html>
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masking::{Identifier, Proof, ResidueLine, UnmaskedLine};

    #[test]
    fn a_page_of_several_databases_tells_of_each_and_of_people_who_came_along() {
        let database = |service: &str, sheet| DatabaseSheet {
            service: Some(service.to_owned()),
            sheet,
            ..DatabaseSheet::default()
        };
        let databases = vec![database("shop", Sheet::of_unmasked()), database("mail", Sheet::default())];
        let page = of(&SheetFile::new(true, databases));
        for told in
            ["<td>shop</td>", "<td>mail</td>", "people came along as they are", "not read back and not searched"]
        {
            assert!(page.contains(told), "{told} is not in {page}");
        }
        assert_eq!(page.matches("Signature").count(), 1);
    }

    #[test]
    fn hostile_names_are_text() {
        let name = "x.<script>alert(1)</script>&\"'\u{202e}\n<img src=x>".to_owned();
        let line = ResidueLine {
            column: name.clone(),
            rows: Some(name.clone()),
            identifier: Identifier::Email,
            values: 1,
            rule: name.clone(),
        };
        let proof = Proof { residue: vec![line], ..Proof::default() };
        let unmasked = vec![UnmaskedLine { column: name.clone(), because: name.clone() }];
        let sheet = Sheet { proof: Some(proof), unmasked, partial_because: vec![name.clone()], ..Sheet::default() };
        let database = DatabaseSheet {
            service: Some(name.clone()),
            database: name.clone(),
            snapshot_at: Some(name.clone()),
            digest: None,
            sheet,
        };
        let file = SheetFile::new(true, vec![database]);
        let page = of(&file);
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{202e}'), "{page}");
        let told = "x.&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;\\u{202e}\\u{a}&lt;img src=x&gt;";
        assert_eq!(page.matches(told).count(), 8, "{page}");
        assert!(!file.json().contains('\u{202e}'));
    }
}
