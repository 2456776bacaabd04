//! `ARCHITECTURE.md` against the code: which room may import which, what each file is, and what only one room may do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{compare_block, root, table_of};

const PAGE: &str = "ARCHITECTURE.md";

/// Every source file, by its path under `src/`, in order; those of tests are left out.
fn files() -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("src"), &mut found);
    let is_code = |name: &str| {
        name.strip_suffix(".rs").is_some_and(|stem| !stem.ends_with("tests") && !stem.ends_with("properties"))
    };
    let named = found.into_iter().map(|path| {
        let name = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
        (name, path)
    });
    named.filter(|(name, _)| is_code(name)).map(|(name, path)| (name, std::fs::read_to_string(path).unwrap())).collect()
}

/// The lines that are compiled into the program: no comments, and not the tests at a file's end.
fn code(file: &str) -> String {
    let body = file.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn room(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The rooms that a file names after `crate::`.
fn imported(code: &str) -> BTreeSet<&str> {
    let after = code.split("crate::").skip(1);
    after.map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap()).collect()
}

#[test]
fn no_import_runs_up_and_every_arrow_is_one_that_the_page_allows() {
    let rows = table_of(PAGE, "rooms");
    let rooms: Vec<_> = rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    let allowed: BTreeMap<_, BTreeSet<_>> = rows
        .iter()
        .map(|row| {
            let names = row[1].split(", ").map(|name| name.trim_matches('`').to_owned()).filter(|n| !n.is_empty());
            (row[0].trim_matches('`').to_owned(), names.collect())
        })
        .collect();
    for (n, room) in rooms.iter().enumerate() {
        let upward: Vec<_> = allowed[room].iter().filter(|name| !rooms[..n].contains(name)).collect();
        assert!(upward.is_empty(), "`{room}` may import {upward:?}, which do not stand above it in the table");
    }
    let mut used = BTreeSet::new();
    for (path, file) in files() {
        let own = room(&path);
        // `lib.rs` and `main.rs` are no rooms: they name all of them.
        if matches!(own, "lib" | "main") {
            continue;
        }
        let allowed = allowed.get(own).unwrap_or_else(|| panic!("the page does not have the room `{own}`"));
        let code = code(&file);
        for import in imported(&code).into_iter().filter(|name| *name != own && rooms.iter().any(|room| room == name)) {
            assert!(allowed.contains(import), "src/{path} imports `{import}`, which `{own}` may not");
            used.insert((own.to_owned(), import.to_owned()));
        }
    }
    let stale: Vec<_> = allowed
        .iter()
        .flat_map(|(room, names)| names.iter().map(move |name| (room.clone(), name.clone())))
        .filter(|arrow| arrow.1 != "error" && !used.contains(arrow))
        .collect();
    assert!(stale.is_empty(), "arrows that the page allows and nothing uses: {stale:?}");
}

#[test]
fn only_one_room_does_what_only_one_room_may() {
    for (path, file) in files() {
        let code = code(&file);
        let only = |sign: &str, place: &str| {
            assert!(!code.contains(sign) || path.starts_with(place), "src/{path} has `{sign}`, as only {place} may");
        };
        only("std::env::", "cli/");
        only("Command::new(&self.program)", "external/process.rs");
        only("\"api\"", "railway/program.rs");
        only("mutation", "railway/");
        only("\"::{", "external/kestra.rs");
        for sign in ["println!", "print!(", "io::stdout()", "io::stderr().lock"] {
            only(sign, "external/print.rs");
        }
    }
}

#[test]
fn the_page_has_a_sentence_for_each_file() {
    let mut lines = String::new();
    let mut files: Vec<_> = files().into_iter().collect();
    // A folder's own page comes before its files, and files before folders.
    files.sort_by_key(|(path, _)| path.replace("/mod.rs", "/").replace("mod.rs", ""));
    for (path, file) in files {
        let sentence = first_sentence(&file).unwrap_or_else(|| panic!("src/{path} does not say what it is"));
        let depth = path.matches('/').count();
        let (name, indent) = match path.strip_suffix("mod.rs") {
            Some(of) => (format!("src/{of}"), depth.saturating_sub(1)),
            None => (path.rsplit('/').next().unwrap().to_owned(), depth),
        };
        lines.push_str(&format!("{}- `{name}`: {sentence}\n", "  ".repeat(indent)));
    }
    compare_block(PAGE, "files", &lines);
}

/// The first sentence of a file's `//!` page.
fn first_sentence(file: &str) -> Option<String> {
    let page: Vec<_> = file.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let paragraph = page.split(|line| line.is_empty()).next()?.join(" ");
    let end = paragraph.match_indices(". ").map(|(at, _)| at + 1).next().unwrap_or(paragraph.len());
    let sentence = paragraph[..end].trim();
    (!sentence.is_empty()).then(|| sentence.to_owned())
}
