//! Small things that replicas keep together over the same connection: sessions, rate limits, claims.
//!
//! Each has a twin in the process, which serves where there is no server and while it is away. Then
//! replicas do not see each other's: a limit counts for each of them, a session lives where it was
//! used last.

mod claims;
mod rate_limit;
mod sessions;
mod twin;

pub use self::claims::{Claim, ClaimToken, Claims};
pub use self::rate_limit::{Allowance, Rate, RateLimit};
pub use self::sessions::Sessions;

use redis::Cmd;

use super::Shared;
use super::script::{Answer, Script, Scripts};
use super::types::SharedError;

/// Entries that a twin holds, at most.
const TWIN_MAX: usize = 1 << 16;

impl Shared {
    /// Runs the script of a service on the key `name` of its family.
    async fn serve(
        &self,
        script: impl Fn(&Scripts) -> &Script,
        (family, name): (&str, &str),
        fill: impl Fn(&mut Cmd),
    ) -> Result<Answer, SharedError> {
        let link = self.inner.need_link()?;
        let key = self.inner.keys.under(family, name.as_bytes());
        link.run(script(&self.inner.scripts), &[key.as_slice()], fill)
            .await
    }
}
