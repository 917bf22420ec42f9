//! Connections that others have accepted, and hand over to the relay.

use std::net::TcpStream;
use std::sync::{Arc, mpsc};

use mio::Waker;
use rustls::ServerConnection;
use turn::proxy_header::Endpoints;

use super::connection::Arrival;
use super::stream::Stream;
use super::worker::Order;

/// A TLS connection on which a client has begun to speak STUN or TURN.
#[derive(Debug)]
pub struct Adopted {
    /// What it comes by; non-blocking.
    pub tcp: TcpStream,
    /// Its TLS, with the handshake done; it may hold bytes that nobody has read.
    pub tls: ServerConnection,
    /// Where the client is, and the address it has connected to.
    pub endpoints: Endpoints,
}

/// Hands connections over to a running relay; nothing happens if it runs no more.
#[derive(Clone, Debug)]
pub struct Adopter {
    orders: mpsc::Sender<Order>,
    waker: Arc<Waker>,
}

impl Adopter {
    pub(super) fn new(orders: mpsc::Sender<Order>, waker: Arc<Waker>) -> Adopter {
        Adopter { orders, waker }
    }

    /// Hands a connection over. From here on the limits and times of the relay hold for it; it is
    /// closed if the relay has no room.
    pub fn adopt(&self, connection: Adopted) {
        let order = Order::Adopt(Box::new(connection));
        if self.orders.send(order).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl Adopted {
    pub(super) fn into_arrival(self) -> Arrival {
        Arrival {
            stream: Stream::tls(mio::net::TcpStream::from_std(self.tcp), self.tls),
            endpoints: self.endpoints,
            is_proxied: false,
        }
    }
}
