//! How a kind is set up.

use bytes::Bytes;

use crate::packing::Packing;
use crate::rules::Rules;

/// How a kind is set up.
pub struct KindOptions<V> {
    pub(crate) name: String,
    pub(crate) rules: Rules,
    pub(crate) weigh: Weigh<V>,
    pub(crate) packing: Option<Packing<V>>,
}

pub(super) type Weigh<V> = Box<dyn Fn(&V) -> usize + Send + Sync>;

impl<V> KindOptions<V> {
    /// A kind of this name.
    pub fn new(name: impl Into<String>, rules: Rules) -> Self {
        Self {
            name: name.into(),
            rules,
            weigh: Box::new(|_| size_of::<V>()),
            packing: None,
        }
    }

    /// Lets replicas share the values, as the bytes that `pack` appends and `unpack` reads.
    ///
    /// `schema` is a number of the type and its encoding: processes of two versions, each with its
    /// own, go side by side without reading each other's. Without this, values stay in the process.
    #[must_use]
    pub fn share(
        mut self,
        schema: u32,
        pack: impl Fn(&V, &mut Vec<u8>) + Send + Sync + 'static,
        unpack: impl Fn(Bytes) -> Option<V> + Send + Sync + 'static,
    ) -> Self {
        let (pack, unpack) = (Box::new(pack), Box::new(unpack));
        self.packing = Some(Packing::new(&self.name, schema, pack, unpack));
        self
    }

    /// Says how many bytes a value takes, those it refers to included.
    #[must_use]
    pub fn weigh(mut self, weigh: impl Fn(&V) -> usize + Send + Sync + 'static) -> Self {
        self.weigh = Box::new(weigh);
        self
    }
}
