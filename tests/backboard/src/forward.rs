//! An HTTP request handed on to a port of this machine.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What concerns one connection alone.
const OF_A_CONNECTION: &[&str] = &["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"];

/// Sends a request to a port, and hands back what is answered there.
pub(crate) async fn request(port: u16, request: Request<Body>) -> Response {
    match try_request(port, request).await {
        Ok(response) => response,
        Err(error) => no_answer(&format!("{error:#}")),
    }
}

async fn try_request(port: u16, mut request: Request<Body>) -> anyhow::Result<Response> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    drop_of_connection(request.headers_mut());
    let mut response = sender.send_request(request).await?.map(Body::new);
    drop_of_connection(response.headers_mut());
    response.headers_mut().remove(header::CONTENT_LENGTH);
    Ok(response)
}

fn drop_of_connection(headers: &mut HeaderMap) {
    for name in OF_A_CONNECTION {
        headers.remove(*name);
    }
}

/// What Railway says when nobody answers.
pub(crate) fn no_answer(why: &str) -> Response {
    (StatusCode::BAD_GATEWAY, format!("Application failed to respond: {why}")).into_response()
}
