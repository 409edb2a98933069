//! How a server's heap behaves: an arena for each processor, and freed memory goes back to the
//! system.
//!
//! glibc gives every thread an arena of its own and keeps what is freed in them, so a server whose
//! models come and go grows for ever. One arena for all would do, but the threads of connections
//! then wait for each other: it made a request dearer (`bench/RESULTS.md`).
#![expect(
    unsafe_code,
    reason = "the C library has no other way to be told; each call only sets a number in it"
)]

/// Free bytes at the heap's end that are kept.
#[cfg(target_env = "gnu")]
const KEPT_BYTES_MAX: libc::c_int = 1 << 20;
/// An allocation from this size on is a mapping of its own, which goes back when it is freed.
#[cfg(target_env = "gnu")]
const MAPPED_BYTES_MIN: libc::c_int = 1 << 20;

/// Arenas at most, however many processors there are.
#[cfg(target_env = "gnu")]
const ARENAS_MAX: usize = 4;

/// Sets it; to be called before there are threads. Other C libraries have no such arenas.
pub(crate) fn prepare() {
    #[cfg(target_env = "gnu")]
    let arenas = std::thread::available_parallelism().map_or(1, |it| it.get().min(ARENAS_MAX));
    #[cfg(target_env = "gnu")]
    for (setting, value) in [
        (libc::M_ARENA_MAX, arenas as libc::c_int),
        (libc::M_TRIM_THRESHOLD, KEPT_BYTES_MAX),
        (libc::M_MMAP_THRESHOLD, MAPPED_BYTES_MIN),
    ] {
        // SAFETY: takes two numbers by value; what it does not know it refuses by returning zero.
        let done = unsafe { libc::mallopt(setting, value) };
        debug_assert_eq!(done, 1, "mallopt knows {setting}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_heap_takes_its_settings() {
        super::prepare();
        assert_eq!(vec![7_u8; 3 << 20].len(), 3 << 20);
    }
}
