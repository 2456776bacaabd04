//! The world's first state: the project `acme` with a shop in production.

mod databases;
mod site;

use super::config::Config;
use super::deployments::{Deployment, DeploymentStatus, released_commit};
use super::usage::Usage;
use super::{Environment, Habits, HandleKind, Instance, Model, Project, Service, Start};
use crate::options::{ExtraService, WorldOptions};
use crate::ports::Ports;
use crate::wordpress::{self, SiteFiles};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// Where the shop of the fixture lives.
pub(crate) const SITE_HOST: &str = "shop.example.com";

pub(crate) fn model(options: &WorldOptions, ports: Arc<Ports>) -> Model {
    let mut acme = Seed::new("acme");
    acme.add_shop();
    for extra in &options.extra_services {
        acme.add_extra(*extra, options.site_files);
    }
    let mut projects = vec![acme.project(&ports)];
    if options.second_project {
        let mut other = Seed::new("globex");
        other.add("site", &json!({ "source": repo("globex/site"), "variables": {} }));
        projects.push(other.project(&ports));
    }
    Model {
        projects,
        foreign_domains: BTreeSet::new(),
        reserved_names: Vec::new(),
        effects: Vec::new(),
        usage: Usage::default(),
        ssh_keys: Vec::new(),
        habits: Habits {
            lag: options.lag,
            name_reserved: options.name_reserved,
            clone_tcp_proxies: options.clone_tcp_proxies,
            copy_forgets: options.copy_forgets.clone(),
        },
        ports,
    }
}

struct Seed {
    name: &'static str,
    services: Vec<Service>,
    volumes: BTreeMap<Uuid, String>,
    config: Config,
}

fn repo(name: &str) -> Value {
    json!({ "repo": name, "branch": "main" })
}

fn values(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), json!({ "value": value }))).collect()
}

impl Seed {
    fn new(name: &'static str) -> Self {
        Seed { name, services: Vec::new(), volumes: BTreeMap::new(), config: Config::default() }
    }

    fn add(&mut self, name: &str, settings: &Value) -> Uuid {
        let id = Uuid::new_v4();
        self.services.push(Service {
            id,
            name: name.into(),
            created_at: Timestamp::now(),
            uploaded: false,
            start: Start::default(),
        });
        self.config.apply(&json!({ "services": { id.to_string(): settings } }));
        id
    }

    fn add_volume(&mut self, name: &str) -> String {
        let id = Uuid::new_v4();
        self.volumes.insert(id, name.to_owned());
        let volume = json!({ "region": "us-west1", "sizeMB": 5000 });
        self.config.apply(&json!({ "volumes": { id.to_string(): volume } }));
        id.to_string()
    }

    fn add_shop(&mut self) {
        self.config.apply(&json!({
            "sharedVariables": values(&[("SITE_NAME", "Acme Outfitters"), ("MAIL_FROM", "orders@shop.example.com")]),
        }));
        self.add_database("Postgres");
        let label = format!("web-production-{}.{}", random(4), super::domains::SUFFIX);
        let mut web = values(&[
            ("DATABASE_URL", "${{Postgres.DATABASE_URL}}"),
            ("WP_HOME", "https://shop.example.com"),
            ("WP_SITEURL", "https://shop.example.com"),
            ("WP_ENVIRONMENT_TYPE", "production"),
            ("SITE_NAME", "${{shared.SITE_NAME}}"),
            ("STRIPE_SECRET_KEY", "sk_live_51Canary0variable0web"),
            ("SMTP_URL", "smtp://orders:canary-smtp-password@mail.example.com:587"),
        ]);
        web["SESSION_SECRET"] = json!({ "value": "canary-sealed-session-secret", "isSealed": true });
        self.add(
            "web",
            &json!({
                "source": repo("acme/shop"),
                "deploy": { "startCommand": "php-fpm", "healthcheckPath": "/" },
                "networking": {
                    "serviceDomains": { label: { "port": 8080 } },
                    "customDomains": { SITE_HOST: { "port": 8080 } },
                },
                "variables": web,
            }),
        );
        let worker = [("DATABASE_URL", "${{Postgres.DATABASE_URL}}"), ("SHOP_URL", "https://shop.example.com/wp-json")];
        self.add("worker", &json!({ "source": repo("acme/worker"), "variables": values(&worker) }));
        let nightly = [("DATABASE_URL", "${{Postgres.DATABASE_URL}}")];
        self.add(
            "nightly",
            &json!({
                "source": repo("acme/nightly"),
                "deploy": { "cronSchedule": "0 3 * * *" },
                "variables": values(&nightly),
            }),
        );
    }

