//! A TCP proxy: a loopback port that passes bytes on to a database.

use tokio::net::{TcpListener, TcpStream};

pub(crate) async fn forward(listener: TcpListener, to_port: u16) {
    while let Ok((mut client, _)) = listener.accept().await {
        tokio::spawn(async move {
            let Ok(mut server) = TcpStream::connect(("127.0.0.1", to_port)).await else { return };
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            // An end that breaks off is the same to both sides as one that closes.
            tokio::io::copy_bidirectional_with_sizes(&mut client, &mut server, 64 * 1024, 64 * 1024).await.ok();
        });
    }
}
