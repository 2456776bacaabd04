//! What tells a kind of database at Railway: the variables, ports, volumes and images of its services, and the names of its logins.

use std::collections::BTreeSet;

/// A kind of database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    Mysql,
    Mariadb,
}

/// What Railway's services of a kind have in common.
pub(crate) struct KindTraits {
    /// What its images are mostly called; that alone tells nothing.
    called: &'static str,
    /// Variables that only its server reads.
    server_variables: &'static [&'static str],
    /// What the path has in it where it keeps its data.
    mount: &'static str,
    /// The port that it listens on inside Railway, and so the one that its TCP proxy leads to.
    pub port: u16,
    /// Variables with a URL by which it is reached from outside, best first: a pooled address cannot give a snapshot.
    pub public_urls: &'static [&'static str],
    /// Its logins, best first for one that reads.
    pub logins: &'static [LoginNames],
    /// The login that may make databases, where it is found first.
    pub administrator: &'static [LoginNames],
    /// What stands before a cluster of its servers, if anything does.
    front: Option<&'static Front>,
    /// Variables that say which database, best first; where none does, it is called like the login, if `is_called_like_login`.
    pub database: &'static [&'static str],
    pub is_called_like_login: bool,
}

/// What Railway's clusters of a kind have: several servers, none of which is spoken to, behind a proxy that is.
struct Front {
    /// A part of the proxy's image.
    image: &'static str,
    /// Which servers the proxy leads to.
    nodes: &'static str,
    /// What each of the servers knows the others by.
    seeds: &'static str,
}

/// The variables that hold a login, best first.
pub(crate) struct LoginNames {
    pub user: &'static [&'static str],
    /// Who it is where none of these says it.
    pub usual_user: Option<&'static str>,
    pub password: &'static [&'static str],
}

const POSTGRES_LOGIN: LoginNames = LoginNames {
    user: &["PGUSER", "POSTGRES_USER"],
    usual_user: Some("postgres"),
    password: &["POSTGRES_PASSWORD", "PGPASSWORD"],
};
const MYSQL_ROOT: LoginNames =
    LoginNames { user: &[], usual_user: Some("root"), password: &["MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"] };
const MARIADB_ROOT: LoginNames =
    LoginNames { user: &[], usual_user: Some("root"), password: &["MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD"] };
/// Railway's own names.
const MYSQL_OWN: LoginNames = LoginNames { user: &["MYSQLUSER"], usual_user: None, password: &["MYSQLPASSWORD"] };
/// Both images read the variables of the older one.
const MYSQL_USER: LoginNames = LoginNames { user: &["MYSQL_USER"], usual_user: None, password: &["MYSQL_PASSWORD"] };

impl Kind {
    /// Every kind.
    pub(crate) const ALL: &'static [Self] = &[Self::Postgres, Self::Mysql, Self::Mariadb];

