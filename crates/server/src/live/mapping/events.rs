//! The events that items tell, and which of them are new.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    Mapping, SEEN_MAX, Unread, moment,
    quotes::Item,
    table::{EVENTS_MAX, EventTable},
    text,
    walk::{Row, end},
    whole,
};
use crate::live::Line;

/// An event's game, the place of its table, and its number.
type Key = (String, usize, u64);

/// What was last told of each event, or of the state of a game, and under which revision.
#[derive(Debug, Default)]
pub(super) struct Told(HashMap<Key, (Map<String, Value>, u64)>);

impl Told {
    /// Forgets what was told where that is a lot: it is told anew once.
    pub(super) fn bound(&mut self) {
        if self.0.len() > SEEN_MAX {
            self.0.clear();
        }
    }

    /// What is new in the events of an item, and what cannot be read of them.
    pub(super) fn fresh(&mut self, mapping: &Mapping, item: Item<'_>) -> Vec<Result<Line, Unread>> {
        let mut lines = Vec::new();
        for (place, table) in mapping.events.iter().enumerate() {
            let rows = table.of_item(item.step).into_iter();
            for row in rows.filter(|row| !table.is_short(row)) {
                match self.event(mapping, (place, table), item, &row) {
                    Ok(None) => {}
                    Ok(Some(members)) => lines.push(Ok(Line::Event(members))),
                    Err(reason) => {
                        let item = end(&row);
                        lines.push(Err(Unread { reason, item }));
                    }
                }
            }
        }
        lines
    }

    /// The event of a row; none where it is known in the same words, or of a kind that is not mapped.
    fn event(
        &mut self,
        mapping: &Mapping,
        (place, table): (usize, &EventTable),
        item: Item<'_>,
        row: &Row<'_>,
    ) -> Result<Option<Map<String, Value>>, String> {
        let value = |name: &str| table.of(name, row);
        let Some(mut members) = mapping.members(table, row) else {
            return Ok(None);
        };
        let at = match value("at") {
            None => item.now,
            Some(at) => moment(&at).ok_or_else(|| format!("{at} is no moment"))?,
        };
        let sequence = value("sequence");
        if sequence.is_none() && !table.is_the_item() {
            return Err("an event has no number".to_owned());
        }
        if sequence.is_some() && table.has("at") {
            members.insert("at".to_owned(), at.to_string().into());
        }
        let number = match &sequence {
            // The state of a game is one thing that is told anew whenever it changes.
            None => 0,
            Some(it) => whole(it).ok_or_else(|| format!("{it} is no number of an event"))?,
        };
        let known: Key = (text(item.game.1), place, number);
        let told = self.0.get(&known);
        if told.is_some_and(|it| it.0 == members) {
            return Ok(None);
        }
        let next = told.map_or(0, |it| it.1 + 1);
        let revision = value("revision").unwrap_or_else(|| next.into());
        self.0.insert(known, (members.clone(), next));
        if sequence.is_some() {
            members.insert("sequence".to_owned(), number.into());
            members.insert("revision".to_owned(), revision);
        } else {
            let millis = at.as_millisecond().max(0).cast_unsigned();
            let number = millis * EVENTS_MAX as u64 + place as u64;
            members.insert("sequence".to_owned(), number.into());
        }
        members.insert("at".to_owned(), at.to_string().into());
        members.insert(item.game.0.to_owned(), item.game.1.clone());
        Ok(Some(members))
    }
}
