//! Memory for the bodies of requests that are not small, of all of them together: each may be long,
//! and many at the same time would be more than there is.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::OipError;

/// Bytes of a body that are not counted.
const SMALL_BYTES: usize = 64 << 10;
/// Bytes of all bodies together: of those that are as long as they may be, four.
const ALL_BYTES_MAX: usize = 4 * super::BODY_BYTES_MAX;
/// Bytes that are counted as one.
const UNIT_BYTES: usize = 1 << 10;

/// The memory there is.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// What one body has of it, given back with the last copy.
#[derive(Debug, Clone)]
pub(super) struct Held {
    room: Room,
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL_BYTES_MAX / UNIT_BYTES)))
    }
}

impl Room {
    /// Nothing of it yet.
    pub(super) fn hold(&self) -> Held {
        Held {
            room: self.clone(),
            permit: Arc::default(),
        }
    }
}

impl Held {
    /// Sees to it that there is room for a body of so many bytes, or refuses it.
    pub(super) fn fit(&self, bytes: usize) -> Result<(), OipError> {
        if bytes <= SMALL_BYTES {
            return Ok(());
        }
        let mut permit = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        let units = bytes.div_ceil(UNIT_BYTES);
        let has = permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(units.saturating_sub(has)).unwrap_or(u32::MAX);
        if more == 0 {
            return Ok(());
        }
        let more = Arc::clone(&self.room.0).try_acquire_many_owned(more);
        let more = more.map_err(|_| OipError::no_room())?;
        match permit.as_mut() {
            Some(permit) => permit.merge(more),
            None => *permit = Some(more),
        }
        Ok(())
    }

    /// Gives back what it has.
    pub(super) fn clear(&self) {
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_room_there_is_and_no_more() {
        let room = Room::default();
        let small: Vec<Held> = (0..10_000).map(|_| room.hold()).collect();
        assert!(small.iter().all(|it| it.fit(SMALL_BYTES).is_ok()));
        let long: Vec<Held> = (0..4).map(|_| room.hold()).collect();
        for it in &long {
            // As it grows.
            it.fit(SMALL_BYTES + 1).unwrap();
            it.fit(super::super::BODY_BYTES_MAX).unwrap();
            it.fit(1).unwrap();
        }
        let late = room.hold();
        let refused = late.fit(SMALL_BYTES + 1).unwrap_err();
        assert!(refused.retry_after.is_some());
        long[0].clear();
        late.fit(SMALL_BYTES + 1).unwrap();
        drop((late, long));
        assert_eq!(room.0.available_permits(), ALL_BYTES_MAX / UNIT_BYTES);
    }
}
