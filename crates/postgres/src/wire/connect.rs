//! Opening a connection: the socket, TLS, the password, the settings of the session; and cancelling what runs on one.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::{Config, Host};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::message;
use super::statements::Statements;
use super::{Connection, Stream, WireError};
use crate::address::{Address, TlsMode};

/// How connections begin.
#[derive(Clone)]
pub(crate) struct Startup {
    pub(crate) address: Address,
    /// Settings of the session, in the first message
    pub(crate) settings: Vec<(&'static str, String)>,
    /// Statements kept prepared; 0 is none
    pub(crate) statements: usize,
    pub(crate) timeout: Duration,
}

/// What cancels the statement that runs on a connection.
#[derive(Clone)]
pub(crate) struct Cancel {
    address: Address,
    host: usize,
    process: i32,
    secret: i32,
    timeout: Duration,
}

/// Opens a connection to the first host that lets it in.
pub(crate) async fn connect(startup: &Startup) -> Result<Connection, WireError> {
    let hosts = startup.address.config.get_hosts().len().max(1);
    let mut failed = WireError::Io(io::ErrorKind::NotConnected.into());
    for host in 0..hosts {
        match tokio::time::timeout(startup.timeout, open(startup, host)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => failed = error,
            Err(_) => failed = WireError::Io(io::ErrorKind::TimedOut.into()),
        }
    }
    Err(failed)
}

impl Cancel {
    /// Asks the server to cancel. It may come too late, and then hits whatever runs on the connection next: so nothing may.
    pub(crate) async fn send(&self) {
        let attempt = async {
            let mut stream = stream(&self.address, self.host).await?;
            let mut message = BytesMut::new();
            frontend::cancel_request(self.process, self.secret, &mut message);
            stream.write_all_buf(&mut message).await?;
            stream.flush().await?;
            // The server closes the connection when it has passed the signal on.
            let _ = stream.read(&mut [0]).await?;
            Ok::<(), WireError>(())
        };
        if !matches!(tokio::time::timeout(self.timeout, attempt).await, Ok(Ok(()))) {
            tracing::debug!("a statement could not be cancelled");
        }
    }
}

async fn open(startup: &Startup, host: usize) -> Result<Connection, WireError> {
    let config = &startup.address.config;
    let mut stream = stream(&startup.address, host).await?;
    let user = user(config);
    let mut parameters: Vec<(&str, &str)> = vec![("client_encoding", "UTF8"), ("user", &user)];
    parameters.extend(config.get_dbname().map(|name| ("database", name)));
    parameters.extend(config.get_options().map(|options| ("options", options)));
    parameters.extend(config.get_application_name().map(|name| ("application_name", name)));
    parameters.extend(startup.settings.iter().map(|(name, value)| (*name, value.as_str())));
    let mut output = BytesMut::new();
    frontend::startup_message(parameters, &mut output)?;
    stream.write_all_buf(&mut output).await?;
    stream.flush().await?;
    let mut opening = Opening { stream, input: BytesMut::with_capacity(8192), output };
    authenticate(&mut opening, config, &user).await?;
    let (mut process, mut secret) = (0, 0);
    loop {
        match opening.next().await? {
            Message::BackendKeyData(body) => (process, secret) = (body.process_id(), body.secret_key()),
            Message::ReadyForQuery(_) => break,
            Message::ParameterStatus(_) | Message::NoticeResponse(_) => {}
            _ => return Err(WireError::Protocol("the session does not begin as it should")),
        }
    }
    let address = startup.address.clone();
    Ok(Connection {
        stream: opening.stream,
        input: opening.input,
        output: opening.output,
        statements: Statements::new(startup.statements),
        pending: 0,
        open: false,
        cancel: Cancel { address, host, process, secret, timeout: startup.timeout },
    })
}

/// A connection that is not in use yet.
struct Opening {
    stream: Box<dyn Stream>,
    input: BytesMut,
    output: BytesMut,
}

impl Opening {
    async fn next(&mut self) -> Result<Message, WireError> {
        loop {
            if let Some(length) = message::length(&self.input)? {
                if self.input.first() == Some(&b'E') {
                    let error = message::error(self.input.get(5..length).unwrap_or_default());
                    return Err(WireError::Database(Box::new(error)));
                }
                if self.input.first() == Some(&b'v') {
                    // An answer to a newer protocol than was asked for: nothing to do.
                    self.input.advance(length);
                    continue;
                }
                if let Some(message) = Message::parse(&mut self.input)? {
                    return Ok(message);
                }
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(WireError::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    async fn send(&mut self) -> Result<(), WireError> {
        self.stream.write_all_buf(&mut self.output).await?;
        self.stream.flush().await?;
        Ok(())
    }
}

async fn authenticate(opening: &mut Opening, config: &Config, user: &str) -> Result<(), WireError> {
    let password = || {
        config.get_password().ok_or(WireError::Protocol("the database asks for a password; the url has none"))
    };
    loop {
        match opening.next().await? {
            Message::AuthenticationOk => return Ok(()),
            Message::AuthenticationCleartextPassword => {
                frontend::password_message(password()?, &mut opening.output)?;
                opening.send().await?;
            }
            Message::AuthenticationMd5Password(body) => {
                let hash = md5_hash(user.as_bytes(), password()?, body.salt());
                frontend::password_message(hash.as_bytes(), &mut opening.output)?;
                opening.send().await?;
            }
            Message::AuthenticationSasl(_) => {
                let mut scram = sasl::ScramSha256::new(password()?, sasl::ChannelBinding::unsupported());
                frontend::sasl_initial_response(sasl::SCRAM_SHA_256, scram.message(), &mut opening.output)?;
                opening.send().await?;
                let Message::AuthenticationSaslContinue(body) = opening.next().await? else {
                    return Err(WireError::Protocol("the authentication does not go on as it should"));
                };
                scram.update(body.data())?;
                frontend::sasl_response(scram.message(), &mut opening.output)?;
                opening.send().await?;
                let Message::AuthenticationSaslFinal(body) = opening.next().await? else {
                    return Err(WireError::Protocol("the authentication does not end as it should"));
                };
                scram.finish(body.data())?;
            }
            _ => {
                return Err(WireError::Protocol(
                    "the database asks for an authentication that is not supported",
                ));
            }
        }
    }
}

fn user(config: &Config) -> String {
    let system = || std::env::var("USER").unwrap_or_else(|_| "postgres".into());
    config.get_user().map_or_else(system, str::to_owned)
}

/// The socket to one of the address's hosts, with TLS where its mode says so.
async fn stream(address: &Address, host: usize) -> Result<Box<dyn Stream>, WireError> {
    let config = &address.config;
    let ports = config.get_ports();
    let port = ports.get(host).or(ports.first()).copied().unwrap_or(5432);
    let name = match config.get_hosts().get(host) {
        Some(Host::Unix(folder)) => return Ok(unix(folder, port).await?),
        // A folder, as libpq understands it.
        Some(Host::Tcp(name)) if name.starts_with('/') => return Ok(unix(Path::new(name), port).await?),
        Some(Host::Tcp(name)) => name.clone(),
        None => "localhost".to_owned(),
    };
    let mut socket = TcpStream::connect((name.as_str(), port)).await?;
    socket.set_nodelay(true)?;
    if address.tls_mode == TlsMode::Disable {
        return Ok(Box::new(socket));
    }
    let mut message = BytesMut::new();
    frontend::ssl_request(&mut message);
    socket.write_all_buf(&mut message).await?;
    match (socket.read_u8().await?, address.tls_mode) {
        (b'S', _) => {}
        (_, TlsMode::Prefer) => return Ok(Box::new(socket)),
        _ => return Err(WireError::Protocol("the database does not offer TLS, which the url requires")),
    }
    let refused = |error: Box<dyn std::error::Error + Send + Sync>| WireError::Io(io::Error::other(error));
    let mut tls = address.tls.clone();
    let connector = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::make_tls_connect(&mut tls, &name)
        .map_err(|error| refused(error.into()))?;
    Ok(Box::new(connector.connect(socket).await.map_err(|error| refused(error.into()))?))
}

async fn unix(folder: &Path, port: u16) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?))
}
