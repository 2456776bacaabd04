//! What Railway remembers of a domain, a proxy or a volume mount beside the configuration.

use jiff::Timestamp;
use uuid::Uuid;

/// The part of a domain, proxy or volume mount that is not configuration.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    pub(crate) id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) proxy_port: Option<u16>,
    pub(crate) verified: bool,
    /// What the DNS of a custom domain was seen to say, and how far its certificate has come.
    pub(crate) seen: Option<String>,
    pub(crate) certificate: &'static str,
    /// A TCP proxy does nothing before the service's next deployment (the schema's note on `tcpProxyCreate`).
    pub(crate) acts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum HandleKind {
    ServiceDomain,
    CustomDomain,
    TcpProxy,
    VolumeMount,
}

impl HandleKind {
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            HandleKind::ServiceDomain => "serviceDomain:",
            HandleKind::CustomDomain => "customDomain:",
            HandleKind::TcpProxy => "tcpProxy:",
            HandleKind::VolumeMount => "volumeMount:",
        }
    }

    pub(crate) fn key(self, key: &str) -> String {
        format!("{}{key}", self.prefix())
    }
}
