//! Railway's templates for databases, and what deploying one does: services of the project, staged in one environment.

use super::{Answer, Model, Service, Start};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A template as it is fetched.
pub(crate) struct Template {
    pub(crate) id: &'static str,
    /// None of one that is known by its id alone.
    pub(crate) code: Option<&'static str>,
    pub(crate) name: &'static str,
    pub(crate) config: Value,
}

/// The template with this code or id.
pub(crate) fn find(code: Option<&str>, id: Option<&str>) -> Answer<Template> {
    let found = all().into_iter().find(|one| code.is_some_and(|code| one.code == Some(code)) || id == Some(one.id));
    found.ok_or("Template not found".into())
}

fn all() -> [Template; 4] {
    let secret =
        || json!({ "defaultValue": "${{secret(32, \"abcdefghijklmnopqrstuvwxyz0123456789\")}}", "isOptional": false });
    let fixed = |value: &str| json!({ "defaultValue": value, "isOptional": false });
    let optional = || json!({ "defaultValue": "", "isOptional": true });
    let service = |name: &str, image: &str, mount: &str, variables: Value| {
        json!({ "services": { "root": {
            "name": name, "source": { "image": image }, "deploy": { "requiredMountPath": mount },
            "volumeMounts": { "root": { "mountPath": mount } }, "variables": variables,
        } } })
    };
    let postgres = json!({
        "POSTGRES_DB": fixed("railway"), "POSTGRES_USER": fixed("postgres"), "POSTGRES_PASSWORD": secret(), "PGPORT": fixed("5432"),
        "PGUSER": fixed("${{POSTGRES_USER}}"), "PGPASSWORD": fixed("${{POSTGRES_PASSWORD}}"), "PGDATABASE": fixed("${{POSTGRES_DB}}"),
        "PGHOST": fixed("${{RAILWAY_PRIVATE_DOMAIN}}"), "PGDATA": fixed("/var/lib/postgresql/data/pgdata"), "NOTE": optional(),
        "DATABASE_URL": fixed("postgresql://${{PGUSER}}:${{POSTGRES_PASSWORD}}@${{RAILWAY_PRIVATE_DOMAIN}}:5432/${{PGDATABASE}}"),
    });
    let redis = json!({
        "REDIS_PASSWORD": secret(), "REDISHOST": fixed("${{RAILWAY_PRIVATE_DOMAIN}}"), "NOTE": optional(),
        "REDIS_URL": fixed("redis://default:${{REDIS_PASSWORD}}@${{RAILWAY_PRIVATE_DOMAIN}}:6379"),
    });
    let mysql = json!({
        "MYSQL_ROOT_PASSWORD": secret(), "MYSQL_DATABASE": fixed("railway"),
        "MYSQL_URL": fixed("mysql://root:${{MYSQL_ROOT_PASSWORD}}@${{RAILWAY_PRIVATE_DOMAIN}}:3306/${{MYSQL_DATABASE}}"),
    });
    let pg_image = "ghcr.io/railwayapp-templates/postgres-ssl:18";
    [
        Template {
            id: "b55da7dc-09be-4140-bc65-1284d15d349c",
            code: Some("postgres"),
            name: "Postgres",
            config: service("Postgres", pg_image, "/var/lib/postgresql/data", postgres),
        },
        Template {
            id: "895cb7c9-8ea9-4407-b4b6-b5013a65145e",
            code: Some("redis"),
            name: "Redis",
            config: service("Redis", "redis:8.2", "/data", redis),
        },
        Template {
            id: "ec0a8fc1-9a3e-4d3c-bd6f-3a2b8d9a3a10",
            code: Some("mysql"),
            name: "MySQL",
            config: service("MySQL", "mysql:9.4", "/var/lib/mysql", mysql.clone()),
        },
        Template {
            id: "0f5a3a0e-4c1f-4f0e-9d68-7f1d5a0b7c11",
            code: None,
            name: "MariaDB",
            config: service("MariaDB", "mariadb:11", "/var/lib/mysql", mysql),
        },
    ]
}

impl Model {
    /// Makes a template's services in the project, and stages them in one environment; unless it is only to be staged, commits and deploys.
    pub(crate) fn deploy_template(&mut self, environment: Uuid, config: &Value, stage_only: bool) -> Answer<()> {
        let (mut services, mut volumes) = (Map::new(), Map::new());
        for settings in config["services"].as_object().into_iter().flat_map(Map::values) {
            let project_id = self.project_of(environment)?.id;
            let project = self.project_mut(project_id)?;
            let wanted = settings["name"].as_str().unwrap_or("service").to_owned();
            let taken = |name: &String| project.services.iter().any(|service| service.name == *name);
            let mut names = std::iter::once(wanted.clone()).chain((2..).map(|n| format!("{wanted}-{n}")));
            let name = names.find(|name| !taken(name)).unwrap_or_default();
            let (id, volume) = (Uuid::new_v4(), Uuid::new_v4());
            project.services.push(Service {
                id,
                name: name.clone(),
                created_at: Timestamp::now(),
                uploaded: false,
                start: Start::default(),
            });
            project.volumes.insert(volume, format!("{}-volume", super::slug(&name)));
            let mut mounts = Map::new();
            for mount in settings["volumeMounts"].as_object().into_iter().flat_map(Map::values) {
                mounts.insert(volume.to_string(), mount.clone());
                volumes.insert(volume.to_string(), json!({ "region": "us-west1", "sizeMB": 5000, "isCreated": true }));
            }
            services.insert(
                id.to_string(),
                json!({
                    "isCreated": true, "source": settings["source"], "deploy": settings["deploy"], "volumeMounts": mounts,
                    "variables": variables(&settings["variables"])?,
                }),
            );
        }
        self.stage(environment, json!({ "services": services, "volumes": volumes }), true)?;
        if !stage_only {
            self.commit_staged(environment, None, false)?;
        }
        Ok(())
    }
}

/// A template's variables as an environment has them: what is asked for and not given is refused.
fn variables(asked: &Value) -> Answer<Value> {
    let mut given = Map::new();
    for (name, setting) in asked.as_object().into_iter().flatten() {
        match setting["value"].as_str() {
            Some(value) => drop(given.insert(name.clone(), json!({ "value": generated(value) }))),
            None if setting["isOptional"] == true => {}
            None => return Err("Missing required variable".into()),
        }
    }
    Ok(Value::Object(given))
}

/// Railway's `secret()` in a template becomes a value of its own.
fn generated(value: &str) -> String {
    if value.starts_with("${{secret(") { format!("canary-added-{}", Uuid::new_v4().simple()) } else { value.to_owned() }
}
