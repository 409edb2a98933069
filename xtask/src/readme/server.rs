//! A command that serves: started, waited for, told to stop.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

/// How long a server may take to finish what it is doing.
const STOP_MAX: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(100);

/// A server and whatever started it, as one group of processes.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
}

impl Server {
    /// Starts a command and returns once the address answers that it is ready.
    pub(super) fn start(
        mut command: Command,
        address: &str,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let child = command.process_group(0).spawn().context("cannot run sh")?;
        let mut server = Self { child };
        let started = Instant::now();
        while started.elapsed() < patience {
            if let Some(status) = server.child.try_wait()? {
                bail!("it ended with {status}");
            }
            if is_ready(address) {
                return Ok(server);
            }
            thread::sleep(PAUSE);
        }
        bail!("it was not ready after {} s", patience.as_secs())
    }

    /// Asks the whole group to stop, and insists that it does.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        ensure!(self.signal("TERM"), "it is gone already");
        let asked = Instant::now();
        while asked.elapsed() < STOP_MAX {
            if self.child.try_wait()?.is_some() && !self.signal("0") {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        bail!("it did not stop within {} s of SIGTERM", STOP_MAX.as_secs())
    }

    /// Sends a signal to every process of the group; false when there is none.
    fn signal(&self, signal: &str) -> bool {
        let group = format!("-{}", self.child.id());
        let script = "kill -s \"$0\" -- \"$1\" 2>/dev/null";
        let sent = Command::new("sh")
            .args(["-c", script, signal, &group])
            .status();
        sent.is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal("KILL");
        // What was killed is collected; there is nobody to tell if it is not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a server at the address says that it is ready.
fn is_ready(address: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}
