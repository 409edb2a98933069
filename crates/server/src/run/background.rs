//! What runs for as long as the server does, and who looks after it.

use std::collections::HashMap;

use tokio::task::{Id, JoinSet};

/// Parts of the server that nobody asks for anything: they follow, watch, and tell. All end when it
/// is dropped.
#[derive(Debug, Default)]
pub(super) struct Background {
    parts: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Background {
    /// Starts a part.
    pub(super) fn start(
        &mut self,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let id = self.parts.spawn(work).id();
        self.names.insert(id, name);
    }

    /// Waits for a part that panics; its name. A server that went on without it would be well by all
    /// that it says of itself, and late or silent for ever.
    pub(super) async fn broken(&mut self) -> &'static str {
        while let Some(ended) = self.parts.join_next_with_id().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                return self.names.get(&error.id()).copied().unwrap_or_default();
            }
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_panics_is_named_and_one_that_has_nothing_to_do_is_not() {
        let mut background = Background::default();
        background.start("idle", async {});
        background.start("lasting", std::future::pending());
        background.start("broken", async {
            tokio::task::yield_now().await;
            panic!("on purpose");
        });
        assert_eq!(background.broken().await, "broken");
    }
}
