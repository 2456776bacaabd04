//! TLS for whatever speaks it: the one cryptography provider of this process, and the certificates it trusts.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::{Context as _, Result, ensure};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(ring::default_provider()));

/// The system's certificates, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name; one that cannot be read is left out.
static SYSTEM: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

/// Where all cryptography of TLS comes from.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    PROVIDER.clone()
}

/// A client's settings with the provider and protocol versions chosen; whom it trusts is still open.
///
/// # Errors
/// When the provider knows none of the protocol versions.
pub(crate) fn client() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().context("set up TLS")
}

/// The certificates that the system trusts, read once.
///
/// # Errors
/// When there are none.
pub(crate) fn system_roots() -> Result<Arc<RootCertStore>> {
    ensure!(!SYSTEM.is_empty(), "read the system's certificates: there are none");
    Ok(SYSTEM.clone())
}

/// The certificates in a PEM file.
///
/// # Errors
/// When the file cannot be read, or holds no certificate or a broken one.
pub(crate) fn roots_of(path: &Path) -> Result<Arc<RootCertStore>> {
    let read = || -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        for cert in CertificateDer::pem_file_iter(path)? {
            roots.add(cert?)?;
        }
        ensure!(!roots.is_empty(), "it holds no certificate");
        Ok(roots)
    };
    Ok(Arc::new(read().with_context(|| format!("read `{}`", path.display()))?))
}
