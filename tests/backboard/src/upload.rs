//! Uploads: what `railway up` packs and sends is unpacked here, and becomes what the service's app shows.

use crate::backend::Backend;
use crate::faults::{FaultEffect, When};
use crate::graphql::{Caller, failure};
use crate::journal::{Entry, OperationKind};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use tar::Archive;
use uuid::Uuid;

/// The files of an upload by their paths, without `./` before them.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct About {
    service_id: String,
    #[serde(default)]
    message: String,
}

/// `POST /project/P/environment/E/up?serviceId=S`, as the CLI's `src/controllers/upload.rs` sends it.
pub(crate) async fn up(
    State(backend): State<Arc<Backend>>,
    Path((project, environment)): Path<(String, String)>,
    Query(about): Query<About>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let refused = |status: StatusCode, message: &str| (status, Json(json!({ "message": message }))).into_response();
    let Ok(caller) = Caller::of(&headers, &backend.tokens()) else {
        return refused(StatusCode::UNAUTHORIZED, "Not Authorized");
    };
    let ids = [&project, &environment, &about.service_id].map(|id| Uuid::parse_str(id));
    let [Ok(project), Ok(environment), Ok(service)] = ids else {
        return refused(StatusCode::BAD_REQUEST, "Problem processing request");
    };
    let named = [environment.to_string()];
    let struck = backend.faults.strike("up", &named, |_| true);
    let late = match struck {
        Some((FaultEffect::Delay { secs }, _)) => {
            tokio::time::sleep(Duration::from_secs_f64(secs)).await;
            None
        }
        Some((effect, When::Before)) => {
            note(&backend, caller, &about, &named[0], &Files::new(), "fault");
            return failure(&effect).await;
        }
        late => late,
    };
    let files = match unpacked(&body) {
        Ok(files) => files,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    note(&backend, caller, &about, &named[0], &files, "200");
    let begun = backend.change(|model| {
        let model = Arc::make_mut(model);
        let is_its = model.project_of(environment).is_ok_and(|own| own.id == project);
        if is_its {
            model.upload(environment, service, files, &about.message)
        } else {
            Err("Environment not found".into())
        }
    });
    let deployment = match begun {
        Ok(deployment) => deployment,
        Err(refusal) => return refused(StatusCode::BAD_REQUEST, &refusal.0),
    };
    if let Some((effect, _)) = late {
        return failure(&effect).await;
    }
    let logs =
        format!("https://railway.com/project/{project}/service/{service}?environmentId={environment}&id={deployment}&");
    Json(json!({ "deploymentId": deployment, "url": logs, "logsUrl": logs, "deploymentDomain": "" })).into_response()
}

fn note(backend: &Backend, caller: Caller, about: &About, environment: &str, files: &Files, outcome: &str) {
    let names: Vec<_> = files.keys().collect();
    backend.journal.add(vec![Entry {
        at: Timestamp::now(),
        request: backend.next_request(),
        kind: OperationKind::Mutation,
        operation: "up".to_owned(),
        alias: "up".to_owned(),
        arguments: json!({ "serviceId": about.service_id, "message": about.message, "files": names }),
        environment_ids: vec![environment.to_owned()],
        token: caller.name().to_owned(),
        outcome: outcome.to_owned(),
    }]);
}

fn unpacked(body: &[u8]) -> io::Result<Files> {
    let mut files = Files::new();
    for entry in Archive::new(GzDecoder::new(body)).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        if entry.header().entry_type().is_file() {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            files.insert(path, content);
        } else if !entry.header().entry_type().is_dir() {
            return Err(io::Error::other(format!("`{path}` is neither a file nor a folder")));
        }
    }
    Ok(files)
}
