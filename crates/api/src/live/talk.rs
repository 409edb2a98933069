//! A conversation over a socket: what the client asks for, what the feed brings, and signs of life,
//! until one of the two ends it.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use engine::feeding::{
    Frame, Outlet, Reader as FeedReader, Revision,
    websocket::{Closing, Kind, Message, frame},
};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Interval, MissedTickBehavior, interval, timeout},
};

use super::{
    Live, Place, Refusal,
    ask::{Ask, Wish},
    follow::KEYS_OF_STREAM_MAX,
    socket::{Socket, Step},
    stream::WRITE_BYTES,
};
use crate::{error::ApiError, rate::Meter};

/// A client's message in bytes, at most: 50 keys of 300 bytes and what is held of each.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Beats without a sign of life after which a client is taken to be gone.
const SILENT_BEATS_MAX: u8 = 3;
/// Beats during which nothing could be sent after which a client is taken to be gone.
const STALLED_BEATS_MAX: u8 = 2;
/// How long a goodbye may take.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);

/// Codes and words of a goodbye.
const STOPPING: (u16, &str) = (1001, "the server stops");
const NOT_TEXT: (u16, &str) = (1003, "messages are text");
const SILENT: (u16, &str) = (4408, "nothing was heard for 45 s");
const STALLED: (u16, &str) = (4408, "nothing could be sent for 30 s");

/// A conversation.
pub(crate) struct Talk<Io> {
    socket: Socket<Io>,
    live: Arc<Live>,
    /// Held to the end: a server that stops waits for those who do.
    stopped: watch::Receiver<bool>,
    reader: FeedReader,
    place: Place,
    meter: Option<Arc<Meter>>,
    /// Keys that are to be followed once the one before is.
    wishes: VecDeque<Wish>,
    making: Option<Box<Making>>,
    beat: Interval,
    silent_beats: u8,
    stalled_beats: u8,
}

/// An answer that is being made, so that it can be followed.
struct Making {
    wish: Wish,
    made: Pin<Box<dyn Future<Output = Prepared> + Send>>,
}

/// From which revision the reader goes on.
type Prepared = Result<Option<Revision>, Refusal>;

/// What happens in a conversation.
enum News {
    /// The server stops.
    Stop,
    /// It was let in by what counts no longer.
    Lost(ApiError),
    Step(io::Result<Step>),
    Made(Wish, Prepared),
    Frame(Frame),
    Beat,
}

