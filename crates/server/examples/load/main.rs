//! Puts load on a server of models: `load PROTOCOL ADDRESS REQUESTS CONNECTIONS SECONDS [RATE [EXPECTED]]`.
//!
//! PROTOCOL is `http` or `grpc`. REQUESTS is a file of blobs, each after its length in four bytes:
//! whole HTTP requests, or a block of gRPC headers and then messages. Without RATE (or with 0)
//! every connection asks again as soon as it is answered; with it requests are due at random
//! moments, so many a second, whether or not earlier ones are answered, and a latency counts from
//! the moment its request was due. EXPECTED holds for each request a blob of the answers allowed,
//! joined by zero bytes. One thread sends, one keeps the time. Prints one line of JSON.
#![expect(
    clippy::print_stdout,
    reason = "a program whose answer is what it prints"
)]

mod grpc;
mod http;
mod pace;
mod tally;

use std::{cell::RefCell, rc::Rc, time::Duration, time::Instant};

use anyhow::{Context, bail};
use tokio::{net::TcpStream, task::LocalSet};

use self::{pace::Due, tally::Tally};

/// An answer's status and body; the status of a gRPC call is 200 or 500.
struct Answer<'a> {
    status: u16,
    body: &'a [u8],
}

/// A connection of either protocol.
enum Wire {
    Http(http::Connection),
    Grpc(Box<grpc::Connection>),
}

impl Wire {
    async fn open(plan: &Plan) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(&plan.address).await?;
        stream.set_nodelay(true)?;
        Ok(if plan.is_grpc {
            let headers = plan.headers.clone();
            Self::Grpc(Box::new(grpc::Connection::open(stream, headers).await?))
        } else {
            Self::Http(http::Connection::new(stream))
        })
    }

    async fn call(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        match self {
            Self::Http(it) => it.call(request).await,
            Self::Grpc(it) => it.call(request).await,
        }
    }
}

/// What is to be done.
struct Plan {
    is_grpc: bool,
    address: String,
    headers: Vec<u8>,
    requests: Vec<Vec<u8>>,
    expected: Vec<Vec<u8>>,
    connections: usize,
    time: Duration,
    rate: f64,
}

impl Plan {
    fn read(arguments: &[String]) -> anyhow::Result<Self> {
        let [protocol, address, requests, connections, seconds, rest @ ..] = arguments else {
            bail!("wanted: PROTOCOL ADDRESS REQUESTS CONNECTIONS SECONDS [RATE [EXPECTED]]");
        };
        let is_grpc = protocol == "grpc";
        let mut requests = blobs(requests)?;
        let headers = if is_grpc {
            requests.remove(0)
        } else {
            Vec::new()
        };
        let rate = rest.first().map_or(Ok(0.0), |it| it.parse());
        Ok(Self {
            is_grpc,
            address: address.clone(),
            headers,
            requests,
            expected: rest.get(1).map_or(Ok(Vec::new()), |it| blobs(it))?,
            connections: connections.parse().context("CONNECTIONS")?,
            time: Duration::from_secs_f64(seconds.parse().context("SECONDS")?),
            rate: rate.context("RATE")?,
        })
    }

    /// Whether an answer is one of those allowed; all are where none is named.
    fn allows(&self, index: usize, body: &[u8]) -> bool {
        let allowed = self.expected.get(index);
        allowed.is_none_or(|it| it.split(|it| *it == 0).any(|it| it == body))
    }
}

fn blobs(path: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let file = std::fs::read(path).with_context(|| path.to_owned())?;
    let (mut all, mut rest) = (Vec::new(), file.as_slice());
    while let Some((length, tail)) = rest.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let (blob, tail) = tail.split_at_checked(length).context("a blob cut short")?;
        all.push(blob.to_vec());
        rest = tail;
    }
    if all.is_empty() {
        bail!("{path} holds no blob");
    }
    Ok(all)
}

/// Asks one request and notes what came of it; a broken connection is opened anew.
async fn ask(plan: &Plan, wire: &mut Wire, due: Due, tally: &RefCell<Tally>) -> anyhow::Result<()> {
    let index = due.number % plan.requests.len();
    let outcome = wire.call(&plan.requests[index]).await;
    let took = due.moment.elapsed();
    match outcome {
        Ok(answer) => {
            let allowed = answer.status != 200 || plan.allows(index, answer.body);
            tally.borrow_mut().add(answer.status, took, allowed);
        }
        Err(error) => {
            tally.borrow_mut().broke(&error);
            *wire = Wire::open(plan).await?;
        }
    }
    Ok(())
}

async fn closed_loop(plan: Rc<Plan>, first: usize, until: Instant, tally: Rc<RefCell<Tally>>) {
    let Ok(mut wire) = Wire::open(&plan).await else {
        tally.borrow_mut().unconnected += 1;
        return;
    };
    let mut number = first;
    while Instant::now() < until {
        let moment = Instant::now();
        let due = Due { number, moment };
        if ask(&plan, &mut wire, due, &tally).await.is_err() {
            tally.borrow_mut().unconnected += 1;
            return;
        }
        number += 1;
    }
}

async fn open_loop(plan: Rc<Plan>, line: Rc<pace::Line>, tally: Rc<RefCell<Tally>>) {
    let Ok(mut wire) = Wire::open(&plan).await else {
        tally.borrow_mut().unconnected += 1;
        return;
    };
    while let Some(due) = line.next().await {
        if ask(&plan, &mut wire, due, &tally).await.is_err() {
            tally.borrow_mut().unconnected += 1;
            return;
        }
    }
}

async fn run(plan: Rc<Plan>) -> Tally {
    let tally = Rc::new(RefCell::new(Tally::default()));
    let begun = Instant::now();
    let local = LocalSet::new();
    if plan.rate > 0.0 {
        let line = pace::Line::start(&local, plan.rate, plan.time);
        for _ in 0..plan.connections {
            local.spawn_local(open_loop(plan.clone(), line.clone(), tally.clone()));
        }
    } else {
        for at in 0..plan.connections {
            let until = begun + plan.time;
            local.spawn_local(closed_loop(plan.clone(), at * 7, until, tally.clone()));
        }
    }
    local.await;
    let mut tally = tally.take();
    tally.seconds = begun.elapsed().as_secs_f64();
    tally
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let plan = Rc::new(Plan::read(&arguments)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    println!("{}", runtime.block_on(run(plan)).line());
    Ok(())
}
