//! Builds the statements whose shape depends on what is asked.

use sqlx::postgres::PgArguments;
use sqlx::{Arguments, Encode, Postgres, Type};

/// Parameters of a statement.
#[derive(Debug, Default)]
pub(crate) struct Args(pub(crate) PgArguments);

impl Args {
    /// Adds a parameter.
    pub(crate) fn with<'q, T>(mut self, value: T) -> Self
    where
        T: Encode<'q, Postgres> + Type<Postgres>,
    {
        self.add(value);
        self
    }

    fn add<'q, T>(&mut self, value: T)
    where
        T: Encode<'q, Postgres> + Type<Postgres>,
    {
        Arguments::add(&mut self.0, value).expect("plain values can always be bound");
    }
}

/// Conditions joined by `AND`, with their parameters.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    clauses: Vec<String>,
    args: Args,
}

impl Filter {
    /// Adds a value and returns its placeholder.
    pub(crate) fn bind<'q, T>(&mut self, value: T) -> String
    where
        T: Encode<'q, Postgres> + Type<Postgres>,
    {
        self.args.add(value);
        format!("${}", self.args.0.len())
    }

    /// Adds a condition.
    pub(crate) fn and(&mut self, clause: String) {
        self.clauses.push(clause);
    }

    /// Adds `column = ANY (list)`.
    pub(crate) fn among(&mut self, column: &str, list: Vec<i64>) {
        let list = self.bind(list);
        self.and(format!("{column} = ANY ({list})"));
    }

    /// The conditions as a `WHERE` clause, empty where there are none.
    pub(crate) fn clause(&self) -> String {
        if self.clauses.is_empty() {
            return String::new();
        }
        format!("WHERE {}", self.clauses.join(" AND "))
    }

    /// The parameters, for a statement that holds the clause and the placeholders given out.
    pub(crate) fn args(self) -> Args {
        self.args
    }
}
