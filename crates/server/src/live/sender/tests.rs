use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use anyhow::anyhow;

use super::*;

/// Gives answers in order and keeps what was asked.
#[derive(Clone, Default)]
struct Script {
    answers: Rc<RefCell<VecDeque<Result<Value, Refusal>>>>,
    asked: Rc<RefCell<Vec<(String, Value)>>>,
}

impl Door for Script {
    fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.asked
            .borrow_mut()
            .push((path.to_owned(), body.clone()));
        let answer = self.answers.borrow_mut().pop_front();
        answer.unwrap_or(Ok(
            json!({"events_added": body["data"].as_array().unwrap().len()}),
        ))
    }

    fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.asked.borrow_mut().push((path.to_owned(), Value::Null));
        let answer = self.answers.borrow_mut().pop_front();
        answer.unwrap_or(Ok(json!({"data": []})))
    }
}

type Heard = Rc<RefCell<Vec<Aside>>>;

fn sender(answers: Vec<Result<Value, Refusal>>) -> (Sender<Script>, Script, Heard) {
    let script = Script::default();
    script.answers.borrow_mut().extend(answers);
    let heard = Heard::default();
    let terms = Terms {
        patience: Duration::from_millis(250),
        stop: Arc::default(),
        chance: || 0.0,
        source: SourceKey::new("test").unwrap(),
    };
    let listener = Rc::clone(&heard);
    let sender = Sender::new(script.clone(), terms, move |it| {
        listener.borrow_mut().push(it.clone());
    });
    (sender, script, heard)
}

fn lines(texts: &[&str]) -> Vec<Numbered> {
    let numbered = texts.iter().zip(1..).map(|(text, number)| Numbered {
        number,
        line: Line::parse(text).unwrap(),
    });
    numbered.collect()
}

fn passing() -> Result<Value, Refusal> {
    Err(Refusal::Passing {
        error: anyhow!("nobody answers"),
        pause: Some(Duration::from_millis(1)),
    })
}

/// What is set aside of a line that was refused.
fn refused(line: u64, reason: String, item: &str) -> Aside {
    Aside {
        line: Some(line),
        reason,
        item: serde_json::from_str(item).unwrap(),
    }
}

#[test]
fn entries_that_are_refused_are_set_aside_and_the_others_written() {
    let problem = json!({"errors": [{"pointer": "/data/1/at", "detail": "too early"}]});
    let (mut sender, script, heard) = sender(vec![Err(Refusal::Entries(problem))]);
    let event = r#"{"kind": "clock"}"#;
    sender.send(lines(&[event, event, event])).unwrap();
    let reason = "at: too early".to_owned();
    assert_eq!(*heard.borrow(), [refused(2, reason, event)]);
    assert_eq!(script.asked.borrow()[1].0, "/v1/events?source=test");
    assert_eq!(
        script.asked.borrow()[1].1["data"].as_array().unwrap().len(),
        2
    );
    assert_eq!((sender.tally.events, sender.tally.last_line), (2, 3));
}

#[test]
fn a_batch_refused_without_a_word_on_entries_is_cut_in_two_until_the_line_is_found() {
    let no = || Err(Refusal::Entries(json!({"detail": "no"})));
    let (mut sender, script, heard) = sender(vec![no(), no()]);
    let quote = r#"{"bookmaker": "b"}"#;
    sender.send(lines(&[quote, quote])).unwrap();
    let reason = "no".to_owned();
    assert_eq!(*heard.borrow(), [refused(1, reason, quote)]);
    assert_eq!((sender.tally.quotes, script.asked.borrow().len()), (1, 3));
}

#[test]
fn games_are_called_by_a_word_once_they_are_written() {
    let id = json!({"data": [{"fixture_id": 8}]});
    let (mut sender, script, heard) = sender(vec![Ok(id)]);
    let game = r#"{"fixture": "final", "competition": "E0"}"#;
    let event = r#"{"fixture": "final", "kind": "clock"}"#;
    let strange = r#"{"fixture": "other", "kind": "clock"}"#;
    sender.send(lines(&[game, event, strange])).unwrap();
    assert_eq!(script.asked.borrow()[1].1["data"][0]["fixture_id"], 8);
    assert!(
        heard.borrow()[0]
            .reason
            .contains("no game before it is named \"other\"")
    );
    assert_eq!(heard.borrow()[0].item, serde_json::from_str(strange).ok());
    assert_eq!(sender.tally.fixtures, 1);
}

#[test]
fn the_server_is_asked_for_the_events_of_a_game_until_it_answers() {
    let listed = json!({"data": [{"sequence": 1}]});
    let forbidden = json!({"status": 403, "detail": "the key may not read"});
    let (mut sender, script, _) = sender(vec![
        passing(),
        Ok(listed),
        Err(Refusal::Entries(json!({"status": 404}))),
        Err(Refusal::Entries(forbidden)),
    ]);
    let game: GameName = ("fixture_id", 8.into());
    let events = sender.events_of(&game).unwrap();
    assert_eq!(events, Some(vec![json!({"sequence": 1})]));
    assert_eq!(script.asked.borrow()[1].0, "/v1/fixtures/8/events");
    for _ in 0..3 {
        assert_eq!(sender.events_of(&game).unwrap(), Some(Vec::new()));
    }
    let asked = script.asked.borrow().len();
    assert_eq!(asked, 4, "who may not read is not asked again");
    let unnamed: GameName = ("fixture", "final".into());
    assert_eq!(sender.events_of(&unnamed).unwrap(), None);
}

#[test]
fn what_passes_is_tried_again_within_patience_and_no_longer() {
    let event = lines(&[r#"{"kind": "clock"}"#]);
    let (mut first, ..) = sender(vec![passing()]);
    first.send(event.clone()).unwrap();
    assert_eq!((first.tally.repeats, first.tally.events_new), (1, 1));
    let (mut second, ..) = sender((0..9).map(|_| passing()).collect());
    let error = format!("{:#}", second.send(event.clone()).unwrap_err());
    assert!(
        error.contains("given up after") && error.contains("nobody answers"),
        "{error}"
    );
    let (mut third, ..) = sender(vec![passing()]);
    third.terms.stop.store(true, Ordering::Relaxed);
    assert!(
        third
            .send(event.clone())
            .unwrap_err()
            .to_string()
            .contains("stopped")
    );
    let (mut fourth, ..) = sender(vec![Err(Refusal::Lasting(anyhow!("no key")))]);
    assert_eq!(fourth.send(event).unwrap_err().to_string(), "no key");
}
