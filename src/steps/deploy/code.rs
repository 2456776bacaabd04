//! The code that is deployed: where it comes from, and the way that it takes to Railway.

use std::time::Duration;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::deploy_request::DeployRequest;
use crate::contract::deployed::Deployed;
use crate::contract::ids::{DeploymentId, ServiceId};
use crate::environment::deployments::Site;
use crate::environment::variables::changes::wished_secret;
use crate::external::git::{CheckedOut, Remote, is_commit};
use crate::railway::{Deploy, DeploymentMeta, PlacedDeployment, ServiceInstance, SourceChange, Weather};
use crate::running::context::Context;

/// How long a new deployment may stay invisible: Railway's reads lag its writes.
const SHOWS_WITHIN: Duration = Duration::from_mins(1);

/// Which way the code took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    /// Railway itself took the commit from the repository that the service is connected to.
    Connected,
    Image,
    /// The commit was checked out here and uploaded.
    Upload,
    /// A deployment that ran before was brought back.
    Rollback,
}

impl How {
    /// Which way something took that the record of a copy knows.
    pub(super) fn of(deployed: &Deployed) -> Self {
        match (&deployed.repository, &deployed.image, deployed.uploaded) {
            (Some(_), _, true) => Self::Upload,
            (Some(_), _, false) => Self::Connected,
            (None, Some(_), _) => Self::Image,
            (None, None, _) => Self::Rollback,
        }
    }
}

/// What is deployed.
pub(super) enum Code {
    Connected { commit: String },
    Upload { commit: String, files: CheckedOut },
    Image(String),
    Back { id: DeploymentId, meta: Option<DeploymentMeta> },
}

impl Code {
    /// Finds what the request asks for; a branch or a tag becomes the commit that it is now.
    ///
    /// # Errors
    /// [`crate::error::Exit::Invalid`] when it cannot be deployed.
    pub(super) async fn find(
        ctx: &Context,
        site: Site<'_>,
        request: &DeployRequest,
        back: Option<PlacedDeployment>,
    ) -> Result<Self> {
        if let Some(id) = &request.rollback_to {
            return Ok(Self::Back { id: id.clone(), meta: back.and_then(|found| found.meta) });
        }
        if let Some(image) = &request.image {
            return Ok(Self::Image(image.clone()));
        }
        let repository = request.repository.as_ref().context("know what is deployed")?;
        let service = site.environment.service(&request.service).context("find the service again")?;
        let repo = service.source.as_ref().and_then(|source| source.repo.as_deref());
        let is_connected = repo.is_some_and(|repo| repository.is_railways(repo));
        let whole = request.git_ref.as_ref().filter(|name| is_commit(name)).cloned();
        if let Some(commit) = whole.clone().filter(|_| is_connected) {
            return Ok(Self::Connected { commit });
        }
        let (policy, host) = (&ctx.policy.deploy, repository.host());
        let token = policy.token_of(host).map(|name| wished_secret(&ctx.env, "repository", name)).transpose()?;
        let may_be_private = policy.private_hosts.iter().any(|named| named == host);
        let remote = Remote::at(&ctx.env, repository.as_ref(), token.as_ref(), may_be_private).await?;
        let commit = match whole {
            Some(commit) => commit,
            None => remote.commit(request.git_ref.as_deref()).await?,
        };
        tracing::info!("{repository}: commit {commit}");
        if is_connected {
            return Ok(Self::Connected { commit });
        }
        let files = remote.check_out(&commit, u64::from(policy.max_upload_mb) * 1_000_000).await?;
        Ok(Self::Upload { commit, files })
    }

    /// What is worth knowing before the next copy is made.
    pub(super) fn warnings(&self, service: &str) -> Vec<String> {
        match self {
            Self::Upload { .. } => vec![format!(
                "the source of `{service}` was uploaded: Railway cannot deploy it in a copy of this environment, where it must be deployed again"
            )],
            Self::Connected { .. } | Self::Image(_) | Self::Back { .. } => Vec::new(),
        }
    }

    pub(super) fn how(&self) -> How {
        match self {
            Self::Connected { .. } => How::Connected,
            Self::Upload { .. } => How::Upload,
            Self::Image(_) => How::Image,
            Self::Back { .. } => How::Rollback,
        }
    }

    pub(super) fn commit(&self) -> Option<String> {
        match self {
            Self::Connected { commit } | Self::Upload { commit, .. } => Some(commit.clone()),
            Self::Image(_) => None,
            Self::Back { meta, .. } => meta.as_ref()?.commit_hash.clone(),
        }
    }

    pub(super) fn image(&self) -> Option<String> {
        match self {
            Self::Connected { .. } | Self::Upload { .. } => None,
            Self::Image(image) => Some(image.clone()),
            Self::Back { meta, .. } => meta.as_ref()?.image.clone(),
        }
    }

    /// What of the service's configuration is another with it.
    pub(super) fn source(&self) -> Option<SourceChange> {
        match self {
            Self::Image(image) => Some(SourceChange::Image(image.clone())),
            Self::Connected { .. } | Self::Upload { .. } | Self::Back { .. } => None,
        }
    }

    /// Begins the deployment, and tells its id; where the answer is lost, the deployment is looked for.
    ///
    /// # Errors
    /// When Railway refuses.
    pub(super) async fn deploy(&self, ctx: &Context, site: Site<'_>, service_id: &ServiceId) -> Result<DeploymentId> {
        match self.begin(ctx, site, service_id).await {
            Ok(Some(id)) => Ok(id),
            Ok(None) => appeared(ctx, site, service_id).await,
            Err(error) if Weather::behind(&error).is_some_and(|weather| weather.may_be_done) => {
                tracing::info!("whether it was begun is not known; looking for its deployment");
                appeared(ctx, site, service_id).await.map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }

    async fn begin(&self, ctx: &Context, site: Site<'_>, service_id: &ServiceId) -> Result<Option<DeploymentId>> {
        let (project, environment) = (&site.project.id, &site.environment.id);
        let commit = match self {
            Self::Connected { commit } => Some(commit.clone()),
            Self::Image(_) => None,
            Self::Upload { commit, files } => {
                let message = format!("railstage {}: {commit}", ctx.run.id);
                let uploaded = ctx.railway.up(project, environment, service_id, &files.files(), &message).await;
                return uploaded.map(Some).context("upload the source");
            }
            Self::Back { id, .. } => {
                ctx.railway.roll_back(id).await.context("bring the deployment back")?;
                return Ok(None);
            }
        };
        let deploy = Deploy { service_id: service_id.clone(), commit };
        let ids = ctx.railway.deploy(environment, &[deploy]).await.context("deploy the service")?;
        Ok(ids.into_iter().next())
    }
}

/// The service's newest deployment, once it is not the one that was there.
async fn appeared(ctx: &Context, site: Site<'_>, service_id: &ServiceId) -> Result<DeploymentId> {
    let service = site.environment.service_by_id(service_id);
    let before = service.and_then(|s: &ServiceInstance| s.latest_deployment.as_ref()).map(|latest| &latest.id);
    let look = || async {
        let status = ctx.railway.environment_status(&site.environment.id).await?;
        let found = status.service_instances.into_iter().find(|service| service.service_id == *service_id);
        let latest = found.and_then(|service| service.latest_deployment).map(|latest| latest.id);
        Ok(latest.filter(|latest| Some(latest) != before))
    };
    ctx.until("the deployment", SHOWS_WITHIN, Duration::from_millis(500), look).await
}
