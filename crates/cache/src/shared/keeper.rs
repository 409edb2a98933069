//! Keeps one connection alive: makes it, brings this process up to date over it, proves memory by
//! asking again and again, and starts over when it fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo, Value};

use super::bus::Message;
use super::counters::Counters;
use super::epoch::Epoch;
use super::inner::Inner;
use super::link::{Link, Parts};
use super::locate;
use super::script::{Answer, unseal};
use super::sender;
use super::types::{Incarnation, SharedError};

/// How often the server is asked for its clock.
const TICK: Duration = Duration::from_millis(50);

/// How long an answer proves memory, counted from when the question was sent.
pub(crate) const LEASE: Duration = Duration::from_millis(200);

/// After so long without a sign a member's memory is proven to nobody, its own clock included: the
/// lease and a quarter for clocks that run apart.
pub(crate) const LEASE_OVER: Duration = Duration::from_millis(250);

/// The first and the longest pause between two attempts to connect.
const PAUSE: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(500)];

/// Changes fetched from the log at a time; more than that missed are not caught up with.
const CATCH_UP_MAX: usize = 2048;

/// Keeps the connection until the task is ended.
pub(crate) async fn keep(inner: Arc<Inner>) {
    let mut pause = PAUSE[0];
    let mut dice = u64::from_be_bytes(inner.options.identity[..8].try_into().expect("eight bytes"));
    loop {
        let joined = tokio::time::timeout(inner.options.connect_timeout, join(&inner)).await;
        let trouble = match joined {
            Ok(Ok(link)) => {
                pause = PAUSE[0];
                let trouble = tend(&inner, &link).await;
                link.fail();
                trouble
            }
            Ok(Err(error)) => error,
            Err(_) => SharedError::TimedOut(inner.options.connect_timeout),
        };
        inner.down(&trouble);
        // Half of it by chance, so that replicas do not all come at once.
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let jitter =
            Duration::from_micros((dice >> 33) % 1000 * u64::from(pause.subsec_micros()) / 2000);
        tokio::time::sleep(pause / 2 + jitter).await;
        pause = (pause * 2).min(PAUSE[1]);
    }
}

/// Makes a connection and everything that has to be true before it is used.
async fn join(inner: &Arc<Inner>) -> Result<Arc<Link>, SharedError> {
    let link = connect(inner).await?;
    loop {
        sender::flush(inner, &link).await?;
        let published = inner.outbox.publish(|| inner.up(&link));
        if published {
            return Ok(link);
        }
    }
}

/// Makes a connection that hears of changes and whose server is known to answer.
pub(crate) async fn connect(inner: &Arc<Inner>) -> Result<Arc<Link>, SharedError> {
    let info = locate::locate(&inner.place, &inner.options, &inner.keys.namespace).await?;
    let client = locate::client(info, &inner.options)?;
    let bus = inner.bus.clone();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_push_sender(
            move |push: PushInfo| -> Result<(), std::convert::Infallible> {
                bus.push(&push);
                Ok(())
            },
        );
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    let mut connection = connection.await.map_err(SharedError::Refused)?;
    Counters::add(&inner.counters.connections);
    let server = server_of(&mut connection).await?;
    for channel in [&inner.keys.bus, &inner.keys.own] {
        let subscribed = connection.subscribe(channel.as_slice()).await;
        subscribed.map_err(SharedError::Refused)?;
    }
    let link = enter(inner, connection, &server).await?;
    // Half open: it counts as there only after an answer within a command's time.
    tick(inner, &link).await?;
    Ok(link)
}

/// A name for the server's memory, which changes when it restarts and when it is promoted.
async fn server_of(connection: &mut MultiplexedConnection) -> Result<String, SharedError> {
    let mut names = Vec::new();
    for (section, fields) in [
        ("server", ["run_id", "redis_version"]),
        ("replication", ["role", "master_replid"]),
    ] {
        let mut cmd = redis::cmd("INFO");
        cmd.arg(section);
        let info: String = cmd
            .query_async(connection)
            .await
            .map_err(SharedError::Refused)?;
        for field in fields {
            let line = info.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                (name == field).then(|| value.trim().to_owned())
            });
            names.push(line.ok_or(SharedError::Garbled("INFO"))?);
        }
    }
    if names[2] != "master" {
        return Err(SharedError::Garbled("INFO: it is a replica"));
    }
    Ok(format!("{}:{}", names[0], names[3]))
}