    fn add_extra(&mut self, extra: ExtraService, files: Option<SiteFiles>) {
        match extra {
            ExtraService::Upload => {
                self.add("uploaded", &json!({ "variables": values(&[("KIND", "upload")]) }));
                if let Some(service) = self.services.last_mut() {
                    service.uploaded = true;
                }
            }
            ExtraService::Media => {
                let volume = self.add_volume("media-volume");
                let mount = json!({ volume: { "mountPath": "/app/uploads" } });
                self.add("media", &json!({ "source": repo("acme/media"), "volumeMounts": mount, "variables": {} }));
            }
            ExtraService::Redis => {
                let url = [("REDIS_URL", "redis://default:canary-redis@${{RAILWAY_PRIVATE_DOMAIN}}:6379")];
                self.add("Redis", &json!({ "source": { "image": "redis:8" }, "variables": values(&url) }));
            }
            ExtraService::SecondDatabase => self.add_database("Analytics"),
            ExtraService::MariaDb => self.add_mariadb("MariaDB", "mariadb:latest"),
            ExtraService::WordPress => {
                self.add_wordpress(&format!("define('WP_HOME', 'https://{}');", wordpress::HOST), files);
            }
            ExtraService::WordPressNetwork => self.add_wordpress(wordpress::NETWORK_EXTRA, files),
            ExtraService::OldMariaDb => self.add_mariadb("Legacy", "mariadb:10.11"),
            ExtraService::Mysql => self.add_mysql(),
            ExtraService::Postgis => {
                let volume = self.add_volume("places-volume");
                let password = format!("canary-places-{}", random(20));
                self.add(
                    "Places",
                    &json!({
                        "source": { "image": "postgis/postgis:18-3.6" },
                        "networking": { "tcpProxies": { "5432": {} } },
                        "volumeMounts": { volume: { "mountPath": "/var/lib/postgresql/data" } },
                        "variables": values(&[("POSTGRES_PASSWORD", &password)]),
                    }),
                );
            }
        }
    }

    fn project(self, ports: &Ports) -> Project {
        let (project_id, id) = (Uuid::new_v4(), Uuid::new_v4());
        let mut production = Environment {
            id,
            project_id,
            name: "production".into(),
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
            is_ephemeral: false,
            source_environment_id: None,
            config: self.config,
            staged: None,
            patches: Vec::new(),
            instances: BTreeMap::new(),
            deleting: false,
        };
        production.settle(ports, |_| Instant::now());
        for (service, instance) in &mut production.instances {
            let config = production.config.service(*service);
            instance.deployments.push(first_deployment(config));
            verify_site_domains(instance);
            instance.handles.values_mut().for_each(|handle| handle.acts = true);
        }
        Project {
            id: project_id,
            name: self.name.to_owned(),
            created_at: Timestamp::now(),
            base_environment_id: id,
            services: self.services,
            volumes: self.volumes,
            buckets: BTreeMap::new(),
            environments: vec![production],
        }
    }
}

fn verify_site_domains(instance: &mut Instance) {
    for host in [SITE_HOST, wordpress::HOST] {
        if let Some(handle) = instance.handles.get_mut(&HandleKind::CustomDomain.key(host)) {
            handle.verified = true;
            handle.certificate = "VALID";
        }
    }
}

fn first_deployment(config: &Value) -> Deployment {
    let meta = match (config["source"]["repo"].as_str(), config["source"]["image"].as_str()) {
        (Some(repo), _) => json!({
            "repo": repo, "branch": "main", "commitHash": released_commit(repo), "commitMessage": "Release", "reason": "deploy",
        }),
        (None, Some(image)) => json!({ "image": image, "reason": "deploy" }),
        (None, None) => json!({ "reason": "deploy", "cliMessage": "railway up" }),
    };
    Deployment {
        id: Uuid::new_v4(),
        created_at: Timestamp::now(),
        updated_at: Timestamp::now(),
        status: DeploymentStatus::Success,
        meta,
        files: None,
        stopped: false,
        build_log: Vec::new(),
        log: Vec::new(),
    }
}

fn random(length: usize) -> String {
    Uuid::new_v4().simple().to_string()[..length].to_owned()
}
