//! The HTTP face: Railway's GraphQL endpoint, and the controls that Railway does not have.

use crate::backend::Backend;
use crate::faults::Fault;
use crate::graphql::{self, Request};
use crate::runtime::DeployOutcome;
use crate::state;
use crate::upload;
use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;

pub(crate) fn router(backend: Arc<Backend>) -> Router {
    Router::new()
        .route("/graphql/v2", post(graphql))
        .route(
            "/project/{project}/environment/{environment}/up",
            post(upload::up).layer(DefaultBodyLimit::max(256 << 20)),
        )
        .route("/control/journal", get(journal).delete(clear_journal))
        .route("/control/faults", get(waiting_faults).post(add_fault).delete(clear_faults))
        .route("/control/deploys", post(order_outcome))
        .route("/control/state", get(show_state))
        .layer(DefaultBodyLimit::max(8 << 20))
        .layer(middleware::map_response_with_state(backend.clone(), dated))
        .with_state(backend)
}

/// Every answer says what time it is at Railway.
async fn dated(State(backend): State<Arc<Backend>>, mut response: Response) -> Response {
    if let Ok(date) = HeaderValue::from_str(&backend.date()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// The deed outlives a caller that hangs up, as it does at Railway.
async fn graphql(State(backend): State<Arc<Backend>>, headers: HeaderMap, Json(request): Json<Request>) -> Response {
    let answer = tokio::spawn(async move { graphql::answer(&backend, &headers, request).await });
    match answer.await {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("backboard: {error}")).into_response(),
    }
}

async fn journal(State(backend): State<Arc<Backend>>) -> Response {
    Json(backend.journal.entries()).into_response()
}

async fn clear_journal(State(backend): State<Arc<Backend>>) -> StatusCode {
    backend.journal.clear();
    StatusCode::NO_CONTENT
}

async fn waiting_faults(State(backend): State<Arc<Backend>>) -> Response {
    Json(backend.faults.waiting()).into_response()
}

async fn add_fault(State(backend): State<Arc<Backend>>, Json(fault): Json<Fault>) -> StatusCode {
    backend.faults.add(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(backend): State<Arc<Backend>>) -> StatusCode {
    backend.faults.clear();
    StatusCode::NO_CONTENT
}

async fn order_outcome(State(backend): State<Arc<Backend>>, Json(outcome): Json<DeployOutcome>) -> StatusCode {
    backend.runtime.order_outcome(outcome);
    StatusCode::NO_CONTENT
}

async fn show_state(State(backend): State<Arc<Backend>>) -> Response {
    Json(state::environments(&backend)).into_response()
}
