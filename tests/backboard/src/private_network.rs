//! The private network of one environment, for programs that are not of this process: `NAME.railway.internal` leads to that
//! environment's own service, and to nothing anywhere else. A program is led there by its `HTTP_PROXY`, in SOCKS 5 (RFC 1928), which
//! takes names as they are.

use crate::app::App;
use crate::backend::Backend;
use crate::model::slug;
use anyhow::{Context, Result, ensure};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// What private names end with.
pub(crate) const SUFFIX: &str = ".railway.internal";

/// What SOCKS calls an address that is a name.
const NAME: u8 = 3;

/// Why there is no connection.
#[derive(Clone, Copy)]
enum Refused {
    NoSuchHost = 4,
    NobodyListens = 5,
}

/// What a name and a port lead to.
enum Found {
    App(App),
    /// A real program, which listens on this port of the machine.
    Program(u16),
}

/// A way into it, open until it is dropped.
pub(crate) struct PrivateNetwork {
    port: u16,
    server: JoinHandle<()>,
}

impl PrivateNetwork {
    pub(crate) async fn open(backend: &Arc<Backend>, environment: Uuid) -> Result<PrivateNetwork> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("open a private network")?;
        let port = listener.local_addr()?.port();
        let backend = Arc::downgrade(backend);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let backend = backend.clone();
                tokio::spawn(async move {
                    if let Err(error) = connect(backend, environment, stream).await {
                        eprintln!("backboard: private network: {error:#}");
                    }
                });
            }
        });
        Ok(PrivateNetwork { port, server })
    }

    pub(crate) fn url(&self) -> String {
        format!("socks5://127.0.0.1:{}", self.port)
    }
}

impl Drop for PrivateNetwork {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn connect(backend: Weak<Backend>, environment: Uuid, mut stream: TcpStream) -> Result<()> {
    let [_, methods] = read(&mut stream).await?;
    stream.read_exact(&mut vec![0; methods.into()]).await?;
    stream.write_all(&[5, 0]).await?;
    let [_, _, _, kind, length] = read(&mut stream).await?;
    ensure!(kind == NAME, "an address of kind {kind}, where names are meant");
    let mut name = vec![0; length.into()];
    stream.read_exact(&mut name).await?;
    let port = u16::from_be_bytes(read(&mut stream).await?);
    let found = find(&backend, environment, &String::from_utf8_lossy(&name), port);
    let answer = found.as_ref().err().map_or(0, |refused| *refused as u8);
    stream.write_all(&[5, answer, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    let app = match found {
        Ok(Found::App(app)) => app,
        Ok(Found::Program(port)) => {
            let mut program = TcpStream::connect(("127.0.0.1", port)).await?;
            tokio::io::copy_bidirectional(&mut stream, &mut program).await.ok();
            return Ok(());
        }
        Err(_) => return Ok(()),
    };
    let of_connection = app.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
        async move {
            let (parts, _) = request.into_parts();
            let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
            Ok::<_, Infallible>(app.respond(host, &parts).await)
        }
    });
    // A client that hangs up is none of our business; a container that is ended takes its connections along.
    tokio::select! {
        _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service) => {}
        () = of_connection.ended() => {}
    }
    Ok(())
}

async fn read<const N: usize>(stream: &mut TcpStream) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

fn find(backend: &Weak<Backend>, environment: Uuid, host: &str, port: u16) -> Result<Found, Refused> {
    let found = || {
        let backend = backend.upgrade()?;
        let service = service(&backend, environment, host)?;
        let program = backend.runtime.program(environment, service);
        let program = program.map(|(own, here)| (own, Found::Program(here)));
        program.or_else(|| {
            let app = backend.runtime.app(environment, service)?;
            Some((app.private_port().into(), Found::App(app)))
        })
    };
    found().ok_or(Refused::NoSuchHost).and_then(|(listens, found)| match listens == i64::from(port) {
        true => Ok(found),
        false => Err(Refused::NobodyListens),
    })
}

/// The service of an environment that a private name stands for.
fn service(backend: &Backend, environment: Uuid, host: &str) -> Option<Uuid> {
    let name = host.strip_suffix(SUFFIX)?;
    let model = backend.current();
    Some(model.project_of(environment).ok()?.services.iter().find(|one| slug(&one.name) == name)?.id)
}

/// Where a database is on this machine that a private name stands for.
pub(crate) fn database(backend: &Weak<Backend>, environment: Uuid, host: &str) -> Option<u16> {
    let backend = backend.upgrade()?;
    backend.runtime.database_port(environment, service(&backend, environment, host)?)
}
