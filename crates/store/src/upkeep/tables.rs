//! The tables that are carried from one database to another, parents before their children.

/// The kind of a column; where SQLite knows only whole numbers, PostgreSQL has three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Big,
    Int,
    Small,
    Real,
    Text,
    Bytes,
}

use Kind::{Big, Bytes, Int, Real, Small, Text};

/// A table that both databases have.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
    /// Columns that only PostgreSQL has, and how SQLite works them out for the row `t`.
    pub(super) derived: &'static [(&'static str, &'static str)],
    /// What numbers the rows of a PostgreSQL table.
    pub(super) numbered: Numbered,
}

/// What numbers the rows of a PostgreSQL table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbered {
    /// Nobody but the program.
    No,
    /// Its column `id` itself.
    Identity,
    /// A sequence that the program asks.
    Sequence(&'static str),
}

const fn table(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Table {
    Table {
        name,
        columns,
        derived: &[],
        numbered: Numbered::No,
    }
}

const fn numbered(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Table {
    Table {
        numbered: Numbered::Identity,
        ..table(name, columns)
    }
}

/// Every table but the one row of counters, which is carried by itself, and the standings and records
/// of pairs that are kept ready: triggers of a file fill them as its rows come, a server refreshes its
/// views.
pub(super) const TABLES: [Table; 26] = [
    table("sources", &[("id", Big), ("key", Text)]),
    table("bookmakers", &[("id", Big), ("key", Text)]),
    table("seasons", &[("id", Big), ("key", Text)]),
    numbered(
        "competitions",
        &[
            ("id", Big),
            ("key", Text),
            ("name", Text),
            ("sport", Text),
            ("country", Text),
            ("pool", Text),
            ("time_zone", Text),
            ("single_round", Big),
        ],
    ),
    numbered(
        "teams",
        &[
            ("id", Big),
            ("sport", Text),
            ("name", Text),
            ("country", Text),
            ("folded", Text),
        ],
    ),
    table(
        "team_aliases",
        &[
            ("sport", Text),
            ("source", Big),
            ("name", Text),
            ("team", Big),
        ],
    ),
    numbered(
        "imports",
        &[
            ("id", Big),
            ("source", Big),
            ("location", Text),
            ("digest", Text),
            ("started_at", Big),
            ("finished_at", Big),
            ("rows_read", Big),
            ("rows_rejected", Big),
            ("rejected", Text),
        ],
    ),
    table(
        "fetch_states",
        &[
            ("url", Text),
            ("etag", Text),
            ("last_modified", Text),
            ("fetched_at", Big),
        ],
    ),
    Table {
        numbered: Numbered::Sequence("recording_ids"),
        ..table(
            "recordings",
            &[
                ("id", Big),
                ("source", Big),
                ("import", Big),
                ("at", Big),
                ("revision", Big),
            ],
        )
    },
    Table {
        derived: &[
            (
                "quoted_from",
                "coalesce((SELECT min(taken_at) FROM quotes WHERE fixture = t.id), 0)",
            ),
            (
                "quoted_until",
                "coalesce((SELECT max(taken_at) FROM quotes WHERE fixture = t.id), -1)",
            ),
        ],
        numbered: Numbered::Sequence("fixture_ids"),
        ..table("fixtures", FIXTURES)
    },
    table(
        "quotes",
        &[
            ("fixture", Big),
            ("taken_at", Big),
            ("bookmaker", Int),
            ("kind", Small),
            ("line", Int),
            ("stage", Small),
            ("price_1", Real),
            ("price_2", Real),
            ("price_3", Real),
            ("recording", Big),
        ],
    ),
    numbered("superseded_quotes", SUPERSEDED),
    numbered(
        "revisions",
        &[
            ("id", Big),
            ("fixture", Big),
            ("field", Text),
            ("old", Text),
            ("new", Text),
            ("recording", Big),
        ],
    ),
    numbered(
        "events",
        &[
            ("id", Big),
            ("fixture", Big),
            ("sequence", Big),
            ("revision", Big),
            ("known_at", Big),
            ("recorded_at", Big),
            ("source", Text),
            ("body", Text),
        ],
    ),
    numbered(
        "models",
        &[
            ("id", Big),
            ("name", Text),
            ("version", Text),
            ("created_at", Big),
            ("data_digest", Text),
            ("body", Bytes),
            ("report", Bytes),
        ],
    ),
    numbered(
        "api_keys",
        &[
            ("id", Big),
            ("prefix", Text),
            ("hash", Bytes),
            ("name", Text),
            ("scopes", Text),
            ("created_at", Big),
            ("last_used_at", Big),
            ("revoked_at", Big),
        ],
    ),
    table(
        "idempotency",
        &[
            ("principal", Text),
            ("route", Text),
            ("key", Text),
            ("fingerprint", Bytes),
            ("at", Big),
            ("status", Big),
            ("body", Bytes),
            ("since", Big),
        ],
    ),
    table(
        "view_marks",
        &[
            ("kind", Big),
            ("thing", Big),
            ("part", Big),
            ("change", Big),
        ],
    ),
    table(
        "market_marks",
        &[("fixture", Big), ("change", Big), ("ready", Big)],
    ),
    table("market_summaries", MARKET_SUMMARIES),
    numbered("alerts", ALERTS),
    table(
        "alert_states",
        &[
            ("alert", Big),
            ("fixture", Big),
            ("generation", Big),
            ("version", Big),
            ("position", Big),
            ("seen_at", Big),
            ("watch", Text),
        ],
    ),
    numbered(
        "alert_firings",
        &[
            ("id", Big),
            ("alert", Big),
            ("fixture", Big),
            ("at", Big),
            ("notice", Text),
        ],
    ),
    table(
        "alert_deliveries",
        &[
            ("firing", Big),
            ("alert", Big),
            ("receiver", Text),
            ("state", Big),
            ("attempts", Big),
            ("due_at", Big),
            ("leased_until", Big),
        ],
    ),
    table(
        "alert_attempts",
        &[
            ("firing", Big),
            ("attempt", Big),
            ("at", Big),
            ("took_micros", Big),
            ("status", Big),
            ("fault", Text),
        ],
    ),
    table(
        "outbox",
        &[("seq", Big), ("kind", Text), ("key", Text), ("at", Big)],
    ),
];

const FIXTURES: &[(&str, Kind)] = &[
    ("id", Big),
    ("competition", Big),
    ("season", Big),
    ("kickoff", Big),
    ("precision", Big),
    ("home", Big),
    ("away", Big),
    ("neutral", Big),
    ("status", Big),
    ("home_score", Big),
    ("away_score", Big),
    ("recording", Big),
    ("touched", Big),
    ("price_count", Big),
    ("quoted_from", Big),
    ("quoted_until", Big),
    ("stats", Bytes),
    ("game", Bytes),
    ("season_type", Big),
];

const MARKET_SUMMARIES: &[(&str, Kind)] = &[
    ("fixture", Big),
    ("kind", Big),
    ("line", Big),
    ("bookmakers", Big),
    ("taken_at", Big),
    ("best_1", Real),
    ("best_2", Real),
    ("best_3", Real),
    ("average_1", Real),
    ("average_2", Real),
    ("average_3", Real),
    ("closing_1", Real),
    ("closing_2", Real),
    ("closing_3", Real),
    ("margin_2", Real),
    ("margin_3", Real),
];

const ALERTS: &[(&str, Kind)] = &[
    ("id", Big),
    ("principal", Text),
    ("name", Text),
    ("rule", Text),
    ("pause", Big),
    ("webhook", Text),
    ("secret", Bytes),
    ("generation", Big),
    ("primed", Big),
    ("version", Big),
    ("created_at", Big),
    ("changed_at", Big),
    ("request", Bytes),
];

const SUPERSEDED: &[(&str, Kind)] = &[
    ("id", Big),
    ("fixture", Big),
    ("taken_at", Big),
    ("bookmaker", Int),
    ("kind", Small),
    ("line", Int),
    ("stage", Small),
    ("price_1", Real),
    ("price_2", Real),
    ("price_3", Real),
    ("recording", Big),
    ("superseded_by", Big),
];

impl Table {
    /// How SQLite works a column out that it does not have.
    fn derivation(&self, column: &str) -> Option<&'static str> {
        let derived = self.derived.iter().find(|(it, _)| *it == column);
        derived.map(|(_, sql)| *sql)
    }

    /// The columns that SQLite has, with their places among all.
    pub(super) fn own_columns(&self) -> Vec<(usize, &'static str)> {
        let columns = self.columns.iter().map(|(name, _)| *name).enumerate();
        columns
            .filter(|(_, name)| self.derivation(name).is_none())
            .collect()
    }

    /// Reads every row of it from a SQLite file.
    pub(super) fn select_from_file(&self) -> String {
        let column = |(name, _): &(&'static str, Kind)| self.derivation(name).unwrap_or(name);
        let columns: Vec<_> = self.columns.iter().map(column).collect();
        format!("SELECT {} FROM {} AS t", columns.join(", "), self.name)
    }

    /// Its columns as a list.
    pub(super) fn column_list(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        columns.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema;
    use crate::upkeep::file;

    /// Whoever adds a column later is told to carry it.
    #[tokio::test]
    async fn every_column_of_a_file_is_carried() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.db");
        let mut connection = file::open_aside(&path).await.unwrap();
        schema::migrate_on(&mut connection).await.unwrap();
        for table in &TABLES {
            let columns = file::columns(&mut connection, table.name).await.unwrap();
            let mut columns: Vec<&str> = columns.split(", ").collect();
            let own = table.own_columns().into_iter();
            let mut own: Vec<&str> = own.map(|(_, name)| name).collect();
            columns.sort_unstable();
            own.sort_unstable();
            assert_eq!(own, columns, "{}", table.name);
        }
    }
}
