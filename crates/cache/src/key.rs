//! Keys: whose value, of which kind, made from which typed parts.
//!
//! Every part is written with its type and length, so two different lists of parts never give the
//! same bytes. Who may see the value is an argument that cannot be left out.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A key, at most, in bytes; longer ones are refused when they are used.
pub const KEY_BYTES_MAX: usize = 1024;

/// Both, one after the other, with room for more.
#[cold]
fn moved(bytes: &[u8], more: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity((bytes.len() + more.len()).max(2 * SHORT_BYTES));
    all.extend_from_slice(bytes);
    all.extend_from_slice(more);
    all
}

/// What stands after the prefix of a key whose value everybody may see.
pub(crate) const PUBLIC: [u8; 2] = *b"P\0";

/// Who may see a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope<'a> {
    /// Everybody.
    Public,
    /// Those who belong to one tenant.
    Tenant(&'a str),
    /// One user.
    User(&'a str),
}

/// Something a key can be made from.
pub trait Part {
    /// Appends the part in a form that no other part, of this or another type, has.
    fn write(&self, to: &mut PartWriter<'_>);
}

/// Takes the bytes of parts.
#[derive(Debug)]
pub struct PartWriter<'a>(&'a mut Short);

impl PartWriter<'_> {
    /// Appends bytes under a mark that says what they are; the length goes before them.
    #[inline]
    pub fn bytes(&mut self, mark: u8, bytes: &[u8]) {
        self.0.push(mark);
        let mut length = bytes.len();
        while length >= 0x80 {
            self.0.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        self.0.push(length as u8);
        self.0.extend_from_slice(bytes);
    }
}

impl Part for str {
    #[inline]
    fn write(&self, to: &mut PartWriter<'_>) {
        to.bytes(b's', self.as_bytes());
    }
}

impl Part for String {
    #[inline]
    fn write(&self, to: &mut PartWriter<'_>) {
        self.as_str().write(to);
    }
}

impl Part for [u8] {
    #[inline]
    fn write(&self, to: &mut PartWriter<'_>) {
        to.bytes(b'b', self);
    }
}

impl Part for u64 {
    #[inline]
    fn write(&self, to: &mut PartWriter<'_>) {
        to.bytes(b'u', &self.to_le_bytes());
    }
}

impl Part for u32 {
    #[inline]
    fn write(&self, to: &mut PartWriter<'_>) {
        u64::from(*self).write(to);
    }
}

impl Part for i64 {
    #[inline]
    fn write(&self, to: &mut PartWriter<'_>) {
        to.bytes(b'i', &self.to_le_bytes());
    }
}

impl Part for bool {
    #[inline]
    fn write(&self, to: &mut PartWriter<'_>) {
        to.bytes(b'?', &[u8::from(*self)]);
    }
}

impl<P: Part> Part for Option<P> {
    #[inline]
    fn write(&self, to: &mut PartWriter<'_>) {
        match self {
            None => to.bytes(b'n', &[]),
            Some(part) => {
                to.bytes(b'o', &[]);
                part.write(to);
            }
        }
    }
}

impl<P: Part + ?Sized> Part for &P {
    #[inline]
    fn write(&self, to: &mut PartWriter<'_>) {
        (**self).write(to);
    }
}

/// A key that is being put together.
#[derive(Debug, Clone)]
pub struct KeyBuilder {
    bytes: Short,
    kind: u16,
    seed: u64,
}

/// What all keys of a kind begin with.
#[derive(Debug)]
pub(crate) struct Prefix(KeyBuilder);

impl Prefix {
    pub(crate) fn new(name: &str, kind: u16, seed: u64) -> Self {
        let mut bytes = Short::default();
        PartWriter(&mut bytes).bytes(b'k', name.as_bytes());
        Self(KeyBuilder { bytes, kind, seed })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.bytes.as_slice()
    }

    /// A key of the kind, for a value that `scope` may see.
    #[inline]
    pub(crate) fn builder(&self, scope: Scope<'_>) -> KeyBuilder {
        let KeyBuilder {
            mut bytes,
            kind,
            seed,
        } = self.0.clone();
        let mut writer = PartWriter(&mut bytes);
        match scope {
            Scope::Public => writer.bytes(PUBLIC[0], &[]),
            Scope::Tenant(id) => writer.bytes(b'T', id.as_bytes()),
            Scope::User(id) => writer.bytes(b'U', id.as_bytes()),
        }
        KeyBuilder { bytes, kind, seed }
    }
}

impl KeyBuilder {
    /// Appends a part.
    #[inline]
    #[must_use]
    pub fn part(mut self, part: impl Part) -> Self {
        part.write(&mut PartWriter(&mut self.bytes));
        self
    }

    /// Closes the key.
    #[inline]
    pub fn build(self) -> Key {
        Key {
            hash: xxh3_64_with_seed(self.bytes.as_slice(), self.seed),
            bytes: self.bytes,
            kind: self.kind,
        }
    }
}

/// What a value is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    bytes: Short,
    /// Of the bytes, with a seed that only this process has: nobody outside can make keys collide.
    pub(crate) hash: u64,
    pub(crate) kind: u16,
}

impl Key {
    /// The canonical bytes, the same on every replica.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }
}

/// Bytes of a short one that stand in place.
const SHORT_BYTES: usize = 62;

/// A few bytes, on the heap only where they are many: a key is made for every look.
#[derive(Debug, Clone)]
enum Short {
    InPlace {
        length: u8,
        bytes: [u8; SHORT_BYTES],
    },
    OnHeap(Vec<u8>),
}

impl Default for Short {
    fn default() -> Self {
        Self::InPlace {
            length: 0,
            bytes: [0; SHORT_BYTES],
        }
    }
}

