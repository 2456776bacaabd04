//! Databases of the first state, each as Railway's template for it sets it up.

use super::{Seed, random, values};
use serde_json::{Value, json};

impl Seed {
    pub(super) fn add_database(&mut self, name: &str) {
        let volume = self.add_volume("postgres-volume");
        let password = format!("canary-production-{}", random(20));
        let login = |host: &str| format!("postgresql://${{{{PGUSER}}}}:${{{{POSTGRES_PASSWORD}}}}@{host}");
        let variables = values(&[
            ("DATABASE_URL", &login("${{RAILWAY_PRIVATE_DOMAIN}}:5432/${{PGDATABASE}}")),
            (
                "DATABASE_PUBLIC_URL",
                &login("${{RAILWAY_TCP_PROXY_DOMAIN}}:${{RAILWAY_TCP_PROXY_PORT}}/${{PGDATABASE}}"),
            ),
            ("PGHOST", "${{RAILWAY_PRIVATE_DOMAIN}}"),
            ("PGPORT", "5432"),
            ("PGUSER", "${{POSTGRES_USER}}"),
            ("PGPASSWORD", "${{POSTGRES_PASSWORD}}"),
            ("PGDATABASE", "${{POSTGRES_DB}}"),
            ("PGDATA", "/var/lib/postgresql/data/pgdata"),
            ("POSTGRES_DB", "railway"),
            ("POSTGRES_USER", "postgres"),
            ("POSTGRES_PASSWORD", &password),
            ("SSL_CERT_DAYS", "820"),
            ("RAILWAY_DEPLOYMENT_DRAINING_SECONDS", "60"),
        ]);
        self.add(
            name,
            &json!({
                "source": { "image": "ghcr.io/railwayapp-templates/postgres-ssl:18" },
                "deploy": { "requiredMountPath": "/var/lib/postgresql/data" },
                "networking": { "tcpProxies": { "5432": {} } },
                "volumeMounts": { volume: { "mountPath": "/var/lib/postgresql/data" } },
                "variables": variables,
            }),
        );
    }

    pub(super) fn add_mariadb(&mut self, name: &str, image: &str) {
        let (password, root) = (random(20), random(20));
        let login = |host: &str| format!("mariadb://${{{{MARIADB_USER}}}}:${{{{MARIADB_PASSWORD}}}}@{host}");
        let variables = values(&[
            ("MARIADB_USER", "railway"),
            ("MARIADB_PASSWORD", &format!("canary-mariadb-{password}")),
            ("MARIADB_ROOT_PASSWORD", &format!("canary-mariadb-root-{root}")),
            ("MARIADB_DATABASE", "railway"),
            ("MARIADB_PRIVATE_HOST", "${{RAILWAY_PRIVATE_DOMAIN}}"),
            ("MARIADB_PRIVATE_PORT", "3306"),
            ("MARIADB_PRIVATE_URL", &login("${{MARIADB_PRIVATE_HOST}}:3306/${{MARIADB_DATABASE}}")),
            ("MARIADB_PUBLIC_HOST", "${{RAILWAY_TCP_PROXY_DOMAIN}}"),
            ("MARIADB_PUBLIC_PORT", "${{RAILWAY_TCP_PROXY_PORT}}"),
            (
                "MARIADB_PUBLIC_URL",
                &login("${{RAILWAY_TCP_PROXY_DOMAIN}}:${{RAILWAY_TCP_PROXY_PORT}}/${{MARIADB_DATABASE}}"),
            ),
        ]);
        self.add_on_volume(name, image, &variables);
    }

    pub(super) fn add_mysql(&mut self) {
        let login = |host: &str| format!("mysql://${{{{MYSQLUSER}}}}:${{{{MYSQL_ROOT_PASSWORD}}}}@{host}");
        let variables = values(&[
            ("MYSQL_ROOT_PASSWORD", &format!("canary-mysql-root-{}", random(20))),
            ("MYSQL_DATABASE", "railway"),
            ("MYSQLHOST", "${{RAILWAY_PRIVATE_DOMAIN}}"),
            ("MYSQLPORT", "3306"),
            ("MYSQLUSER", "root"),
            ("MYSQLPASSWORD", "${{MYSQL_ROOT_PASSWORD}}"),
            ("MYSQLDATABASE", "${{MYSQL_DATABASE}}"),
            ("MYSQL_URL", &login("${{RAILWAY_PRIVATE_DOMAIN}}:3306/${{MYSQL_DATABASE}}")),
            (
                "MYSQL_PUBLIC_URL",
                &login("${{RAILWAY_TCP_PROXY_DOMAIN}}:${{RAILWAY_TCP_PROXY_PORT}}/${{MYSQL_DATABASE}}"),
            ),
        ]);
        self.add_on_volume("MySQL", "mysql:9.4", &variables);
    }

    /// A server with a volume and a TCP proxy, where MySQL's and MariaDB's are.
    pub(super) fn add_on_volume(&mut self, name: &str, image: &str, variables: &Value) {
        let volume = self.add_volume(&format!("{}-volume", name.to_lowercase()));
        self.add(
            name,
            &json!({
                "source": { "image": image },
                "deploy": { "requiredMountPath": "/var/lib/mysql" },
                "networking": { "tcpProxies": { "3306": {} } },
                "volumeMounts": { volume: { "mountPath": "/var/lib/mysql" } },
                "variables": variables,
            }),
        );
    }
}
