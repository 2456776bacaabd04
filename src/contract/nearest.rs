//! The names most like one that is wrong, for a message.

/// `names` with the likeness of each to `wanted`, from 0 to 1, the nearest first.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<(f64, &'a str)> {
    let mut names: Vec<_> = names.into_iter().map(|name| (strsim::jaro_winkler(wanted, name), name)).collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    names.dedup_by_key(|(_, name)| *name);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_comes_first_and_each_once() {
        let names: Vec<_> =
            nearest("colum", ["table", "column", "table", "columns"]).into_iter().map(|n| n.1).collect();
        assert_eq!(names, ["column", "columns", "table"]);
    }
}
