//! Where the database is and how to be let in: a `postgres://` URL with libpq's parameters. TLS follows libpq's `sslmode`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A database's address. Its `Debug` and `Display` forms never hold the password.
#[derive(Clone)]
pub struct Address {
    /// Hosts, user, password and the rest, as tokio-postgres reads them
    pub(crate) config: tokio_postgres::Config,
    /// libpq's `sslmode`
    pub(crate) tls_mode: TlsMode,
    /// Makes TLS connections; not used with [`TlsMode::Disable`]
    pub(crate) tls: MakeRustlsConnect,
}

/// libpq's `sslmode` (its documentation, "Protection Provided in Different Modes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Never TLS
    Disable,
    /// TLS where the server has it; the certificate is not looked at
    Prefer,
    /// TLS or nothing; the certificate is not looked at unless `sslrootcert` is given
    Require,
    /// TLS with a certificate of a known authority for this host
    VerifyFull,
}

/// Why a URL is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a URL that libpq would read
    #[error("the database's url is not a postgres:// URL: {0}")]
    Malformed(String),
    /// An `sslmode` that is not known
    #[error("sslmode={0} is not known; use disable, prefer, require or verify-full")]
    TlsMode(String),
    /// The file of root certificates is not usable
    #[error("sslrootcert={path}: {reason}")]
    RootCertificates {
        /// The file
        path: String,
        /// What is wrong with it
        reason: String,
    },
}

impl Address {
    /// Reads a URL: `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…`.
    pub fn parse(url: &str) -> Result<Address, AddressError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(AddressError::Malformed("it does not begin with postgres://".into()));
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = None;
        let mut roots = None;
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            match name {
                "sslmode" => mode = Some(tls_mode(&value)?),
                "sslrootcert" => roots = Some(value.into_owned()),
                _ => rest.push(pair),
            }
        }
        let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: tokio_postgres::Config =
            plain.parse().map_err(|error: tokio_postgres::Error| malformed(&error))?;
        let tls_mode = mode.unwrap_or(TlsMode::Prefer);
        config.ssl_mode(match tls_mode {
            TlsMode::Disable => tokio_postgres::config::SslMode::Disable,
            TlsMode::Prefer => tokio_postgres::config::SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyFull => tokio_postgres::config::SslMode::Require,
        });
        if config.get_application_name().is_none() {
            config.application_name("plinth");
        }
        Ok(Address { config, tls_mode, tls: MakeRustlsConnect::new(client(tls_mode, roots.as_deref())?) })
    }

    /// A connection for what is not a request: introspection, listening, applying a schema. Its driver has to be polled.
    pub async fn connect(
        &self,
    ) -> Result<
        (
            tokio_postgres::Client,
            tokio_postgres::Connection<
                tokio_postgres::Socket,
                impl tokio_postgres::tls::TlsStream + Unpin + Send + use<>,
            >,
        ),
        tokio_postgres::Error,
    > {
        self.config.connect(self.tls.clone()).await
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(")?;
        fmt::Display::fmt(self, f)?;
        f.write_str(")")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use tokio_postgres::config::Host;
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        write!(f, "{}/{}", host, self.config.get_dbname().unwrap_or(""))
    }
}

fn malformed(error: &tokio_postgres::Error) -> AddressError {
    // The source names the key that is wrong and never its value.
    let source = std::error::Error::source(error).map(ToString::to_string);
    AddressError::Malformed(source.unwrap_or_else(|| "it cannot be read".into()))
}

fn tls_mode(text: &str) -> Result<TlsMode, AddressError> {
    match text {
        "disable" => Ok(TlsMode::Disable),
        "allow" | "prefer" => Ok(TlsMode::Prefer),
        "require" => Ok(TlsMode::Require),
        "verify-full" | "verify-ca" => Ok(TlsMode::VerifyFull),
        other => Err(AddressError::TlsMode(other.to_owned())),
    }
}

/// Where Linux distributions keep the authorities they trust.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

fn client(mode: TlsMode, roots: Option<&str>) -> Result<ClientConfig, AddressError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable =
        |path: &str, reason: String| AddressError::RootCertificates { path: path.to_owned(), reason };
    let verifier: Arc<dyn ServerCertVerifier> = match (mode, roots) {
        (TlsMode::Disable | TlsMode::Prefer, _) | (TlsMode::Require, None) => {
            Arc::new(AnyCertificate(provider.clone()))
        }
        (TlsMode::Require | TlsMode::VerifyFull, _) => {
            let system = || SYSTEM_ROOTS.into_iter().find(|path| PathBuf::from(path).exists());
            let path = match roots {
                Some("system") | None => system().unwrap_or(SYSTEM_ROOTS[0]),
                Some(path) => path,
            };
            let mut store = RootCertStore::empty();
            let certificates = CertificateDer::pem_file_iter(path)
                .map_err(|error| unusable(path, error.to_string()))?
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| unusable(path, error.to_string()))?;
            store.add_parsable_certificates(certificates);
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
                .build()
                .map_err(|error| unusable(path, error.to_string()))?
        }
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| AddressError::Malformed(error.to_string()))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// What libpq does below `verify-ca`: the connection is encrypted, whoever is at the other end.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let address = Address::parse("postgres://u:s3cret@db.example/x?sslmode=disable").unwrap();
        assert_eq!(format!("{address:?} {address}"), "Address(db.example/x) db.example/x");
        let error = Address::parse("postgres://u:s3cret@h:notaport/x").unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }

    #[test]
    fn tls_modes_are_libpqs() {
        let mode = |url: &str| Address::parse(url).map(|address| address.tls_mode);
        assert_eq!(mode("postgres://h/x"), Ok(TlsMode::Prefer));
        assert_eq!(mode("postgresql://h/x?sslmode=require&connect_timeout=3"), Ok(TlsMode::Require));
        assert_eq!(mode("postgres://h/x?sslmode=maybe"), Err(AddressError::TlsMode("maybe".into())));
        assert!(matches!(
            mode("postgres://h/x?sslmode=verify-full&sslrootcert=/nowhere.pem"),
            Err(AddressError::RootCertificates { .. })
        ));
        assert!(matches!(mode("mysql://h/x"), Err(AddressError::Malformed(_))));
    }
}
