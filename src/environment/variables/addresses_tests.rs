use super::*;

fn told(name: &str, value: &str) -> Vec<String> {
    let is_known = |host: &str| host == "known.example";
    let mark = |a: Address| {
        let port = a.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{}{port}", if a.holds_data { "!" } else { "" }, a.host)
    };
    addresses(name, value, &is_known).into_iter().map(mark).collect()
}

#[test]
fn servers_of_data_are_found_in_every_way_of_writing_them() {
    for (name, value, expected) in [
        ("X", "postgresql+asyncpg://u:p@db.example:5432/x", "!db.example:5432"),
        ("X", "jdbc:postgresql://db.example/x?user=u", "!db.example"),
        ("X", "jdbc:sqlserver://db.example:1433;databaseName=x", "!db.example:1433"),
        ("X", "jdbc:oracle:thin:@db.example:1521:xe", "!db.example:1521"),
        ("X", "mongodb+srv://u:p@cluster.example/x", "!cluster.example"),
        ("X", "REDISS://:p/w@Cache.Example.:6380", "!cache.example:6380"),
        ("X", "host=db.example port=6000 dbname=x", "!db.example:6000"),
        ("X", "postgres:///x?host=db.example&user=u", "!db.example"),
        ("X", "Server=tcp:db.example,1433;Initial Catalog=x;", "!db.example:1433"),
        ("X", "Data Source=db.example\\SQL;User Id=u", "!db.example"),
        ("X", "Driver={ODBC};Server=db.example;Uid=u", "!db.example"),
        ("X", "mysql:host=db.example;port=3307;dbname=x", "!db.example:3307"),
        ("X", "u:p@tcp(db.example:3306)/x", "!db.example:3306"),
        ("X", "db.example:5432", "!db.example:5432"),
        ("X", "u:p@db.example:5432/x", "!db.example:5432"),
        ("X", "{\"db\":\"db.example:27017\"}", "!db.example:27017"),
        ("DB_HOST", "db.example", "!db.example"),
        ("PGHOST", "10.0.0.7", "!10.0.0.7"),
        ("REDIS_REST_URL", "https://cache.example/x", "!cache.example"),
        ("X", "postgres://u:p@db%2Eexample/x", "!db.example"),
        ("WP_REDIS_HOST", "cache.example", "!cache.example"),
        ("WP_REDIS_SERVERS", "tcp://cache.example:6379?alias=a", "!cache.example:6379"),
        ("WP_REDIS_CONFIG", "{\"token\":\"t\",\"host\":\"cache.example\",\"port\":7000}", "!cache.example"),
        (
            "WORDPRESS_CONFIG_EXTRA",
            "define('WP_CACHE', true); define('WP_REDIS_HOST', 'cache.example');",
            "!cache.example",
        ),
        ("WORDPRESS_CONFIG_EXTRA", "define( \"DB_HOST\" , \"db.example:3307\" );", "!db.example:3307"),
        ("X", "['redis_host' => 'cache.example', 'port' => 1]", "!cache.example"),
    ] {
        assert_eq!(told(name, value), [expected], "{value}");
    }
    assert_eq!(told("X", "kafka://a.example:1,b.example:2"), ["!a.example:1", "!b.example:2"]);
}

#[test]
fn other_servers_are_found_and_what_is_none_is_not() {
    for (name, value, expected) in [
        ("X", "https://api.example/x", "api.example"),
        ("X", "smtp://u:p@mail.example:587", "mail.example:587"),
        ("SMTP_HOST", "mail.example", "mail.example"),
        ("X", "{\"host\": \"api.example\"}", "api.example"),
        ("X", "see known.example for it", "known.example"),
        ("X", "192.0.2.1", "192.0.2.1"),
    ] {
        assert_eq!(told(name, value), [expected], "{value}");
    }
    for value in [
        "12:30",
        "postgres:16",
        "1.2.3",
        "index.php",
        "me@example.com",
        "sqlite:///x.db",
        "file:///tmp/x",
        "a=b",
        "en_US.UTF-8",
    ] {
        assert!(told("X", value).is_empty(), "{value}: {:?}", told("X", value));
    }
}

#[test]
fn dotted_words_are_hosts_only_where_the_name_says_host() {
    for (name, value) in [
        ("DB_ENGINE", "django.db.backends.postgresql"),
        ("SQL_ENGINE", "django.db.backends.mysql"),
        ("DB_DRIVER", "org.postgresql.Driver"),
        ("DB_DIALECT", "org.hibernate.dialect.PostgreSQLDialect"),
        ("DB_FILENAME", "database.sqlite"),
        ("DATABASE_FILE", "data.db"),
        ("REDIS_PREFIX", "shop.example.com"),
        ("DATABASE", "data.db"),
    ] {
        assert!(told(name, value).is_empty(), "{name}: {:?}", told(name, value));
    }
    for name in
        ["DB_HOST", "dbHost", "DB_HOST_2", "DB_HOST_REPLICA", "PGHOST", "MYSQLHOST", "REDIS_ENDPOINT", "MONGO_URL"]
    {
        assert_eq!(told(name, "db.example"), ["!db.example"], "{name}");
    }
    assert_eq!(told("REDIS_PREFIX", "known.example"), ["!known.example"]);
}
