//! Tables of promises against the tests that they point to: the threat model of SECURITY.md, and what comes along in the README.

use std::collections::BTreeSet;
use std::path::Path;

use super::{root, text};

/// Names of the files, folders and functions of Rust under `folder`.
fn names(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let code = std::fs::read_to_string(&path).unwrap();
            let functions = code.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            into.extend(functions.map(str::to_owned));
        }
        into.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
}

/// The last cells of a table's rows: the tests. The table is the one of `page` whose heading begins so.
fn tests_of_rows(page: &str, heading: &str) -> Vec<String> {
    let page = text(page);
    let rows = page.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).map(|line| line.trim_end_matches([' ', '|']));
    rows.map(|row| row.rsplit('|').next().unwrap().to_owned()).collect()
}

#[test]
fn every_row_of_the_threat_model_has_its_tests_and_every_attack_its_row() {
    let rows = tests_of_rows("SECURITY.md", "| who, with what");
    assert!(rows.len() > 20, "only {} rows were found", rows.len());
    assert_there(&rows);
    let told = rows.join(" ");
    for entry in std::fs::read_dir(root().join("tests/it/attacks")).unwrap() {
        let path = entry.unwrap().path();
        let subject = path.file_stem().unwrap().to_string_lossy();
        assert!(subject == "mod" || told.contains(&*subject), "no row points to attacks/{subject}");
    }
}

#[test]
fn every_row_of_what_comes_along_has_its_tests_and_every_odd_subject_its_row() {
    let rows = tests_of_rows("README.md", "| of the source | in the copy");
    assert_there(&rows);
    let folder = root().join("tests/it/copy/odd");
    let told = rows.join(" ");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let subject = path.file_stem().unwrap().to_string_lossy();
        assert!(subject == "mod" || told.contains(&format!("odd/{subject}")), "no row points to odd/{subject}");
    }
}

/// Checks that each row names a test, and each test is there.
fn assert_there(rows: &[String]) {
    let mut known = BTreeSet::new();
    for folder in ["tests", "src"] {
        names(&root().join(folder), &mut known);
    }
    for row in rows {
        let spans: Vec<_> = row.split('`').skip(1).step_by(2).filter(|span| !span.ends_with('/')).collect();
        assert!(!spans.is_empty(), "no test: {row}");
        for name in spans.iter().flat_map(|span| span.split(['/', ':', '…'])).filter(|name| !name.is_empty()) {
            assert!(known.contains(name), "there is no `{name}`, of {row}");
        }
    }
}
