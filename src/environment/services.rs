//! Which part each service plays in a copy: database, app, or left out.

use crate::contract::request::CloneRequest;
use crate::engines::Kind;
use crate::railway::{Environment, Marks, ServiceInstance};

/// What becomes of a service in the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A database server whose data is copied.
    Database,
    /// A database server that was not asked for, or is of a kind that is not copied: it runs, empty.
    EmptyDatabase,
    App,
    /// Stays undeployed, as the request says.
    LeftOut,
    /// Stays undeployed, because of its schedule: without it, it would run its job at once.
    Cron,
}

impl Role {
    /// The part that `service` plays under `request`.
    pub(crate) fn of(service: &ServiceInstance, request: &CloneRequest) -> Self {
        let name = &service.service_name;
        let named = request.include_services.contains(name);
        if is_data_server(service) {
            let wanted = request.databases.is_empty() || request.databases.iter().any(|d| d.service == *name);
            let excluded = request.exclude_services.contains(name);
            return match (excluded, wanted && kind(service).is_some()) {
                (true, _) => Self::LeftOut,
                (false, true) => Self::Database,
                (false, false) => Self::EmptyDatabase,
            };
        }
        if request.exclude_services.contains(name) || (!request.include_services.is_empty() && !named) {
            Self::LeftOut
        } else if service.cron_schedule.is_some() && !named {
            Self::Cron
        } else {
            Self::App
        }
    }
}

/// The kind of database server that a service is: its variables, ports and volumes tell, and its image does not. Of a cluster it is the
/// service before it, by which alone it is spoken to.
pub(crate) fn kind(service: &ServiceInstance) -> Option<Kind> {
    let Marks { variables, own_variables, proxied_ports, mount_paths } = &service.marks;
    if Kind::is_of_cluster(variables) {
        return None;
    }
    let image = service.image();
    let behind = image.and_then(|image| Kind::behind(image, variables));
    behind.or_else(|| Kind::of_marks(own_variables, proxied_ports, mount_paths, image))
}

/// Whether a service is a database server that runs in the copy as it comes, since nothing of its kind is copied.
pub(crate) fn is_of_uncopied_kind(service: &ServiceInstance, request: &CloneRequest) -> bool {
    Role::of(service, request) == Role::EmptyDatabase && kind(service).is_none()
}

/// Why a database server comes up without the source's rows.
pub(crate) fn why_empty(service: &ServiceInstance) -> &'static str {
    if Kind::is_of_cluster(&service.marks.variables) {
        "is one of a cluster's servers, which get their rows from the cluster"
    } else if kind(service).is_some() {
        "is not in `databases`, so it comes up empty"
    } else if service.image().and_then(Kind::called_in).is_some() {
        "is called a database server by its image, and neither variables nor volume nor a TCP proxy say that it is one: it comes up empty"
    } else {
        "is a database of a kind that is not copied, so it comes up empty"
    }
}

/// Whether a service is no database by its marks, and is called after one by its image.
pub(crate) fn is_only_called_database(service: &ServiceInstance) -> bool {
    kind(service).is_none() && service.image().and_then(Kind::called_in).is_some()
}

/// What the images of servers are called that hold data, whether it is copied or not.
const DATA_SERVERS: &[&str] = &[
    "clickhouse",
    "clickhouse-server",
    "cockroach",
    "dragonfly",
    "keydb",
    "mariadb",
    "mariadb-galera",
    "memcached",
    "mongo",
    "mongodb",
    "mongodb-community-server",
    "mongodb-enterprise-server",
    "mongodb-sharded",
    "mysql",
    "mysql-server",
    "percona",
    "percona-server",
    "percona-server-mongodb",
    "percona-xtradb-cluster",
    "pgvector",
    "pgvecto-rs",
    "postgis",
    "postgres",
    "postgres-ha",
    "postgres-ssl",
    "postgresql",
    "postgresql-repmgr",
    "rabbitmq",
    "redis",
    "redis-cluster",
    "redis-stack",
    "redis-stack-server",
    "timescaledb",
    "timescaledb-ha",
    "valkey",
    "valkey-bundle",
    "valkey-cluster",
];

/// Whether a service is a server that holds data, of any kind: its passwords are a copy's own even where its data is not copied.
pub(crate) fn is_data_server(service: &ServiceInstance) -> bool {
    kind(service).is_some()
        || Kind::is_of_cluster(&service.marks.variables)
        || service.image().is_some_and(is_of_data_server)
}

/// Whether a service is a server that holds data and whose image is called so, as far as its last part goes.
pub(crate) fn is_called(service: &ServiceInstance, name: &str) -> bool {
    let image = service.image().filter(|image| is_of_data_server(image)).unwrap_or_default();
    image.rsplit('/').next().is_some_and(|last| last.to_lowercase().starts_with(name))
}

/// Whether an image is one of a server: what backs one up, watches or shows it is mostly called after it, too.
fn is_of_data_server(image: &str) -> bool {
    let image = image.to_lowercase();
    let without_digest = image.split('@').next().unwrap_or_default();
    let last = without_digest.rsplit('/').next().unwrap_or_default();
    DATA_SERVERS.contains(&last.split(':').next().unwrap_or_default())
}

/// The services of `environment` that play one of `roles`, by name.
pub(crate) fn with_role<'a>(
    environment: &'a Environment,
    request: &CloneRequest,
    roles: &[Role],
) -> Vec<&'a ServiceInstance> {
    environment.service_instances.iter().filter(|s| roles.contains(&Role::of(s, request))).collect()
}

/// The databases that `request` wants copied.
pub(crate) fn databases<'a>(environment: &'a Environment, request: &CloneRequest) -> Vec<&'a ServiceInstance> {
    with_role(environment, request, &[Role::Database])
}

/// The service that people visit: the one that was named, or else the only app with a public domain.
pub(crate) fn web<'a>(environment: &'a Environment, request: &CloneRequest) -> Option<&'a ServiceInstance> {
    if let Some(name) = &request.web_service {
        return environment.service(name);
    }
    let mut public = with_role(environment, request, &[Role::App]).into_iter().filter(|s| s.hosts().next().is_some());
    public.next().filter(|_| public.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_the_whole_name_of_its_image() {
        for image in [
            "redis",
            "bitnami/redis:7.2.5",
            "docker.io/library/mysql:9",
            "ghcr.io/railwayapp-templates/postgres-ssl:16",
            "localhost:5000/mongo",
            "mongo@sha256:abc",
            "Valkey/valkey",
            "timescale/timescaledb-ha:pg16",
        ] {
            assert!(is_of_data_server(image), "{image}");
        }
        for image in [
            "postgrest/postgrest",
            "siemens/postgres-backup-s3:16",
            "oliver006/redis_exporter",
            "mongo-express",
            "rediscommander/redis-commander",
            "ghcr.io/acme/app:redis",
            "redis/web",
            "",
        ] {
            assert!(!is_of_data_server(image), "{image}");
        }
    }
}
