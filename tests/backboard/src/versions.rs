//! The versions of programs in `versions.env`, which the scripts read, too.

const FILE: &str = include_str!("../../../versions.env");

/// The version of this name, such as `RAILWAY`; a list stands in one text.
///
/// # Panics
/// When the file has no such line.
pub fn of(name: &str) -> &'static str {
    let value = FILE.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("versions.env has no {name}")).trim_matches('"')
}
