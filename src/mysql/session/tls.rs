//! TLS to a server whose certificate nobody has signed: it is taken down, and compared with those that are pinned.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsConnector;

use super::endpoint::{Endpoint, Fingerprint};
use super::fault::Fault;
use super::line::ByteStream;
use super::refusal;
use crate::external::tls;

/// Puts TLS over a stream; the fingerprint is that of the certificate whose key the other end has proven to have.
///
/// # Errors
/// When the other end breaks off, or its certificate is none of those that are pinned.
pub(super) async fn secure(
    stream: Box<dyn ByteStream>,
    endpoint: &Endpoint,
) -> Result<(Box<dyn ByteStream>, Fingerprint)> {
    let met = Arc::default();
    let verifier = Verifier { pinned: endpoint.pinned.clone(), met: Arc::clone(&met), provider: tls::provider() };
    let config = tls::client()?.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    // A name decides nothing here, and an address without one is a name, too.
    let name = ServerName::try_from(endpoint.host.clone()).or_else(|_| ServerName::try_from("database"));
    let connected =
        TlsConnector::from(Arc::new(config)).connect(name.context("name the server for TLS")?, stream).await;
    let fingerprint = *met.lock().unwrap_or_else(PoisonError::into_inner);
    match (connected, fingerprint) {
        (Ok(stream), Some(fingerprint)) => Ok((Box::new(stream), fingerprint)),
        (Ok(_), None) => Err(Fault::of_answer("the server has shown no certificate").into()),
        (Err(_), Some(other)) if !is_allowed(&endpoint.pinned, &other) => {
            Err(refusal::of_certificate(&other.to_string()))
        }
        (Err(error), _) => Err(anyhow::Error::from(Fault::from(error)).context("secure the line")),
    }
}

fn is_allowed(pinned: &[Fingerprint], met: &Fingerprint) -> bool {
    pinned.is_empty() || pinned.contains(met)
}

#[derive(Debug)]
struct Verifier {
    pinned: Vec<Fingerprint>,
    met: Arc<Mutex<Option<Fingerprint>>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let met = Fingerprint(Sha256::digest(end_entity.as_ref()).into());
        *self.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(met);
        match is_allowed(&self.pinned, &met) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