/// Learns the server's incarnation and clock, and follows it from there or goes on following.
async fn enter(
    inner: &Arc<Inner>,
    connection: MultiplexedConnection,
    server: &str,
) -> Result<Arc<Link>, SharedError> {
    let link_over = |epoch| {
        Arc::new(Link::new(Parts {
            connection: connection.clone(),
            epoch,
            counters: inner.counters.clone(),
            command_timeout: inner.options.command_timeout,
        }))
    };
    // Until the incarnation is known the link stands for none.
    let link = link_over(Arc::new(Epoch::new(Incarnation::default(), 0, 0)));
    for script in inner.scripts.all() {
        link.ask(&script.load()).await?;
    }
    let keys = [
        inner.keys.versions.as_slice(),
        &inner.keys.log,
        &inner.keys.members,
    ];
    let fresh = inner.incarnation();
    let answer = link.run(&inner.scripts.join, &keys, |cmd| {
        cmd.arg(server).arg(&fresh[..]).arg(inner.options.slots);
    });
    let answer = answer.await?;
    let incarnation = incarnation_in(&answer)?;
    if answer.number(2)? != u64::from(inner.options.slots) {
        return Err(SharedError::Address(format!(
            "leads to a namespace of {} slots, and this process has {}",
            answer.number(2)?,
            inner.options.slots
        )));
    }
    let clock = answer.number(3)?;
    if let Some((epoch, applied)) = inner.bus.followed()
        && epoch.incarnation == incarnation
        && applied <= clock
    {
        let link = link_over(epoch);
        if catch_up(inner, &link, clock).await? {
            return Ok(link);
        }
        return Ok(link_over(inner.bus.followed().expect("it follows one").0));
    }
    let epoch = Arc::new(Epoch::new(incarnation, inner.options.slots, clock));
    inner.bus.follow(epoch.clone(), clock);
    Ok(link_over(epoch))
}

fn incarnation_in(answer: &Answer) -> Result<Incarnation, SharedError> {
    let hex = answer.text(1)?;
    let number = u128::from_str_radix(hex, 16).map_err(|_| answer.garbled())?;
    Ok(number.to_be_bytes())
}

/// Asks for the clock until something is wrong; returns what.
async fn tend(inner: &Arc<Inner>, link: &Arc<Link>) -> SharedError {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = link.failed() => return SharedError::Away,
            () = inner.bus.doubt.notified() => {
                if inner.bus.take_odd() {
                    return SharedError::Garbled("a subscription");
                }
            }
            _ = ticks.tick() => {}
        }
        if let Err(error) = tick(inner, link).await {
            return error;
        }
    }
}

/// Asks for the clock, applies what was missed, and proves memory.
async fn tick(inner: &Arc<Inner>, link: &Arc<Link>) -> Result<(), SharedError> {
    let (_, applied) = inner.bus.followed().ok_or(SharedError::Away)?;
    let sent = Instant::now();
    let keys = [inner.keys.versions.as_slice(), &inner.keys.members];
    let number = inner.next_tick();
    let answer = link.run(&inner.scripts.tick, &keys, |cmd| {
        cmd.arg(&link.epoch.incarnation[..])
            .arg(&inner.member)
            .arg(number)
            .arg(applied);
    });
    let answer = answer.await?;
    let clock = answer.number(1)?;
    link.set_clock(answer.number(3)?, sent);
    if applied > clock {
        // The server knows less than it did: an answer was damaged, or the server is another one.
        return Err(link.distrust(SharedError::Garbled("tick")));
    }
    if inner.bus.prove(clock, sent + LEASE) {
        return Ok(());
    }
    Counters::add(&inner.counters.gaps);
    if !catch_up(inner, link, clock).await? {
        // Followed anew from here on, over a link that knows of it.
        return Err(SharedError::Away);
    }
    inner.bus.prove(clock, sent + LEASE);
    Ok(())
}

/// Fetches from the log what was missed up to `clock`; follows anew where the log has it no more,
/// and says so by `false`.
async fn catch_up(inner: &Arc<Inner>, link: &Link, clock: u64) -> Result<bool, SharedError> {
    let (_, applied) = inner.bus.followed().ok_or(SharedError::Away)?;
    if applied < clock {
        let mut cmd = redis::cmd("XRANGE");
        cmd.arg(&inner.keys.log)
            .arg(format!("{}-0", applied + 1))
            .arg("+")
            .arg("COUNT")
            .arg(CATCH_UP_MAX);
        let log = link.ask(&cmd).await?;
        let messages = log_in(&log, &link.epoch.mark)
            .ok_or_else(|| link.distrust(SharedError::Garbled("XRANGE")))?;
        inner.bus.catch_up(&link.epoch, &messages);
    }
    let (_, applied) = inner.bus.followed().ok_or(SharedError::Away)?;
    if applied < clock {
        inner.bus.follow(Arc::new(link.epoch.raised(clock)), clock);
        return Ok(false);
    }
    Ok(true)
}

/// The messages that the log holds, where it holds nothing else.
fn log_in(log: &Value, mark: &str) -> Option<Vec<Message>> {
    let Value::Array(entries) = log else {
        return None;
    };
    let message = |entry: &Value| {
        let Value::Array(parts) = entry else {
            return None;
        };
        let [_, Value::Array(pairs)] = parts.as_slice() else {
            return None;
        };
        let [_, Value::BulkString(sealed)] = pairs.as_slice() else {
            return None;
        };
        let (theirs, message) = Message::read(&unseal(sealed)?)?;
        (theirs == mark).then_some(message)
    };
    entries.iter().map(message).collect()
}
