//! Forwards: to ports of the target's own loopback, whatever is open to the public.

use super::target::Target;
use crate::backend::Backend;
use crate::database;
use russh::server::{ChannelOpenHandle, Msg};
use russh::{Channel, ChannelOpenFailure};
use std::future::Future;
use std::io;
use tokio::net::{TcpSocket, TcpStream};

/// Whom a server in a container sees come from its own loopback. What comes by a TCP proxy comes from 127.0.0.1 here.
const OWN_LOOPBACK: [u8; 4] = [127, 0, 0, 2];

/// The port of this machine at which a port of a target is; names are not the target's own, as the CLI's source has it
/// (`apply_forward_options`).
pub(super) fn find(backend: &Backend, target: &Target, host: &str, port: u32) -> Option<u16> {
    if host != "127.0.0.1" {
        return None;
    }
    let (environment, service) = (target.environment, target.service);
    backend.runtime.containers.of(environment, service)?;
    if let Some(here) = backend.runtime.database_port(environment, service) {
        let model = backend.current();
        let config = &model.environment(environment).ok()?.config;
        let image = database::Image::of(config.text(service, "/source/image")?)?;
        return (port == u32::from(image.port())).then_some(here);
    }
    let program = backend.runtime.program(environment, service);
    let app = || backend.runtime.app(environment, service).map(|app| (app.private_port().into(), app.port()));
    let (own, here) = program.or_else(app)?;
    (own == i64::from(port)).then_some(here)
}

/// Leads a channel to a port, until either side has said all.
pub(super) async fn lead(channel: Channel<Msg>, reply: ChannelOpenHandle, here: u16, gone: impl Future<Output = ()>) {
    let Ok(mut server) = connect(here).await else {
        return reply.reject(ChannelOpenFailure::ConnectFailed).await;
    };
    reply.accept().await;
    let mut client = channel.into_stream();
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        () = gone => {}
    }
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((OWN_LOOPBACK, 0).into())?;
    let server = socket.connect(([127, 0, 0, 1], port).into()).await?;
    server.set_nodelay(true)?;
    Ok(server)
}
