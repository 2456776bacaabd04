//! Railway's own GraphQL schema, read from the published source of its CLI.

use anyhow::{Context, Result, bail};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use std::path::{Path, PathBuf};

use crate::versions;

/// The unpacked source of the CLI: `RAILSTAGE_RAILWAY_SRC`, else the one in cargo's registry.
pub fn cli_source() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("RAILSTAGE_RAILWAY_SRC").filter(|value| !value.is_empty()) {
        return Ok(folder.into());
    }
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let registry = home.context("neither CARGO_HOME nor HOME is set")?.join("registry/src");
    let version = versions::of("RAILWAY");
    let indexes = std::fs::read_dir(&registry).into_iter().flatten().flatten();
    let mut found = indexes
        .map(|index| index.path().join(format!("railwayapp-{version}")))
        .filter(|source| source.join("src/gql/schema.json").is_file());
    match found.next() {
        Some(source) => Ok(source),
        None => bail!(
            "no source of railwayapp {version} in `{}`; run tests/setup, or set RAILSTAGE_RAILWAY_SRC",
            registry.display()
        ),
    }
}

/// Reads and validates the schema.
pub fn load() -> Result<Valid<Schema>> {
    #[derive(serde::Deserialize)]
    struct Introspection {
        data: cynic_introspection::IntrospectionQuery,
    }
    let path = cli_source()?.join("src/gql/schema.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read `{}`", path.display()))?;
    let introspection: Introspection = serde_json::from_str(&text).context("parse the introspection JSON")?;
    let sdl = introspection.data.into_schema().context("read the introspection as a schema")?.to_sdl();
    Schema::parse_and_validate(sdl, "railway.graphql")
        .map_err(|invalid| anyhow::anyhow!("Railway's schema is not valid:\n{}", invalid.errors))
}

/// Parses one document and checks it against the schema.
pub fn check(schema: &Valid<Schema>, document: &str, name: &Path) -> Result<Valid<ExecutableDocument>> {
    ExecutableDocument::parse_and_validate(schema, document, name)
        .map_err(|invalid| anyhow::anyhow!("{}", invalid.errors))
}
