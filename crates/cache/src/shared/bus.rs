//! What is heard of changes, brought into order: none is applied twice in vain, none is missed
//! without being known to be missed.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use redis::{PushInfo, PushKind, Value};
use tokio::sync::Notify;

use super::counters::Counters;
use super::epoch::Epoch;
use super::script::unseal;
use super::types::{Change, Listener, Touched};

/// Those who wait for an acknowledgement that are told at a time; more find it by asking.
const OWED_MAX: usize = 256;

/// The order of changes in this process.
pub(crate) struct Bus {
    state: Mutex<State>,
    counters: Arc<Counters>,
    member: String,
    /// Something is missing or odd; the keeper looks into it.
    pub(crate) doubt: Notify,
    /// Something was applied that others wait for.
    pub(crate) owes: Notify,
}

struct State {
    epoch: Option<Arc<Epoch>>,
    /// All changes up to this one have been applied.
    applied: u64,
    listener: Option<Arc<dyn Listener>>,
    /// Who waits to hear that a change was applied.
    owed: Vec<String>,
    position: Option<u64>,
    /// An odd message came, so the connection is not to be trusted.
    odd: bool,
}

/// One change as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    sender: String,
    clock: u64,
    change: Change,
}

impl Bus {
    pub(crate) fn new(member: String, counters: Arc<Counters>) -> Self {
        Self {
            state: Mutex::new(State {
                epoch: None,
                applied: 0,
                listener: None,
                owed: Vec::new(),
                position: None,
                odd: false,
            }),
            counters,
            member,
            doubt: Notify::new(),
            owes: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no listener panics")
    }

    /// Tells `listener` of every change from now on.
    pub(crate) fn attach(&self, listener: Arc<dyn Listener>) {
        // What was applied before it listened may stand in its memory.
        listener.unproven();
        listener.forget_all();
        self.state().listener = Some(listener);
    }

    /// Takes in what the server sent without being asked.
    pub(crate) fn push(&self, push: &PushInfo) {
        match push.kind {
            PushKind::Message => {}
            PushKind::Disconnection => return self.doubt.notify_one(),
            _ => return,
        }
        let Some(Value::BulkString(sealed)) = push.data.get(1) else {
            return self.suspect();
        };
        let Some(fields) = unseal(sealed) else {
            return self.suspect();
        };
        match fields.as_slice() {
            [mark, member, clock] => self.acknowledged(mark, member, clock),
            _ => match Message::read(&fields) {
                Some((mark, message)) => self.hear(&mark, &message),
                None => self.suspect(),
            },
        }
    }

    fn acknowledged(&self, mark: &str, member: &str, clock: &str) {
        let epoch = self.state().epoch.clone();
        if let (Some(epoch), Ok(clock)) = (epoch, clock.parse())
            && epoch.mark == mark
        {
            epoch.acknowledge(member, clock);
        }
    }

    /// Notes that the connection brings garbage.
    fn suspect(&self) {
        Counters::add(&self.counters.garbage);
        self.state().odd = true;
        self.doubt.notify_one();
    }

    /// Whether garbage came; asked once.
    pub(crate) fn take_odd(&self) -> bool {
        std::mem::take(&mut self.state().odd)
    }

    fn hear(&self, mark: &str, message: &Message) {
        let mut state = self.state();
        let Some(epoch) = state.epoch.clone() else {
            return;
        };
        if epoch.mark != mark {
            // Another incarnation has begun: the next question to the server says so.
            self.doubt.notify_one();
            return;
        }
        let theirs = message.sender != self.member;
        if theirs {
            Counters::add(&self.counters.heard);
        }
        self.take(&mut state, &epoch, message);
        if theirs && state.owed.len() < OWED_MAX && !state.owed.contains(&message.sender) {
            state.owed.push(message.sender.clone());
        }
        if theirs {
            self.owes.notify_one();
        }
    }

    /// Applies a message, and raises what is applied where nothing lies between.
    fn take(&self, state: &mut State, epoch: &Epoch, message: &Message) {
        if message.clock <= state.applied {
            return;
        }
        epoch.apply(&message.change, message.clock);
        state.position = state.position.max(message.change.position);
        if let Some(listener) = &state.listener {
            listener.changed(&message.change);
        }
        if message.clock == state.applied + 1 {
            state.applied = message.clock;
        } else {
            self.doubt.notify_one();
        }
    }

    /// Applies a change of this process that became the server's change number `clock`; where its
    /// message came first, that was done.
    pub(crate) fn own(&self, epoch: &Epoch, change: &Change, clock: u64) {
        let mut state = self.state();
        if state.epoch.as_ref().is_some_and(|it| it.mark == epoch.mark) {
            let message = Message {
                sender: self.member.clone(),
                clock,
                change: change.clone(),
            };
            self.take(&mut state, epoch, &message);
        } else if let Some(listener) = &state.listener {
            listener.changed(change);
        }
    }

    /// Applies a change of this process that the server has not got.
    pub(crate) fn local(&self, change: &Change) {
        let mut state = self.state();
        state.position = state.position.max(change.position);
        if let Some(listener) = &state.listener {
            listener.changed(change);
        }
    }

    /// Begins to follow an incarnation at `clock`; what was known before is forgotten.
    pub(crate) fn follow(&self, epoch: Arc<Epoch>, clock: u64) {
        let mut state = self.state();
        if let Some(old) = state.epoch.replace(epoch) {
            // Changes go to the new one from now on.
            old.disprove();
        }
        state.applied = clock;
        state.owed.clear();
        Counters::add(&self.counters.forgets);
        if let Some(listener) = &state.listener {
            listener.forget_all();
        }
    }

    /// What is followed, and up to where it was applied.
    pub(crate) fn followed(&self) -> Option<(Arc<Epoch>, u64)> {
        let state = self.state();
        let epoch = state.epoch.clone()?;
        Some((epoch, state.applied))
    }

    /// Applies what the log holds after `applied`, in order; ends where something is missing.
    pub(crate) fn catch_up(&self, epoch: &Epoch, messages: &[Message]) {
        let mut state = self.state();
        for message in messages {
            if message.clock == state.applied + 1 {
                self.take(&mut state, epoch, message);
            }
        }
    }

    /// Who waits to hear how far this process is, and how far it is.
    pub(crate) fn owed(&self) -> (Vec<String>, u64) {
        let mut state = self.state();
        (std::mem::take(&mut state.owed), state.applied)
    }

    /// Memory is proven until then, where all changes up to `clock` have been applied.
    pub(crate) fn prove(&self, clock: u64, until: Instant) -> bool {
        let state = self.state();
        if state.applied < clock {
            return false;
        }
        if let Some(epoch) = &state.epoch {
            epoch.prove(until);
        }
        if let Some(listener) = &state.listener {
            listener.proven_until(until);
        }
        true
    }

    /// Memory is not proven any more.
    pub(crate) fn disprove(&self) {
        let state = self.state();
        if let Some(epoch) = &state.epoch {
            epoch.disprove();
        }
        if let Some(listener) = &state.listener {
            listener.unproven();
        }
    }

    /// Whether memory is proven now.
    pub(crate) fn proven(&self) -> bool {
        self.state().epoch.as_ref().is_some_and(|it| it.proven())
    }

    /// The highest database position that a change named.
    pub(crate) fn position(&self) -> Option<u64> {
        self.state().position
    }
}

impl Message {
    /// Reads the fields of a message: the incarnation's mark and the rest.
    pub(crate) fn read(fields: &[String]) -> Option<(String, Self)> {
        let [mark, sender, clock, position, slots] = fields else {
            return None;
        };
        let position = match position.as_str() {
            "" => None,
            text => Some(text.parse().ok()?),
        };
        let message = Self {
            sender: sender.clone(),
            clock: clock.parse().ok()?,
            change: Change::read(slots, position)?,
        };
        Some((mark.clone(), message))
    }
}

impl Change {
    /// As its slots travel: numbers between commas, a tilde before those that are touched gently.
    pub(crate) fn text(&self) -> String {
        let Touched::Slots(slots) = &self.touched else {
            return "*".to_owned();
        };
        let slots = slots.iter().map(u32::to_string);
        let gently = self.gently.iter().map(|slot| format!("~{slot}"));
        slots.chain(gently).collect::<Vec<String>>().join(",")
    }

    fn read(text: &str, position: Option<u64>) -> Option<Self> {
        let mut change = Self {
            touched: Touched::Everything,
            gently: Vec::new(),
            position,
        };
        if text == "*" {
            return Some(change);
        }
        let mut slots = Vec::new();
        for slot in text.split(',').filter(|it| !it.is_empty()) {
            match slot.strip_prefix('~') {
                Some(slot) => change.gently.push(slot.parse().ok()?),
                None => slots.push(slot.parse().ok()?),
            }
        }
        change.touched = Touched::Slots(slots);
        Some(change)
    }
}
