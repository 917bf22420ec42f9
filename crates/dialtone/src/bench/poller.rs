//! Waiting for sockets: level-triggered, so that one receive call per ready socket and round is
//! enough, and none is spent on learning that there is nothing more.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// Sockets that are told about at once.
const EVENTS: usize = 64;

/// Which of many sockets can be read.
#[derive(Debug)]
pub struct Poller {
    epoll: Epoll,
    events: [EpollEvent; EVENTS],
}

impl Poller {
    /// One without sockets.
    pub fn new() -> nix::Result<Poller> {
        Ok(Poller {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            events: [EpollEvent::empty(); EVENTS],
        })
    }

    /// Tells of a socket under this name from now on.
    pub fn add(&self, socket: impl AsFd, name: u64) -> nix::Result<()> {
        self.epoll
            .add(socket, EpollEvent::new(EpollFlags::EPOLLIN, name))
    }

    /// Tells under this name when a socket is connected, or is not going to be.
    pub fn add_connecting(&self, socket: impl AsFd, name: u64) -> nix::Result<()> {
        self.epoll
            .add(socket, EpollEvent::new(EpollFlags::EPOLLOUT, name))
    }

    /// From now on tells of it as of others.
    pub fn now_connected(&self, socket: impl AsFd, name: u64) -> nix::Result<()> {
        let mut event = EpollEvent::new(EpollFlags::EPOLLIN, name);
        self.epoll.modify(socket, &mut event)
    }

    /// Waits at most so long, in whole milliseconds; gives the names of sockets that can be read.
    pub fn wait(&mut self, at_most: Duration) -> nix::Result<impl Iterator<Item = u64> + use<>> {
        let timeout = u16::try_from(at_most.as_millis()).unwrap_or(u16::MAX);
        let count = match self
            .epoll
            .wait(&mut self.events, EpollTimeout::from(timeout))
        {
            Err(nix::Error::EINTR) => 0,
            outcome => outcome?,
        };
        let events = self.events;
        Ok(events.into_iter().take(count).map(|event| event.data()))
    }
}
