//! Who is told of what fired while others never answer.

use std::{future::pending, sync::Arc};

use async_trait::async_trait;
use domain::{AlertScope, Direction};
use engine::{AlertCommand, Courier, Engine, EngineOptions, Parcel};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{caller, command, home_crosses};
use crate::world::untrained;

/// Takes parcels to receivers that answer, and to others that never do.
struct Road(UnboundedSender<String>);

#[async_trait]
impl Courier for Road {
    async fn check(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    async fn carry(&self, parcel: Parcel) -> Result<u16, String> {
        if parcel.url.contains("hangs") {
            return pending().await;
        }
        self.0.send(parcel.url).map_err(|it| it.to_string())?;
        Ok(204)
    }

    fn chance(&self) -> [u8; 32] {
        [0; 32]
    }
}

#[tokio::test]
async fn receivers_of_one_key_that_never_answer_delay_no_other_key() {
    let world = untrained().await;
    let (told, mut heard) = unbounded_channel();
    let store = Arc::clone(&world.store);
    let engine = Engine::new(store, world.clock.clone(), EngineOptions::default());
    let engine = Arc::new(engine.with_courier(Arc::new(Road(told))));
    let fire = async |principal: &str, url: String| {
        let command = AlertCommand {
            webhook: Some(url),
            ..command(home_crosses(0.5, Direction::Up), AlertScope::All)
        };
        let caller = caller(principal);
        let made = engine.put_alert(&caller, command).await.unwrap();
        let fired = engine.test_alert(&caller, made.record.id).await;
        fired.unwrap();
    };
    for number in 0..40 {
        fire("se_a", format!("https://{number}.hangs.example")).await;
    }
    fire("se_b", "https://answers.example".to_owned()).await;
    let telling = tokio::spawn(Arc::clone(&engine).keep_telling());
    assert_eq!(heard.recv().await.unwrap(), "https://answers.example");
    telling.abort();
}
