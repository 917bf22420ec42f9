//! The floor of any relay: a batch in, the same batch out, no look-up and no decision.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg, sendmmsg};
use turn::channel_data::HEADER_LEN;

use super::wire::udp_socket;

/// Datagrams in one batch.
const BATCH: usize = 32;
/// Bytes of the longest datagram that is forwarded whole.
const LONGEST: usize = 2048;

/// Receives ChannelData and sends what it carries to one peer, for ever. `ready` is told where it
/// listens.
pub fn forward(
    listen: SocketAddr,
    to: SocketAddr,
    ready: impl FnOnce(SocketAddr),
) -> io::Result<()> {
    let client_side = udp_socket(listen)?;
    client_side.set_nonblocking(false)?;
    let peer_side = udp_socket(SocketAddr::new(listen.ip(), 0))?;
    peer_side.connect(to)?;
    ready(client_side.local_addr()?);
    let mut buffers = vec![[0; LONGEST]; BATCH];
    let mut received = MultiHeaders::<()>::preallocate(BATCH, None);
    let mut sent = MultiHeaders::<()>::preallocate(BATCH, None);
    loop {
        let mut space: Vec<_> = buffers
            .iter_mut()
            .map(|buffer| [IoSliceMut::new(buffer)])
            .collect();
        let datagrams = recvmmsg(
            client_side.as_raw_fd(),
            &mut received,
            space.iter_mut(),
            MsgFlags::MSG_WAITFORONE,
            None,
        )?;
        let lengths: Vec<usize> = datagrams.map(|datagram| datagram.bytes).collect();
        let data: Vec<_> = buffers
            .iter()
            .zip(&lengths)
            .map(|(buffer, len)| [IoSlice::new(&buffer[HEADER_LEN.min(*len)..*len])])
            .collect();
        // What the peer's host says about earlier packets is no reason to stop; loss is counted.
        let _ = sendmmsg(
            peer_side.as_raw_fd(),
            &mut sent,
            data.iter(),
            [None; BATCH],
            [],
            MsgFlags::MSG_DONTWAIT,
        );
    }
}
