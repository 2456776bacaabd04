//! The README against the code.

use clap::Command;
use railstage::cli::commands::COMMANDS;
use railstage::contract::bounds::{BOUNDS, Bound};
use railstage::error::Exit;
use railstage::steps::{STEPS, of_a_clone};
use serde_json::Value;

use super::{compare_file, fields, flows, schema, text};

/// The README's parts around the table between `<!-- name -->` and `<!-- /name -->`, and the table.
fn split<'a>(readme: &'a str, name: &str) -> (&'a str, &'a str, &'a str) {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = readme.find(&begin).unwrap_or_else(|| panic!("the README has no table `{name}`")) + begin.len();
    let to = from + readme[from..].find(&end).expect("the end of the table");
    (&readme[..from], &readme[from..to], &readme[to..])
}

/// The cells of a table's rows.
fn table(name: &str) -> Vec<Vec<String>> {
    let readme = text("README.md");
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    split(&readme, name).1.lines().skip(2).map(cells).collect()
}

/// The README with this table in its place.
pub(super) fn with_table<const N: usize>(
    readme: &str,
    name: &str,
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let (before, _, after) = split(readme, name);
    let rows: String = rows.into_iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
    format!("{before}| {} |\n|{}\n{rows}{after}", head.join(" | "), "---|".repeat(N))
}

#[test]
fn the_readme_lists_steps_commands_and_exit_codes_of_the_code() {
    let row = |name: &str, about: &str| [format!("`{name}`"), about.to_owned()];
    let made = with_table(&text("README.md"), "steps", ["step", "does"], STEPS.iter().map(|s| row(s.name, s.about)));
    let made = with_table(&made, "commands", ["command", "does"], COMMANDS.iter().map(|c| row(c.name, c.about)));
    let exits = Exit::ALL.iter().map(|(exit, meaning)| [exit.code().to_string(), (*meaning).to_owned()]);
    compare_file("README.md", &with_table(&made, "exit codes", ["exit code", "meaning"], exits));
}

#[test]
fn the_readme_lists_the_fields_of_a_request() {
    let fields: Vec<_> = fields(&schema("clone-request")).iter().map(|name| format!("`{name}`")).collect();
    let listed: Vec<_> = table("request").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(listed, fields);
}

#[test]
fn the_readme_lists_the_flows() {
    let mut listed: Vec<_> = table("flows").into_iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    listed.sort();
    assert_eq!(listed, flows::ids());
}

#[test]
fn the_readme_lists_the_lines_of_a_policy_and_what_they_bound() {
    let schema = schema("policy");
    let line = |name: &String| {
        let field = &schema["properties"][name];
        [
            format!("`{name}`"),
            format!("`{}`", shown(&field["default"])),
            field["description"].as_str().unwrap().to_owned(),
        ]
    };
    let names = fields(&schema);
    let readme = with_table(&text("README.md"), "policy", ["line", "default", "meaning"], names.iter().map(line));
    let bound = |(field, bound): &(&str, Bound)| {
        let by = match bound {
            Bound::Lines(lines) => lines.iter().map(|line| format!("`{line}`")).collect::<Vec<_>>().join(", "),
            Bound::Harmless(why) => format!("none: {why}"),
        };
        [format!("`{field}`"), by]
    };
    compare_file("README.md", &with_table(&readme, "bounds", ["field", "bounded by"], BOUNDS.iter().map(bound)));
}

/// A default as it would stand in a policy.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[test]
fn the_readme_names_every_transformer() {
    let readme = text("README.md");
    let (_, rest) = readme.split_once("\nTransformers: ").unwrap();
    let sentence = rest.split(". ").next().unwrap();
    let mut named: Vec<_> = sentence.split('`').skip(1).step_by(2).collect();
    let schema = schema("masking-rules");
    let all = schema["properties"]["rules"]["items"]["properties"]["transformer"]["oneOf"].as_array().unwrap();
    let mut words: Vec<_> = all.iter().map(|one| one["const"].as_str().unwrap()).collect();
    named.sort_unstable();
    words.sort_unstable();
    assert_eq!(named, words);
}

#[test]
fn the_readmes_picture_shows_the_steps_in_order() {
    let names: Vec<_> = of_a_clone().map(|step| step.name).collect();
    let line = format!("─> {} ─", names.join(" ─ "));
    assert!(text("README.md").contains(&line), "no `{line}`");
}

/// What stands between backticks, and in lines that are moved in as code.
fn code(readme: &str) -> Vec<String> {
    let lines = readme.lines().filter(|line| line.starts_with("    ")).map(str::to_owned);
    let prose: Vec<_> = readme.lines().filter(|line| !line.starts_with("    ") && !line.starts_with("```")).collect();
    let spans = prose.join(" ").split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    lines.chain(spans).collect()
}

#[test]
fn commands_and_flags_of_the_readme_exist() {
    let all = railstage::cli::command();
    let find = |name: &str| all.get_subcommands().find(|command| command.get_name() == name);
    let has = |command: &Command, flag: &str| {
        command.get_arguments().any(|argument| argument.get_long() == Some(flag)) || flag == "help"
    };
    let mut seen = 0;
    for span in code(&text("README.md")) {
        let words: Vec<_> = span.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "railstage").map_or(0, |at| at + 1);
        let Some(name) = words.get(at).filter(|_| words.len() > 1) else { continue };
        let Some(command) = find(name) else {
            assert_eq!(at, 0, "no subcommand `{name}` in `{span}`");
            continue;
        };
        let flags = words[at..].iter().filter_map(|word| word.strip_prefix("--"));
        for flag in flags.map(|flag| flag.split_once('=').map_or(flag, |(name, _)| name)) {
            assert!(has(command, flag), "`{name}` has no --{flag}");
        }
        seen += 1;
    }
    assert!(seen >= 8, "only {seen} commands were found in the README");
}

#[test]
fn the_readme_says_what_is_stood_in_for() {
    let readme = text("README.md");
    for path in ["tests/backboard", "tests/kestra"] {
        assert!(readme.contains(&format!("`{path}`")), "{path}");
    }
    let stand_in = "tests/kestra/src/main/java/io/kestra/plugin/scripts/shell/Commands.java";
    assert!(readme.contains(&format!("({stand_in})")), "the README does not lead to the shell task's stand-in");
    text(stand_in);
}
