//! The one cryptography provider of this process.

/// Makes `ring` the provider of every TLS connection; harmless to call again.
pub fn install() {
    // An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