impl PartialEq for Short {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Short {}

impl Short {
    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::InPlace { length, bytes } => &bytes[..usize::from(*length)],
            Self::OnHeap(bytes) => bytes,
        }
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        self.extend_from_slice(&[byte]);
    }

    #[inline]
    fn extend_from_slice(&mut self, more: &[u8]) {
        match self {
            Self::InPlace { length, bytes } => {
                let (from, to) = (usize::from(*length), usize::from(*length) + more.len());
                match bytes.get_mut(from..to) {
                    Some(place) => {
                        place.copy_from_slice(more);
                        *length = to as u8;
                    }
                    None => *self = Self::OnHeap(moved(&bytes[..from], more)),
                }
            }
            Self::OnHeap(bytes) => bytes.extend_from_slice(more),
        }
    }
}

/// The texts among the parts of a key, from its canonical bytes; `None` where the bytes are no key,
/// or one of a value that not everybody may see.
pub(crate) fn public_texts(mut bytes: &[u8]) -> Option<Vec<&str>> {
    let (kind, _) = take(&mut bytes)?;
    let (scope, _) = take(&mut bytes)?;
    if (kind, scope) != (b'k', b'P') {
        return None;
    }
    let mut texts = Vec::new();
    while !bytes.is_empty() {
        let (mark, part) = take(&mut bytes)?;
        if mark == b's' {
            texts.push(std::str::from_utf8(part).ok()?);
        }
    }
    Some(texts)
}

/// Takes what [`PartWriter::bytes`] wrote off the front.
fn take<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (mark, mut rest) = bytes.split_first()?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let (part, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some((*mark, part))
}

/// Something in the world that values are made from, such as fixture 42.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag(pub(crate) Box<[u8]>);

impl Tag {
    /// The tag of the thing `id` among those of `family`.
    pub fn new(family: &str, id: impl Part) -> Self {
        let mut bytes = Short::default();
        let mut writer = PartWriter(&mut bytes);
        writer.bytes(b't', family.as_bytes());
        id.write(&mut writer);
        Self(bytes.as_slice().into())
    }
}

/// What an invalidation is aimed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One key, and everything that was made from its value.
    Key(Key),
    /// Everything that carries a tag.
    Tag(Tag),
    /// Every value of the kind of that name.
    Kind(String),
    /// Everything there is.
    Everything,
}

impl From<&Key> for Target {
    fn from(key: &Key) -> Self {
        Self::Key(key.clone())
    }
}

impl From<Tag> for Target {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    enum Any {
        Text(String),
        Bytes(Vec<u8>),
        Whole(u64),
        Signed(i64),
        Flag(bool),
        Maybe(Option<String>),
    }

    fn part() -> impl Strategy<Value = Any> {
        prop_oneof![
            "[a-c:]{0,3}".prop_map(Any::Text),
            prop::collection::vec(any::<u8>(), 0..200).prop_map(Any::Bytes),
            (0..3_u64).prop_map(Any::Whole),
            (-2..3_i64).prop_map(Any::Signed),
            any::<bool>().prop_map(Any::Flag),
            prop::option::of("[a-b]{0,2}").prop_map(Any::Maybe),
        ]
    }

    fn key(parts: &[Any], scope: Scope<'_>) -> Key {
        let mut key = Prefix::new("kind", 0, 7).builder(scope);
        for part in parts {
            key = match part {
                Any::Text(it) => key.part(it),
                Any::Bytes(it) => key.part(it.as_slice()),
                Any::Whole(it) => key.part(*it),
                Any::Signed(it) => key.part(*it),
                Any::Flag(it) => key.part(*it),
                Any::Maybe(it) => key.part(it.clone()),
            };
        }
        key.build()
    }

    proptest! {
        #[test]
        fn other_parts_give_another_key(
            a in prop::collection::vec(part(), 0..4),
            b in prop::collection::vec(part(), 0..4),
        ) {
            let equal = key(&a, Scope::Public) == key(&b, Scope::Public);
            prop_assert_eq!(equal, a == b);
        }

        #[test]
        fn other_people_have_other_keys(a in "[a-b]{0,2}", b in "[a-b]{0,2}") {
            let user = key(&[], Scope::User(&a));
            prop_assert_eq!(user == key(&[], Scope::User(&b)), a == b);
            prop_assert_ne!(&user, &key(&[], Scope::Tenant(&b)));
            prop_assert_ne!(&user, &key(&[], Scope::Public));
        }
    }

    #[test]
    fn the_texts_of_a_key_are_read_back_unless_it_is_somebodys_own() {
        let long = "x".repeat(300);
        let public = Prefix::new("kind", 0, 7).builder(Scope::Public);
        let key = public.part("a").part(7_u64).part(&long).part("").build();
        assert_eq!(public_texts(key.as_bytes()).unwrap(), ["a", &long, ""]);
        let own = Prefix::new("kind", 0, 7)
            .builder(Scope::User("me"))
            .part("a");
        assert_eq!(public_texts(own.build().as_bytes()), None);
        for end in 0..key.as_bytes().len() {
            // What is cut short is nothing, or a key of fewer parts; it never panics.
            let texts = public_texts(&key.as_bytes()[..end]).unwrap_or_default();
            assert!(texts.len() < 3, "{end}");
        }
        assert_eq!(public_texts(&[b's', 0xff, 0xff, 0xff]), None);
        assert_eq!(public_texts(&[b's'; 64]), None);
    }

    #[test]
    fn a_family_and_its_member_do_not_run_together() {
        assert_ne!(Tag::new("ab", "c"), Tag::new("a", "bc"));
    }
}
