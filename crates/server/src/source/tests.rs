use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn content(bytes: &[u8]) -> Result<String> {
    content_up_to(bytes, 1 << 20)
}

fn content_up_to(bytes: &[u8], max: u64) -> Result<String> {
    let folder = folder(&[("file", bytes)]);
    let opened = OpenedFile::open(&folder.path().join("file"), max)?;
    assert_eq!(opened.size_bytes(), bytes.len() as u64);
    let read = Arc::new(AtomicU64::new(0));
    let mut text = String::new();
    opened
        .into_content(Arc::clone(&read))?
        .read_to_string(&mut text)?;
    assert_eq!(
        read.load(Ordering::Relaxed),
        bytes.len() as u64,
        "every byte is counted"
    );
    Ok(text)
}

fn problem<T: std::fmt::Debug>(result: Result<T>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn folders_become_their_data_files_in_order() {
    let folder = folder(&[
        ("b/E1.CSV.GZ", b""),
        ("b/E0.csv", b""),
        ("a.json", b""),
        ("c.csv.zst", b""),
        ("c.mapping.toml", b""),
        ("notes.txt", b""),
        (".hidden/x.csv", b""),
    ]);
    let root = folder.path();
    let found = locate(&[
        root.display().to_string(),
        "https://example.org/E0.csv".to_owned(),
    ]);
    let file = |name: &str| Location::File(root.join(name));
    assert_eq!(
        found.unwrap(),
        [
            file("a.json"),
            file("b/E0.csv"),
            file("b/E1.CSV.GZ"),
            file("c.csv.zst"),
            Location::Url("https://example.org/E0.csv".to_owned()),
        ]
    );
}

#[test]
fn what_is_not_there_or_empty_or_too_deep_is_refused() {
    let twice = ["-".to_owned(), "-".to_owned()];
    assert_eq!(locate(&twice[..1]).unwrap(), [Location::Piped]);
    assert!(problem(locate(&twice)).contains("can be read once"));
    assert!(problem(locate(&["/no/such/file.csv".to_owned()])).contains("cannot be opened"));
    let empty = folder(&[("readme.txt", b"")]);
    let named = [empty.path().display().to_string()];
    assert!(problem(locate(&named)).contains("holds no .csv or .json file"));
    let deep = folder(&[(&format!("{}x.csv", "d/".repeat(20)), b"")]);
    let named = [deep.path().display().to_string()];
    assert!(problem(locate(&named)).contains("folders deep"));
}

#[test]
fn a_mapping_lies_beside_its_file() {
    let folder = folder(&[("games.mapping.toml", b""), ("other.csv", b"")]);
    let beside = |name: &str| mapping_beside(&folder.path().join(name));
    let mapping = Some(folder.path().join("games.mapping.toml"));
    assert_eq!(beside("games.csv"), mapping);
    assert_eq!(beside("games.csv.gz"), mapping);
    assert_eq!(beside("games.json.zst"), mapping);
    assert_eq!(beside("other.csv"), None);
}

#[test]
fn compression_is_told_by_the_first_bytes() {
    assert_eq!(content(b"plain").unwrap(), "plain");
    assert_eq!(content(b"").unwrap(), "");
    assert_eq!(content(&gzip(b"packed")).unwrap(), "packed");
    let joined = [gzip(b"one "), gzip(b"two")].concat();
    assert_eq!(content(&joined).unwrap(), "one two");
    let packed = zstd::encode_all(&b"packed too"[..], 3).unwrap();
    assert_eq!(content(&packed).unwrap(), "packed too");
}

#[test]
fn damaged_and_cut_files_are_refused_before_they_are_read() {
    let text = "a line of text\n".repeat(1000);
    let mut packed = gzip(text.as_bytes());
    packed.truncate(packed.len() - 6);
    assert!(problem(content(&packed)).contains("the gzip is damaged or cut short"));
    let mut packed = zstd::encode_all(text.as_bytes(), 3).unwrap();
    packed.truncate(packed.len() - 6);
    assert!(problem(content(&packed)).contains("the zstd is damaged or cut short"));
}

#[test]
fn a_file_that_unpacks_to_too_much_is_refused() {
    let bomb = gzip(&vec![b' '; 100_000]);
    assert!(problem(content_up_to(&bomb, 99_999)).contains("unpacks to more than 99999 bytes"));
    assert!(content_up_to(&bomb, 100_000).is_ok());
}

#[test]
fn a_folder_is_no_file() {
    let folder = folder(&[]);
    assert!(OpenedFile::open(folder.path(), 1).is_err());
    assert!(problem(OpenedFile::open(&folder.path().join("x"), 1)).contains("cannot be opened"));
    assert!(File::open(folder.path().join("x")).is_err());
}

#[test]
fn what_is_piped_in_is_taken_packed_or_plain_up_to_a_bound() {
    let read = |opened: OpenedFile| {
        let mut text = String::new();
        let mut content = opened.into_content(Arc::default()).unwrap();
        content.read_to_string(&mut text).unwrap();
        text
    };
    let plain = b"Div,Date\nE0,01/08/2026\n";
    let text = read(OpenedFile::piped(&plain[..], 100).unwrap());
    assert_eq!(text.as_bytes(), plain);
    let packed = zstd::encode_all(&plain[..], 1).unwrap();
    let text = read(OpenedFile::piped(&packed[..], 100).unwrap());
    assert_eq!(text.as_bytes(), plain);
    assert!(problem(OpenedFile::piped(&plain[..], 10)).contains("more than 10 bytes"));
    assert!(OpenedFile::piped(&plain[..], plain.len() as u64).is_ok());
}