    /// What holds for its services.
    pub(crate) fn traits(self) -> &'static KindTraits {
        match self {
            Self::Postgres => &KindTraits {
                called: "postgres",
                server_variables: &["POSTGRES_PASSWORD", "PGDATA"],
                mount: "/postgresql",
                port: 5432,
                public_urls: &["DATABASE_PUBLIC_UNPOOLED_URL", "DATABASE_PUBLIC_URL"],
                logins: &[POSTGRES_LOGIN],
                administrator: &[POSTGRES_LOGIN],
                front: None,
                database: &["PGDATABASE", "POSTGRES_DB"],
                is_called_like_login: true,
            },
            Self::Mysql => &KindTraits {
                called: "mysql",
                server_variables: &["MYSQL_ROOT_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD", "MYSQL_ALLOW_EMPTY_PASSWORD"],
                mount: "/var/lib/mysql",
                port: 3306,
                public_urls: &["MYSQL_PUBLIC_URL"],
                logins: &[MYSQL_OWN, MYSQL_USER, MYSQL_ROOT],
                administrator: &[MYSQL_ROOT, MYSQL_OWN],
                front: Some(&Front { image: "mysql-ha/haproxy", nodes: "MYSQL_NODES", seeds: "GR_SEEDS" }),
                database: &["MYSQLDATABASE", "MYSQL_DATABASE"],
                is_called_like_login: false,
            },
            Self::Mariadb => &KindTraits {
                called: "mariadb",
                server_variables: &[
                    "MARIADB_ROOT_PASSWORD",
                    "MARIADB_ROOT_PASSWORD_HASH",
                    "MARIADB_RANDOM_ROOT_PASSWORD",
                    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
                    "MYSQL_ROOT_PASSWORD",
                ],
                mount: "/var/lib/mysql",
                port: 3306,
                public_urls: &["MARIADB_PUBLIC_URL", "MYSQL_PUBLIC_URL"],
                logins: &[
                    LoginNames { user: &["MARIADB_USER"], usual_user: None, password: &["MARIADB_PASSWORD"] },
                    MYSQL_USER,
                    MARIADB_ROOT,
                ],
                administrator: &[MARIADB_ROOT],
                front: None,
                database: &["MARIADB_DATABASE", "MYSQL_DATABASE"],
                is_called_like_login: false,
            },
        }
    }

    /// The kind of server that a service with these marks is: two of them must say so, since apps have one or the other, too. What more
    /// of them say wins, and between equals the name of the image, which alone tells nothing.
    pub(crate) fn of_marks(
        own_variables: &BTreeSet<String>,
        ports: &BTreeSet<u16>,
        mounts: &[String],
        image: Option<&str>,
    ) -> Option<Self> {
        let marks = |kind: Self| {
            let KindTraits { server_variables, port, mount, .. } = kind.traits();
            let variables = server_variables.iter().filter(|name| own_variables.contains(**name)).count();
            let is_mounted = mounts.iter().any(|path| path.contains(mount));
            variables + usize::from(ports.contains(port)) + usize::from(is_mounted)
        };
        let called = image.and_then(Self::called_in);
        let are_of = Self::ALL.iter().rev().copied().filter(|kind| marks(*kind) >= 2);
        are_of.max_by_key(|kind| (marks(*kind), called == Some(*kind)))
    }

    /// The kind of the servers that a service with this image and these variables stands before.
    pub(crate) fn behind(image: &str, variables: &BTreeSet<String>) -> Option<Self> {
        let is_before = |front: &Front| image.to_lowercase().contains(front.image) && variables.contains(front.nodes);
        Self::ALL.iter().copied().find(|kind| kind.traits().front.is_some_and(is_before))
    }

    /// Whether a service with these variables is one of several servers behind such a service.
    pub(crate) fn is_of_cluster(variables: &BTreeSet<String>) -> bool {
        let fronts = Self::ALL.iter().filter_map(|kind| kind.traits().front);
        fronts.into_iter().any(|front| variables.contains(front.seeds))
    }

    /// The kind that an image is called after.
    pub(crate) fn called_in(image: &str) -> Option<Self> {
        let image = image.to_lowercase();
        Self::ALL.iter().copied().find(|kind| image.contains(kind.traits().called))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_server_is_known_by_two_marks_and_its_kind_by_most() {
        let mount = ["/var/lib/mysql".to_owned()];
        for (names, port, mounts, image, kind) in [
            (&["MYSQL_ROOT_PASSWORD"][..], None, &mount[..], "mysql:9.4", Some(Kind::Mysql)),
            (&["MYSQL_ROOT_PASSWORD", "MYSQLHOST"], Some(3306), &[], "percona", Some(Kind::Mysql)),
            (&["MARIADB_ROOT_PASSWORD"], Some(3306), &mount, "mariadb", Some(Kind::Mariadb)),
            // MariaDB's image reads the names of MySQL's.
            (&["MYSQL_ROOT_PASSWORD"], Some(3306), &mount, "mariadb:11", Some(Kind::Mariadb)),
            (&["MARIADB_ROOT_PASSWORD"], None, &mount, "ghcr.io/acme/mysql", Some(Kind::Mariadb)),
            (&[], Some(3306), &mount, "acme/db", Some(Kind::Mysql)),
            (&["POSTGRES_PASSWORD"], Some(5432), &[], "acme/db", Some(Kind::Postgres)),
            // Apps have one or the other, and whatever shows a database has its name.
            (&["WORDPRESS_DB_HOST", "WORDPRESS_DB_PASSWORD", "MYSQL_URL"], None, &[], "wordpress", None),
            (&["MYSQL_ROOT_PASSWORD"], None, &[], "phpmyadmin", None),
            (&[], None, &[], "mysql:9", None),
        ] {
            let ports = port.into_iter().collect();
            assert_eq!(Kind::of_marks(&set(names), &ports, mounts, Some(image)), kind, "{names:?} {image}");
        }
    }

    #[test]
    fn of_a_cluster_only_the_proxy_is_spoken_to() {
        let image = "ghcr.io/railwayapp-templates/mysql-ha/haproxy:1";
        assert_eq!(Kind::behind(image, &set(&["MYSQL_NODES", "MYSQLUSER"])), Some(Kind::Mysql));
        assert_eq!(Kind::behind(image, &set(&[])), None);
        assert_eq!(Kind::behind("haproxy", &set(&["MYSQL_NODES"])), None);
        assert!(Kind::is_of_cluster(&set(&["GR_SEEDS", "MYSQL_ROOT_PASSWORD"])));
        assert!(!Kind::is_of_cluster(&set(&["MYSQL_ROOT_PASSWORD"])));
    }
}
