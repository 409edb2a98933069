//! A database of the shared server for one test.

use std::sync::atomic::{AtomicU64, Ordering};

use store::{PostgresOptions, PostgresStore, Store as _};

use super::server::url;
use super::shared::Shared;

/// A database of a test's own. It goes with the server, seconds after the last test: dropping it by
/// itself would take longer than most tests.
#[derive(Debug)]
pub struct PostgresDatabase {
    server: &'static Shared,
    name: String,
}

impl PostgresDatabase {
    /// Makes an empty database; `None` where PostgreSQL is not installed, which is said.
    pub fn empty() -> Option<Self> {
        Self::from("template0")
    }

    /// Makes a database with the schema of this release.
    ///
    /// # Panics
    /// Where the schema cannot be made.
    pub async fn migrated() -> Option<Self> {
        let Some(server) = Shared::get() else {
            crate::skip("PostgreSQL");
            return None;
        };
        let template = template();
        let ready = format!("SELECT 1 FROM pg_database WHERE datname = '{template}'");
        if server.sql("postgres", &ready).is_empty() {
            server.alone(prepare(server, &template, &ready)).await;
        }
        Self::from(&template)
    }

    fn from(template: &str) -> Option<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(server) = Shared::get() else {
            crate::skip("PostgreSQL");
            return None;
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        server.sql("postgres", &format!("DROP DATABASE IF EXISTS {name}"));
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        server.sql("postgres", &sql);
        Some(Self { server, name })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        url(self.server.folder(), &self.name)
    }

    /// The URL of the same database on a standby that is always a tenth of a second behind, and
    /// perhaps has yet to hear of it.
    pub async fn standby_url(&self) -> String {
        url(&self.server.standby().await, &self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Folder of the server's socket.
    pub fn socket(&self) -> &std::path::Path {
        self.server.folder()
    }

    /// Opens it as a store.
    ///
    /// # Panics
    /// Where it cannot be opened.
    pub async fn store(&self) -> PostgresStore {
        let options = PostgresOptions::default();
        let store = PostgresStore::open(&self.url(), &options).await;
        store.expect("a database just made can be opened")
    }

    /// Runs SQL behind the store's back and returns what `psql` prints of it.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }
}

/// The name of the template of this build: other builds may have other schemas.
fn template() -> String {
    let path = std::env::current_exe().expect("the system knows the program");
    let made = path.metadata().and_then(|it| it.modified());
    let key = format!(
        "{path:?} {:?}",
        made.expect("files of the system have times")
    );
    let digest = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("template_{digest:x}")
}

async fn prepare(server: &Shared, template: &str, ready: &str) {
    if !server.sql("postgres", ready).is_empty() {
        return;
    }
    let making = format!("{template}_making");
    server.sql(
        "postgres",
        &format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)"),
    );
    server.sql(
        "postgres",
        &format!("CREATE DATABASE {making} TEMPLATE template0"),
    );
    let options = PostgresOptions::default();
    let store = PostgresStore::open(&url(server.folder(), &making), &options).await;
    store.expect("the schema can be made").close().await;
    // Connections that were closed may take a moment to be gone.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
    server.sql("postgres", &format!("{end}'{making}'"));
    server.sql(
        "postgres",
        &format!("ALTER DATABASE {making} RENAME TO {template}"),
    );
}
