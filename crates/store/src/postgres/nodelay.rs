//! Has small messages to the server leave at once.
//!
//! sqlx 0.9.0 leaves Nagle's algorithm on, gives nobody its sockets, and has a fix that no release
//! has yet (its issue 4335). The message that ends a `COPY` then waits until the server's kernel
//! acknowledges the one before it, which that puts off for 40 ms. So this process takes a second
//! handle to each of its sockets that lead to the server, and sets the option there. Where that is
//! not allowed, or not Linux, everything works and takes longer.

#[cfg(target_os = "linux")]
use std::{net::TcpStream, os::fd::OwnedFd};

#[cfg(target_os = "linux")]
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Sets the option on every connection of this process to a server's `port` that is without it;
/// returns how many those were.
#[cfg(target_os = "linux")]
pub(super) fn set(port: u16) -> usize {
    let this = pidfd_open(getpid(), PidfdFlags::empty());
    let (Ok(open), Ok(this)) = (std::fs::read_dir("/proc/self/fd"), this) else {
        return 0;
    };
    let number =
        |it: std::io::Result<std::fs::DirEntry>| it.ok()?.file_name().to_str()?.parse().ok();
    open.filter_map(number)
        .filter_map(|it| second(&this, it))
        .filter(|it| hurry(it, port))
        .count()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn set(_: u16) -> usize {
    0
}

/// A second handle to a socket.
#[cfg(target_os = "linux")]
fn second(this: &OwnedFd, number: i32) -> Option<TcpStream> {
    let link = std::fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
    if !link.to_str()?.starts_with("socket:") {
        return None;
    }
    let handle = pidfd_getfd(this, number, PidfdGetfdFlags::empty()).ok()?;
    Some(handle.into())
}

/// Whether it leads to the port, was without the option and has it now.
#[cfg(target_os = "linux")]
fn hurry(socket: &TcpStream, port: u16) -> bool {
    let leads_there = socket.peer_addr().is_ok_and(|it| it.port() == port);
    leads_there && socket.nodelay().is_ok_and(|it| !it) && socket.set_nodelay(true).is_ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn sockets_that_lead_to_the_port_get_the_option_and_no_others() {
        let [ours, other] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let connect = |it: &TcpListener| TcpStream::connect(it.local_addr().unwrap()).unwrap();
        let (here, there) = (connect(&ours), connect(&other));
        let port = ours.local_addr().unwrap().port();
        assert_eq!(set(port), 1);
        assert!(here.nodelay().unwrap() && !there.nodelay().unwrap());
        assert_eq!(set(port), 0);
    }
}
