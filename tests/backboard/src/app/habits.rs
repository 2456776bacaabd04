//! What sites do with a request before any page of theirs is shown: much of it follows from headers that whoever stands
//! before them must get right.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The token that the site itself gives to programs.
const TOKEN: &str = "Bearer canary-of-the-app";

/// An answer that is no page.
pub(super) fn answer(host: Option<&str>, request: &Parts) -> Option<Response> {
    let of = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    // WordPress sends whoever has come without TLS to where there is some.
    if let (Some("http"), Some(host)) = (of("x-forwarded-proto"), host) {
        let location = format!("https://{host}{}", request.uri.path());
        return Some((StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, location)]).into_response());
    }
    if request.method == Method::OPTIONS && of("access-control-request-method").is_some() {
        let origin = of("origin").unwrap_or("*").to_owned();
        let mut headers = told(request);
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.parse().ok()?);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization"));
        headers.insert(header::SET_COOKIE, HeaderValue::from_static("canary-of-the-app=1"));
        return Some((StatusCode::OK, headers, "canary of the app").into_response());
    }
    // WordPress takes a name and a password for those of an application, and knows none such.
    let authorization = of("authorization")?;
    if authorization.starts_with("Basic ") {
        return Some((StatusCode::UNAUTHORIZED, told(request), "incorrect_password").into_response());
    }
    (authorization == TOKEN).then(|| (told(request), "hello, program").into_response())
}

/// What the site tells of the headers that it got.
pub(super) fn told(request: &Parts) -> HeaderMap {
    let mut names: Vec<_> = request.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let cookies = request.headers.get(header::COOKIE).cloned();
    let mut told = HeaderMap::new();
    told.insert("x-app-saw", HeaderValue::from_str(&names.join(",")).unwrap_or(HeaderValue::from_static("")));
    told.insert("x-app-cookies", cookies.unwrap_or(HeaderValue::from_static("")));
    told.insert("x-robots-tag", HeaderValue::from_static("all"));
    told
}
