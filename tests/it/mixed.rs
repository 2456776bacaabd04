//! Projects with databases of several kinds: each is known for what it is.

mod whole;

use backboard::{ExtraService, WorldOptions};
use serde_json::json;

use crate::plan::planned;
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_a_database_by_what_it_is_given_and_not_by_what_it_is_called_after() {
    let extra_services = vec![ExtraService::MariaDb, ExtraService::Redis];
    let stage = Stage::of(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    let url = |host: &str| format!("mysql://root:${{{{MySQL-1.MYSQL_ROOT_PASSWORD}}}}@{host}:3306/railway");
    let first = json!({ "MYSQL_ROOT_PASSWORD": "canary-cluster-root", "MYSQL_DATABASE": "railway", "GR_SEEDS": "${{MySQL-2.RAILWAY_PRIVATE_DOMAIN}}:3306" });
    let second = json!({ "MYSQL_ROOT_PASSWORD": "${{MySQL-1.MYSQL_ROOT_PASSWORD}}", "GR_SEEDS": "${{MySQL-1.RAILWAY_PRIVATE_DOMAIN}}:3306" });
    let front = json!({ "MYSQL_NODES": "${{MySQL-1.RAILWAY_PRIVATE_DOMAIN}}:3306", "MYSQLUSER": "root", "MYSQLPASSWORD": "${{MySQL-1.MYSQL_ROOT_PASSWORD}}", "MYSQL_URL": url("${{RAILWAY_PRIVATE_DOMAIN}}") });
    let recovered = json!({ "MYSQL_ROOT_PASSWORD": "canary-wrapped-root", "MYSQL_DATABASE": "railway", "BINLOG_ARCHIVE_BUCKET": "b" });
    let app = json!({ "PMA_HOST": "${{MySQL HA.RAILWAY_PRIVATE_DOMAIN}}", "MYSQL_ROOT_PASSWORD": "${{MySQL-1.MYSQL_ROOT_PASSWORD}}" });
    let on_volume = true;
    let services = [
        (
            "MySQL-1",
            "ghcr.io/railwayapp-templates/mysql-ha/mysql:9",
            &first,
            on_volume,
            "empty_database",
            "one of a cluster's servers",
        ),
        (
            "MySQL-2",
            "ghcr.io/railwayapp-templates/mysql-ha/mysql:9",
            &second,
            on_volume,
            "empty_database",
            "one of a cluster's servers",
        ),
        (
            "MySQL HA",
            "ghcr.io/railwayapp-templates/mysql-ha/haproxy:9",
            &front,
            false,
            "empty_database",
            "is not in `databases`",
        ),
        (
            "Recovered",
            "ghcr.io/railwayapp-templates/mysql-ha/mysql:9",
            &recovered,
            on_volume,
            "empty_database",
            "is not in `databases`",
        ),
        ("Mongo", "mongo:8", &json!({}), false, "empty_database", "of a kind that is not copied"),
        (
            "ClickHouse",
            "clickhouse/clickhouse-server:25",
            &json!({}),
            false,
            "empty_database",
            "of a kind that is not copied",
        ),
        ("Cache", "memcached:1", &json!({}), false, "empty_database", "of a kind that is not copied"),
        ("Admin", "phpmyadmin:5", &app, false, "app", ""),
        ("Adminer", "adminer", &app, false, "app", ""),
        ("Exporter", "prom/mysqld-exporter", &app, false, "app", ""),
        ("Backup", "databack/mysql-backup", &app, false, "app", ""),
    ];
    for (number, (name, image, variables, has_volume, ..)) in services.iter().enumerate() {
        let values =
            variables.as_object().unwrap().iter().map(|(name, value)| (name.clone(), json!({ "value": value })));
        let mut change =
            json!({ "source": { "image": image }, "variables": values.collect::<serde_json::Map<_, _>>() });
        stage.world.add_service_row(name, std::time::Duration::ZERO).unwrap();
        stage.world.add_instance("production", name).unwrap();
        if *has_volume {
            change["volumeMounts"] =
                json!({ format!("00000000-0000-4000-8000-0000000000{number:02}"): { "mountPath": "/var/lib/mysql" } });
        }
        stage.world.change_service("production", name, &change).unwrap();
    }
    let request = stage.request(json!({ "databases": [{ "service": "Postgres" }], "web_service": "web" }));
    let (plan, call) = planned(&stage, &request).await;
    let told = plan["services"].as_array().unwrap_or_else(|| panic!("{}", call.stdout));
    for (name, _, _, _, role, because) in services {
        let told = told.iter().find(|one| one["service"] == name).unwrap();
        assert_eq!(told["role"], role, "{told}");
        assert!(told["because"].as_str().unwrap_or_default().contains(because), "{told}");
    }
}
