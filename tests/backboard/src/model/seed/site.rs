//! A WordPress as templates of Railway's marketplace set it up, on the project's MariaDB.

use super::{Seed, values};
use crate::wordpress::{HOST, SiteFiles};
use serde_json::json;

const KEYS: &[&str] = &[
    "AUTH_KEY",
    "SECURE_AUTH_KEY",
    "LOGGED_IN_KEY",
    "NONCE_KEY",
    "AUTH_SALT",
    "SECURE_AUTH_SALT",
    "LOGGED_IN_SALT",
    "NONCE_SALT",
];

impl Seed {
    /// With what its `wp-config.php` has beside the image's own.
    pub(super) fn add_wordpress(&mut self, extra: &str, files: Option<SiteFiles>) {
        let volume = self.add_volume("wordpress-volume");
        let label = format!("wordpress-production-{}.{}", super::random(4), crate::model::domains::SUFFIX);
        let mut variables = values(&[
            ("WORDPRESS_DB_HOST", "${{MariaDB.MARIADB_PRIVATE_HOST}}:${{MariaDB.MARIADB_PRIVATE_PORT}}"),
            ("WORDPRESS_DB_NAME", "${{MariaDB.MARIADB_DATABASE}}"),
            ("WORDPRESS_DB_USER", "${{MariaDB.MARIADB_USER}}"),
            ("WORDPRESS_DB_PASSWORD", "${{MariaDB.MARIADB_PASSWORD}}"),
            ("WORDPRESS_TABLE_PREFIX", "wp_"),
            // Its jobs are called from outside, as those of a site with many visitors are.
            ("WORDPRESS_CONFIG_EXTRA", &format!("{extra} define('DISABLE_WP_CRON', true);")),
        ]);
        for key in KEYS {
            variables[format!("WORDPRESS_{key}")] = json!({ "value": format!("canary-{key}-{}", super::random(32)) });
        }
        self.add(
            "wordpress",
            &json!({
                "source": { "image": "wordpress:6-apache" },
                "networking": {
                    "serviceDomains": { label: { "port": 80 } },
                    "customDomains": { HOST: { "port": 80 } },
                },
                "volumeMounts": { volume: { "mountPath": files.unwrap_or(SiteFiles::InHtml).mount_path() } },
                "variables": variables,
            }),
        );
    }
}
