//! Bytes that begin where a line of memory begins. Tables lie at multiples of 64 bytes in them, and
//! a register of 64 bytes that lies across two lines takes twice as long to read.

use super::SharedBytes;
use crate::kernel::WIDTH;
use std::sync::Arc;

/// Bytes, and where those begin that count.
struct Aligned {
    bytes: Vec<u8>,
    from: usize,
}

impl AsRef<[u8]> for Aligned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.from..]
    }
}

/// The same bytes, copied where they lie badly.
pub(super) fn aligned(bytes: SharedBytes) -> SharedBytes {
    let held = bytes.as_ref().as_ref();
    if held.as_ptr().addr().is_multiple_of(WIDTH) {
        return bytes;
    }
    let mut copy: Vec<u8> = Vec::with_capacity(held.len() + WIDTH);
    let from = copy.as_ptr().align_offset(WIDTH).min(WIDTH);
    copy.resize(from, 0);
    copy.extend_from_slice(held);
    Arc::new(Aligned { bytes: copy, from })
}

#[cfg(test)]
mod tests {
    use super::{SharedBytes, WIDTH, aligned};
    use std::sync::Arc;

    struct From(Vec<u8>, usize);

    impl AsRef<[u8]> for From {
        fn as_ref(&self) -> &[u8] {
            &self.0[self.1..]
        }
    }

    #[test]
    fn bytes_that_lie_badly_are_copied_and_others_are_left() {
        let bytes: Vec<u8> = (0..=255).collect();
        let good = bytes.as_ptr().align_offset(WIDTH);
        let wanted = bytes[good + 1..].to_vec();
        let bad: SharedBytes = Arc::new(From(bytes, good + 1));
        let copy = aligned(bad);
        let held = |it: &SharedBytes| it.as_ref().as_ref().to_vec();
        let place = |it: &SharedBytes| it.as_ref().as_ref().as_ptr().addr();
        assert!(place(&copy).is_multiple_of(WIDTH));
        assert_eq!(held(&copy), wanted);
        assert_eq!(place(&aligned(Arc::clone(&copy))), place(&copy));
    }
}
