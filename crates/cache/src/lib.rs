//! A cache of several levels: memory, and the caller's loader behind it.
//!
//! It answers with a value that is fresh, loads what it has not, once for all who ask, and says
//! what it did. Whoever asks after an invalidation returned never gets what was there before, nor
//! does a load that began before put it back. It refuses to learn what it caches.
//!
//! ```
//! use std::time::Duration;
//! use cache::{Cache, CacheOptions, Kind, KindOptions, Rules, Scope, Tag};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let cache = Cache::new(&CacheOptions::default());
//! let rules = Rules::new(Duration::from_secs(5), Duration::from_secs(60));
//! let names = KindOptions::new("name", rules).weigh(String::len);
//! let names: Kind<String, std::io::Error> = cache.kind(names).unwrap();
//!
//! let key = names.key(Scope::Public).part(42_u64).build();
//! let load = |text: &'static str| move |loading: cache::Loading| async move {
//!     loading.tag(&Tag::new("team", 42_u64));
//!     Ok(text.to_owned())
//! };
//! let name = names.get_or_load(&key, load("Ajax")).await.unwrap();
//! assert_eq!(*name, "Ajax");
//!
//! cache.remove(&[Tag::new("team", 42_u64).into()]).await;
//! let name = names.get_or_load(&key, load("AFC Ajax")).await.unwrap();
//! assert_eq!(*name, "AFC Ajax");
//! # });
//! ```
//!
//! Who may see a value is part of its key; a key without it does not compile:
//!
//! ```compile_fail
//! # use cache::{Cache, CacheOptions, Kind, KindOptions, Rules, Scope};
//! # let cache = Cache::new(&CacheOptions::default());
//! # let rules = Rules::new(std::time::Duration::ZERO, std::time::Duration::ZERO);
//! # let names: Kind<String, std::io::Error> = cache.kind(KindOptions::new("n", rules)).unwrap();
//! let key = names.key().part(42_u64).build();
//! ```

mod cache;
mod clock;
mod entry;
mod error;
mod flight;
mod front;
mod history;
mod hit;
mod inspect;
mod key;
mod kind;
mod loading;
mod memory;
mod packing;
mod rules;
pub mod shared;
mod statistics;
mod table;
mod terms;
mod tier;
mod trust;
mod versions;

pub use cache::{Cache, CacheOptions};
pub use error::{AttachError, CacheError, KindError};
pub use history::{Done, History, Sample, Window};
pub use hit::{Glance, Hit};
pub use inspect::{Glimpse, LIST_MAX, Preview, State};
pub use key::{KEY_BYTES_MAX, Key, KeyBuilder, Part, PartWriter, Scope, Tag, Target};
pub use kind::{Kind, KindOptions};
pub use loading::{Loading, TAGS_MAX};
pub use rules::Rules;
pub use shared::Acknowledged;
pub use statistics::{KindStatistics, Tier};
pub use versions::{Changes, Mark};
