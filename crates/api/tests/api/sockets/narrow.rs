//! A connection that takes little at a time.

use serde_json::json;
use tokio::net::TcpSocket;

use super::{
    client::{Client, Wish},
    served::{open, serving_on},
};
use crate::live::{applied, goal};

/// Bytes that wait at either end, about.
const ROOM: u32 = 4 << 10;
/// Goals whose frames are more than all buffers hold.
const GOALS: u64 = 60;

fn narrow() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(ROOM).unwrap();
    socket.set_send_buffer_size(ROOM).unwrap();
    socket
}

#[tokio::test]
async fn who_stops_reading_between_frames_gets_each_whole_and_the_newest_in_the_end() {
    let socket = narrow();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let (app, id, address) = serving_on(socket.listen(8).unwrap(), open()).await;
    let key = format!("fixtures/{id}/play");
    let stream = narrow().connect(address).await.unwrap();
    let (query, headers) = ("", &[][..]);
    let (_, mut client) = Client::ask_over(stream, Wish { query, headers }).await;
    client.sub(&[&key]).await;
    let snapshot = client.next_of("snap").await;
    for sequence in 2..2 + GOALS {
        goal(&app, id, sequence).await;
    }
    let newest = app.get(&format!("/v1/{key}")).await.json();
    let (mut state, mut held) = (snapshot["d"].clone(), snapshot["id"].clone());
    let mut frames = 0;
    while state["play"]["score"]["home"] != json!(GOALS) {
        let frame = client.next().await;
        match frame["t"].as_str() {
            Some("d") => {
                assert_eq!(frame["b"], held, "it goes on from what was sent");
                state = applied(state, &frame);
            }
            Some("snap") => state = frame["d"].clone(),
            _ => continue,
        }
        held = frame["id"].clone();
        frames += 1;
    }
    assert_eq!(state, newest);
    assert!(frames < GOALS, "those that found no room were folded");
}
