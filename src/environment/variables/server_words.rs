//! Schemes, ports and words by which a value, or a variable's name, says that a server is meant, and one that holds data.

/// Schemes of servers that hold data, as far as they stand before a `+`.
pub(super) const DATA_SCHEMES: &[&str] = &[
    "amqp",
    "amqps",
    "bolt",
    "cassandra",
    "clickhouse",
    "cockroachdb",
    "couchbase",
    "couchdb",
    "db2",
    "elasticsearch",
    "firebird",
    "influxdb",
    "kafka",
    "ldap",
    "ldaps",
    "mariadb",
    "memcached",
    "mongodb",
    "mssql",
    "mysql",
    "mysql2",
    "mysqlx",
    "nats",
    "neo4j",
    "oracle",
    "pgsql",
    "postgis",
    "postgres",
    "postgresql",
    "redis",
    "rediss",
    "snowflake",
    "sqlserver",
    "tds",
    "timescale",
    "valkey",
    "valkeys",
];

/// Schemes of what is on the same machine.
pub(super) const LOCAL_SCHEMES: &[&str] = &["data", "file", "memory", "sqlite", "sqlite3", "unix"];

/// Ports that servers of data listen on.
pub(super) const DATA_PORTS: &[u16] = &[
    1433, 1521, 3306, 4222, 5432, 5433, 5671, 5672, 6379, 6380, 6432, 7687, 8123, 9042, 9092, 9200, 11211, 26257,
    27017, 33060,
];

/// Words in the names of variables that say where data is.
pub(super) const DATA_NAMES: &[&str] = &[
    "AMQP",
    "CASSANDRA",
    "CLICKHOUSE",
    "DATABASE",
    "DB",
    "ELASTICSEARCH",
    "KAFKA",
    "MARIADB",
    "MEMCACHED",
    "MONGO",
    "MONGODB",
    "MONGOHOST",
    "MYSQL",
    "MYSQLHOST",
    "PG",
    "PGHOST",
    "PGHOSTADDR",
    "POSTGRES",
    "POSTGRESQL",
    "RABBITMQ",
    "REDIS",
    "REDISHOST",
    "SQL",
    "VALKEY",
];

/// How the last words of names end of variables that hold a bare host: `PGHOST`, `KAFKA_BROKERS`.
pub(super) const HOST_ENDS: &[&str] = &[
    "ADDR",
    "ADDRESS",
    "ADDRESSES",
    "BROKER",
    "BROKERS",
    "ENDPOINT",
    "ENDPOINTS",
    "HOST",
    "HOSTADDR",
    "HOSTNAME",
    "HOSTS",
    "NODES",
    "SERVER",
    "SERVERS",
    "URI",
    "URL",
];

/// What may stand behind such a word: `DB_HOST_REPLICA`, `DB_HOST_2`.
pub(super) const HOST_TAILS: &[&str] =
    &["MASTER", "PRIMARY", "RO", "READ", "REPLICA", "RW", "SECONDARY", "SLAVE", "WRITE"];

/// Words before a host in connection strings, and words that stand beside them where data is meant.
pub(super) const SERVER_WORDS: &[&str] = &[
    "address",
    "addr",
    "data source",
    "datasource",
    "host",
    "hostaddr",
    "hostname",
    "network address",
    "server",
    "servername",
];
pub(super) const BESIDE_SERVER: &[&str] =
    &["catalog", "database", "dbname", "driver", "password", "pwd", "uid", "user"];