/// Says goodbye at once to a client that is not let in.
pub(crate) async fn turn_away<Io>(io: Io, closing: &Closing)
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let mut socket = Socket::new(io, MESSAGE_BYTES_MAX);
    // A client that does not wait for it is gone all the same.
    let _ = timeout(CLOSE_TIME_MAX, socket.close(closing)).await;
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Talk<Io> {
    pub(crate) fn new(
        io: Io,
        (live, stopped): (Arc<Live>, watch::Receiver<bool>),
        (reader, place): (FeedReader, Place),
    ) -> Self {
        let mut beat = interval(live.options.beat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            socket: Socket::new(io, MESSAGE_BYTES_MAX),
            live,
            stopped,
            reader,
            place,
            meter: None,
            wishes: VecDeque::new(),
            making: None,
            beat,
            silent_beats: 0,
            stalled_beats: 0,
        }
    }

    /// Has frames go out by an outlet at once, where there is one.
    pub(crate) fn let_out(mut self, outlet: Option<Arc<dyn Outlet>>) -> Self {
        if let Some(outlet) = outlet {
            self.reader.let_out(outlet);
        }
        self
    }

    /// Has each key that is asked for counted.
    pub(crate) fn counted(mut self, meter: Option<Meter>) -> Self {
        self.meter = meter.map(Arc::new);
        self
    }

    /// Talks until one of the two ends it. On the heap, for it stands in the future twice otherwise.
    pub(crate) async fn run(mut self: Box<Self>) {
        // Waited for once, not anew for every frame.
        let mut stopped = self.stopped.clone();
        let stopped = pin!(stopped.wait_for(|it| *it));
        if let Some(closing) = self.talk(stopped).await {
            if let Some(rest) = self.reader.shut() {
                self.socket.share(&rest);
            }
            // On the heap: most of the time it is not there.
            let goodbye = timeout(CLOSE_TIME_MAX, self.socket.close(&closing));
            let _ = Box::pin(goodbye).await;
        }
    }

    /// Why it ends; nothing where the client is simply gone.
    async fn talk<T>(&mut self, mut stopped: Pin<&mut impl Future<Output = T>>) -> Option<Closing> {
        loop {
            // By hand, for a macro that waits for any of them takes half the memory of a connection.
            let news = poll_fn(|context| self.poll_news(stopped.as_mut(), context));
            let went = match news.await {
                News::Stop => Err(closing(STOPPING)),
                News::Lost(why) => Err(why.closing()),
                News::Step(Ok(Step::Read)) => {
                    self.silent_beats = 0;
                    self.hear()
                }
                News::Step(Ok(Step::Wrote)) => {
                    self.stalled_beats = 0;
                    Ok(())
                }
                News::Step(Ok(Step::Ended) | Err(_)) => return None,
                News::Made(wish, made) => {
                    self.made(wish, made);
                    Ok(())
                }
                News::Frame(frame) => {
                    self.socket.share(&frame.message);
                    self.add_more();
                    Ok(())
                }
                News::Beat => self.beat(),
            };
            if let Err(closing) = went {
                return Some(closing);
            }
        }
    }

    /// What happens next; frames are taken only when those before them are written.
    fn poll_news<T>(
        &mut self,
        stopped: Pin<&mut impl Future<Output = T>>,
        context: &mut Context<'_>,
    ) -> Poll<News> {
        if stopped.poll(context).is_ready() {
            return Poll::Ready(News::Stop);
        }
        if let Some(why) = self.place.pass().lost() {
            return Poll::Ready(News::Lost(why));
        }
        let is_idle = self.socket.is_idle();
        if let Poll::Ready(step) = self.socket.poll_step(context) {
            return Poll::Ready(News::Step(step));
        }
        if let Some(making) = &mut self.making
            && let Poll::Ready(made) = making.made.as_mut().poll(context)
            && let Some(done) = self.making.take()
        {
            return Poll::Ready(News::Made(done.wish, made));
        }
        if is_idle && let Poll::Ready(frame) = self.reader.poll_next(context) {
            return Poll::Ready(News::Frame(frame));
        }
        self.beat.poll_tick(context).map(|_| News::Beat)
    }

    /// Adds frames that are there already, so that they are sent together.
    fn add_more(&mut self) {
        while self.socket.waiting() < WRITE_BYTES
            && let Some(frame) = self.reader.try_next()
        {
            self.socket.share(&frame.message);
        }
    }

    /// A sign of life, and a look at those of the client.
    fn beat(&mut self) -> Result<(), Closing> {
        if !self.socket.is_idle() {
            self.stalled_beats += 1;
            return if self.stalled_beats > STALLED_BEATS_MAX {
                Err(closing(STALLED))
            } else {
                Ok(())
            };
        }
        self.silent_beats += 1;
        if self.silent_beats > SILENT_BEATS_MAX {
            return Err(closing(SILENT));
        }
        self.say(&json!({"t": "hb", "ts": self.live.now_ms()}).to_string());
        self.put(&frame(Kind::Ping, &[]));
        Ok(())
    }

    fn say(&mut self, text: &str) {
        self.put(&frame(Kind::Text, text.as_bytes()));
    }

    fn put(&mut self, message: &[u8]) {
        // The feed writes nothing more by itself until this has gone out.
        if let Some(rest) = self.reader.hold() {
            self.socket.share(&rest);
        }
        self.socket.put(message);
    }

    /// Takes every message that came whole.
    fn hear(&mut self) -> Result<(), Closing> {
        while let Some(message) = self.socket.next_message()? {
            match message {
                Message::Text(text) => match Ask::read(&text) {
                    Ok(Ask::Sub(wishes)) => self.wish(wishes),
                    Ok(Ask::Unsub(keys)) => keys.iter().for_each(|it| self.unfollow(it)),
                    Err(detail) => {
                        let error = json!({"t": "err", "code": "bad-request", "detail": detail});
                        self.say(&error.to_string());
                    }
                },
                Message::Ping(bytes) => self.put(&frame(Kind::Pong, &bytes)),
                Message::Pong(_) => {}
                Message::Binary(_) => return Err(closing(NOT_TEXT)),
                // Answered with the same.
                Message::Close(closing) => return Err(closing),
            }
        }
        Ok(())
    }

    fn wish(&mut self, wishes: Vec<Wish>) {
        for wish in wishes {
            self.forget_wish(&wish.key);
            let wished = self.wishes.len() + usize::from(self.making.is_some());
            let is_full = self.reader.len() + wished >= KEYS_OF_STREAM_MAX;
            if is_full && !self.reader.follows(&wish.key) {
                let refusal = Refusal {
                    code: "too-many",
                    detail: format!("no more than {KEYS_OF_STREAM_MAX} keys on one connection"),
                };
                self.say(&refusal.frame(&wish.key));
            } else {
                self.wishes.push_back(wish);
            }
        }
        self.go_on();
    }

    fn unfollow(&mut self, key: &str) {
        self.forget_wish(key);
        if self.reader.unfollow(key) {
            self.place.unsubscribe();
        }
        self.go_on();
    }

    fn forget_wish(&mut self, key: &str) {
        self.wishes.retain(|it| it.key != key);
        if self.making.as_ref().is_some_and(|it| it.wish.key == key) {
            self.making = None;
        }
    }

    /// Follows what can be, and has the next answer made that cannot yet; one at a time.
    fn go_on(&mut self) {
        while self.making.is_none()
            && let Some(wish) = self.wishes.pop_front()
        {
            if self.meter.is_none() && self.live.is_ready(&wish.key, wish.since) {
                self.follow(&wish);
                continue;
            }
            let (live, key, since) = (Arc::clone(&self.live), wish.key.clone(), wish.since);
            let meter = self.meter.clone();
            let made = Box::pin(async move {
                if let Some(meter) = meter {
                    meter.count().await.map_err(Refusal::from)?;
                }
                live.prepare(&key, since).await
            });
            self.making = Some(Box::new(Making { wish, made }));
        }
        self.wishes.shrink_to(0);
    }

    fn made(&mut self, wish: Wish, made: Prepared) {
        match made {
            Ok(since) => self.follow(&Wish { since, ..wish }),
            Err(refusal) => self.say(&refusal.frame(&wish.key)),
        }
        self.go_on();
    }

    fn follow(&mut self, wish: &Wish) {
        let reader = (&mut self.reader, &mut self.place);
        let held = (wish.since, wish.mode);
        if let Err(refusal) = self.live.subscribe(reader, &wish.key, held) {
            self.say(&refusal.frame(&wish.key));
        }
    }
}

fn closing((code, reason): (u16, &str)) -> Closing {
    Closing::new(code, reason)
}
