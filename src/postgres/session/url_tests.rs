use super::*;
use crate::postgres::session::endpoint::is_socket_dir;

fn refused(url: &str) -> String {
    crate::error::describe("parse", &Endpoint::parse(url).unwrap_err())
}

#[test]
fn a_url_is_read_with_all_its_parts() {
    let url =
        "postgresql://us%40er:p%2Fw@[::1]:5433,db.internal/shop?sslmode=require&connect_timeout=3&application_name=x";
    let endpoint = Endpoint::parse(url).unwrap();
    assert_eq!(endpoint.to_string(), "::1:5433,db.internal:5432/shop");
    assert_eq!(endpoint.user, "us@er");
    assert_eq!(endpoint.password.as_ref().unwrap().expose(), "p/w");
    assert_eq!(endpoint.tls, TlsMode::Require);
    assert_eq!(endpoint.connect_timeout, Duration::from_secs(3));
    assert!(!format!("{endpoint:?}").contains("p/w"));
}

#[test]
fn a_socket_directory_is_a_host() {
    let endpoint = Endpoint::parse("postgres://me@%2Ftmp%2Fpg/x").unwrap();
    assert!(is_socket_dir(&endpoint.hosts[0].0));
    let endpoint = Endpoint::parse("postgres://me@/x?host=/tmp/pg&port=5555").unwrap();
    assert_eq!(endpoint.hosts, [("/tmp/pg".to_owned(), 5555)]);
}

#[test]
fn a_missing_tcp_proxy_is_named() {
    assert!(refused("postgresql://postgres:secret@:/railway").contains("no TCP proxy"));
}

#[test]
fn an_unknown_parameter_is_refused_by_name() {
    assert!(refused("postgres://a:hidden@b/c?pgbouncer=true").contains("`pgbouncer` is not a parameter"));
    assert!(!refused("postgres://a:hidden@b/c?sslmode=maybe").contains("hidden"));
}

#[test]
fn verifying_needs_a_certificate() {
    assert!(refused("postgres://a@b/c?sslmode=verify-full").contains("sslrootcert"));
    let endpoint = Endpoint::parse("postgres://a@b/c?sslmode=require&sslrootcert=/x.pem").unwrap();
    assert_eq!(endpoint.tls, TlsMode::VerifyCa);
}

#[test]
fn settings_in_a_urls_options_are_known() {
    let endpoint = Endpoint::parse(
        "postgres://a@b/c?options=-c%20app.of%3Da%5C%20b%20-cTimeZone%3DUTC%20--search-path%3Dx%3Dy%20-e%20-c%20work_mem",
    );
    let settings = endpoint.unwrap().settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(settings, [("app.of", "a b"), ("TimeZone", "UTC"), ("search_path", "x=y")]);
}
