//! The shop of the fixture: loads, has its size, and is what WordPress would have written.

use anyhow::Result;
use backboard::fixture;
use backboard::postgres::{Cluster, ClusterOptions, PgBin};

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_loads_the_same_every_time_with_right_serialized_lengths() -> Result<()> {
    let cluster = Cluster::start(&PgBin::find()?, ClusterOptions::default()).await?;
    let mut digests = Vec::new();
    for _ in 0..2 {
        cluster.connect("postgres").await?.batch_execute("DROP DATABASE IF EXISTS shop").await?;
        cluster.connect("postgres").await?.batch_execute("CREATE DATABASE shop").await?;
        let client = cluster.connect("shop").await?;
        fixture::load(&client, 2_000_000).await?;
        let digest = "SELECT md5(string_agg(post_content, '' ORDER BY \"ID\")) || (SELECT \
            md5(string_agg(meta_value, '' ORDER BY meta_id)) FROM wp_postmeta) FROM wp_posts";
        digests.push(client.query_one(digest, &[]).await?.get::<_, String>(0));
        let left = "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()) \
            + (SELECT count(*) FROM pg_proc WHERE pronamespace = pg_my_temp_schema())";
        assert_eq!(client.query_one(left, &[]).await?.get::<_, i64>(0), 0, "the loader leaves nothing behind");
        let serialized = client.query(SERIALIZED, &[]).await?;
        assert!(serialized.len() > 100, "only {} serialized values", serialized.len());
        for row in serialized {
            let value: String = row.get(0);
            assert!(is_serialized(&value), "{value}");
        }
    }
    assert_eq!(digests[0], digests[1]);
    cluster.stop();
    Ok(())
}

const SERIALIZED: &str = "SELECT meta_value FROM wp_postmeta WHERE meta_value LIKE 'a:%' \
    UNION ALL SELECT meta_value FROM wp_usermeta WHERE meta_value LIKE 'a:%' \
    UNION ALL SELECT session_value FROM wp_woocommerce_sessions \
    UNION ALL SELECT option_value FROM wp_options WHERE option_value LIKE 'a:%' AND option_name <> 'broken_serialized'";

fn is_serialized(text: &str) -> bool {
    value(text.as_bytes()).is_some_and(<[u8]>::is_empty)
}

/// Reads one value of PHP's `serialize()` and gives what stands after it; strings of strings are read too.
fn value(text: &[u8]) -> Option<&[u8]> {
    let (number, rest) = match text {
        [b's' | b'a' | b'O', b':', rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == b':')?;
            (std::str::from_utf8(&rest[..end]).ok()?.parse::<usize>().ok()?, &rest[end + 1..])
        }
        [b'i' | b'b', b':', rest @ ..] => {
            return Some(&rest[rest.iter().position(|byte| *byte == b';')? + 1..]);
        }
        _ => return None,
    };
    match text[0] {
        b's' => {
            let inner = rest.strip_prefix(b"\"")?.get(..number)?;
            if inner.starts_with(b"a:") && !value(inner)?.is_empty() {
                return None;
            }
            rest[number + 1..].strip_prefix(b"\";")
        }
        b'O' => {
            let counted = rest.get(number + 3..)?;
            let end = counted.iter().position(|byte| *byte == b':')?;
            members(std::str::from_utf8(&counted[..end]).ok()?.parse().ok()?, &counted[end + 1..])
        }
        _ => members(number, rest),
    }
}

fn members(count: usize, rest: &[u8]) -> Option<&[u8]> {
    let mut rest = rest.strip_prefix(b"{")?;
    for _ in 0..count * 2 {
        rest = value(rest)?;
    }
    rest.strip_prefix(b"}")
}
