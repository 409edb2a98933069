//! How a server's heap behaves: an arena for each processor, and freed memory goes back to the
//! system.
//!
//! glibc gives every thread an arena of its own and keeps what is freed in them, so a server whose
//! models come and go grows for ever. One arena for all would do, but the threads of connections
//! then wait for each other: it made a request dearer (`bench/RESULTS.md`).
//!
//! Of the program itself most is needed by a start alone, and would lie in memory ever after.
#![expect(
    unsafe_code,
    reason = "the C library and the kernel have no other way to be told"
)]

use std::{ops::Range, path::Path};

/// Free bytes at the heap's end that are kept.
#[cfg(target_env = "gnu")]
const KEPT_BYTES_MAX: libc::c_int = 1 << 20;
/// An allocation from this size on is a mapping of its own, which goes back when it is freed. Models
/// of a megabyte consist of such; with more in the heap, what came and went left holes in it.
#[cfg(target_env = "gnu")]
const MAPPED_BYTES_MIN: libc::c_int = 256 << 10;

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

/// Gives back what only the start needed: free pieces of the heap, and the program's own pages.
/// Those come back as they are used, without reading as long as the system has room to keep the
/// file. Says how many bytes of the program's addresses it was.
pub(crate) fn give_back_start() -> usize {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes a number by value, and gives back what nobody holds.
    let _ = unsafe { libc::malloc_trim(0) };
    give_back_program()
}

fn give_back_program() -> usize {
    let Ok(program) = std::env::current_exe() else {
        return 0;
    };
    let Ok(mappings) = std::fs::read_to_string("/proc/self/smaps") else {
        return 0; // Not Linux, or not to be seen: nothing is given back.
    };
    unchanged(&mappings, &program)
        .into_iter()
        .map(give_back)
        .sum()
}

#[cfg(target_os = "linux")]
fn give_back(pages: Range<usize>) -> usize {
    let start = std::ptr::with_exposed_provenance_mut(pages.start);
    // SAFETY: the pages are the program's file, may not be written and never were, as the kernel
    // says; what is taken out is read from the file again, and is the same.
    let done = unsafe { libc::madvise(start, pages.len(), libc::MADV_DONTNEED) };
    if done == 0 { pages.len() } else { 0 }
}

#[cfg(not(target_os = "linux"))]
fn give_back(_pages: Range<usize>) -> usize {
    0
}

/// The ranges of a process, as `smaps` tells them, that are as the program's file says and stay
/// so: private, not to be written, and without a page that was.
fn unchanged(mappings: &str, program: &Path) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut candidate = None;
    for line in mappings.lines() {
        if let Some((pages, rest)) = addresses(line) {
            let readable = rest.starts_with("r--p ") || rest.starts_with("r-xp ");
            let ours = rest
                .splitn(5, ' ')
                .nth(4)
                .map(|it| Path::new(it.trim_start()))
                == Some(program);
            candidate = (readable && ours).then_some(pages);
        } else if let Some(size) = line.strip_prefix("Anonymous:")
            && size.trim() == "0 kB"
        {
            found.extend(candidate.take());
        }
    }
    found
}

/// The addresses with which a mapping's first line begins, and the rest of it.
fn addresses(line: &str) -> Option<(Range<usize>, &str)> {
    let (pages, rest) = line.split_once(' ')?;
    let (start, end) = pages.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    Some((address(start)?..address(end)?, rest))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    const MAPPINGS: &str = "\
1000-3000 r--p 00000000 fe:00 7 /opt/our program
Rss:                   8 kB
Anonymous:             0 kB
3000-9000 r-xp 00002000 fe:00 7 /opt/our program
Anonymous:             0 kB
9000-a000 r--p 00008000 fe:00 7 /opt/our program
Anonymous:             4 kB
a000-b000 rw-p 00009000 fe:00 7 /opt/our program
Anonymous:             0 kB
b000-c000 r--s 00000000 fe:00 8 /opt/our program
Anonymous:             0 kB
d000-e000 r-xp 00000000 fe:00 9 /lib/libc.so.6
Anonymous:             0 kB
f000-10000 rw-p 00000000 00:00 0
Anonymous:             0 kB
";

    #[test]
    fn only_unchanged_pages_of_the_program_are_given_back() {
        let found = super::unchanged(MAPPINGS, Path::new("/opt/our program"));
        assert_eq!(found, [0x1000..0x3000, 0x3000..0x9000]);
        assert!(super::unchanged("", Path::new("/opt/our program")).is_empty());
        assert!(super::unchanged("no mapping\n1-2\nx-y r-xp", Path::new("/")).is_empty());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_program_goes_on_after_its_pages_were_given_back() {
        let code = std::fs::metadata(std::env::current_exe().unwrap()).unwrap();
        let given = super::give_back_program();
        // A file's last page is mapped whole; the largest that Linux has are of 64 KiB.
        let most = code.len() + 2 * (64 << 10);
        assert!(given > 0 && given as u64 <= most, "{given} of {most}");
        let sorted: std::collections::BTreeSet<_> = ["b", "a"].into_iter().collect();
        assert_eq!(sorted.first(), Some(&"a"));
    }

    #[test]
    fn the_heap_takes_its_settings() {
        super::prepare();
        assert_eq!(vec![7_u8; 3 << 20].len(), 3 << 20);
    }
}
