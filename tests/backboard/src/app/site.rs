//! Reads from a database what the front page shows; never writes.

use anyhow::{Context, Result, ensure};
use tokio_postgres::Client;

pub(super) struct Site {
    pub(super) environment_type: String,
    pub(super) railway_environment: String,
    pub(super) service: String,
    pub(super) contents: Contents,
}

pub(super) enum Contents {
    Shop(Shop),
    /// A database of another shape.
    Other {
        tables: i64,
    },
}

pub(super) struct Shop {
    pub(super) title: String,
    pub(super) siteurl: String,
    pub(super) home: String,
    pub(super) customers: i64,
    pub(super) orders: i64,
    pub(super) posts: i64,
    pub(super) latest_post: String,
    pub(super) latest_link: String,
    pub(super) latest_customer: String,
}

pub(super) async fn read(client: &Client) -> Result<Contents> {
    let tables: i64 = client
        .query_one("SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')", &[])
        .await?
        .get(0);
    ensure!(tables > 0, "The database is empty");
    let options = client
        .query_opt(
            "SELECT format('%I.', schemaname), left(tablename, -length('options')) FROM pg_tables \
             WHERE tablename LIKE '%\\_options' AND schemaname NOT IN ('pg_catalog', 'information_schema') LIMIT 1",
            &[],
        )
        .await?;
    let Some(found) = options else { return Ok(Contents::Other { tables }) };
    let tables = Tables { client, schema: found.get(0), prefix: found.get(1) };
    tables.shop().await.context("Error reading the site").map(Contents::Shop)
}

struct Tables<'a> {
    client: &'a Client,
    schema: String,
    prefix: String,
}

impl Tables<'_> {
    async fn shop(&self) -> Result<Shop> {
        let siteurl = self.option("siteurl").await?;
        ensure!(!siteurl.is_empty(), "The site is not installed");
        let post = self.post().await?;
        Ok(Shop {
            title: self.option("blogname").await?,
            home: self.option("home").await?,
            siteurl,
            customers: self.count("wc_customer_lookup", "").await?,
            orders: self.count("wc_orders", "").await?,
            posts: self.count("posts", "WHERE post_status = 'publish'").await?,
            latest_link: first_link(&post.1),
            latest_post: post.0,
            latest_customer: self.latest_customer().await?,
        })
    }

    fn name(&self, table: &str) -> String {
        format!("{}\"{}{table}\"", self.schema, self.prefix)
    }

    async fn option(&self, name: &str) -> Result<String> {
        let sql = format!("SELECT option_value FROM {} WHERE option_name = $1", self.name("options"));
        let row = self.client.query_opt(&sql, &[&name]).await?;
        Ok(row.map(|row| row.get(0)).unwrap_or_default())
    }

    async fn exists(&self, table: &str) -> Result<bool> {
        let row = self.client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&self.name(table)]).await?;
        Ok(row.get(0))
    }

    async fn count(&self, table: &str, filter: &str) -> Result<i64> {
        if !self.exists(table).await? {
            return Ok(0);
        }
        let sql = format!("SELECT count(*) FROM {} {filter}", self.name(table));
        Ok(self.client.query_one(&sql, &[]).await?.get(0))
    }

    async fn post(&self) -> Result<(String, String)> {
        let sql = format!(
            "SELECT post_title, post_content FROM {} WHERE post_status = 'publish' AND post_type = 'post' \
             ORDER BY post_date DESC, \"ID\" DESC LIMIT 1",
            self.name("posts")
        );
        let row = self.client.query_opt(&sql, &[]).await?;
        Ok(row.map(|row| (row.get(0), row.get(1))).unwrap_or_default())
    }

    async fn latest_customer(&self) -> Result<String> {
        if !self.exists("wc_order_addresses").await? {
            return Ok(String::new());
        }
        let sql = format!(
            "SELECT concat_ws(' ', first_name, last_name) FROM {} WHERE address_type = 'billing' \
             ORDER BY order_id DESC LIMIT 1",
            self.name("wc_order_addresses")
        );
        let row = self.client.query_opt(&sql, &[]).await?;
        Ok(row.map(|row| row.get(0)).unwrap_or_default())
    }
}

fn first_link(html: &str) -> String {
    let link = html.split_once("href=\"").and_then(|(_, rest)| rest.split_once('"'));
    link.map(|(link, _)| link.to_owned()).unwrap_or_default()
}
