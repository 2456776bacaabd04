//! Every GraphQL document that the CLI or railstage sends is one that Railway would accept.

use anyhow::{Context, Result};
use backboard::schema;
use std::fs;
use std::path::{Path, PathBuf};

fn documents(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read `{}`", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "graphql"));
    Ok(paths)
}

#[test]
fn every_document_of_the_cli_and_of_railstage_is_valid_against_the_schema() -> Result<()> {
    let schema = schema::load()?;
    let cli = schema::cli_source()?.join("src/gql");
    let mut paths = Vec::new();
    for kind in ["queries", "mutations", "subscriptions"] {
        paths.extend(documents(&cli.join(kind).join("strings"))?);
    }
    assert!(paths.len() > 140, "only {} documents of the CLI", paths.len());
    paths.extend(documents(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/railway/documents"))?);
    let wrong: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            let text = fs::read_to_string(path).unwrap_or_else(|error| error.to_string());
            let refused = schema::check(&schema, &text, path).err()?;
            Some(format!("{}: {refused}", path.display()))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn a_document_with_a_field_that_railway_does_not_have_is_refused() -> Result<()> {
    let schema = schema::load()?;
    let refused = schema::check(&schema, "query { project(id: \"x\") { id nmae } }", Path::new("typo"));
    assert!(refused.is_err_and(|error| error.to_string().contains("nmae")));
    Ok(())
}
