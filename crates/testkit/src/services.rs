//! What tests need beside this program: where it cannot be had, they say so and end.

/// Says that a test could not run for want of `service`.
///
/// # Panics
/// Where `SPORTS_EDGE_REQUIRE_SERVICES` is 1, as in `make test`: there nothing may be left out.
#[expect(clippy::print_stderr, reason = "whoever runs the tests should know")]
pub fn skip(service: &str) {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    let required = std::env::var("SPORTS_EDGE_REQUIRE_SERVICES").is_ok_and(|it| it == "1");
    assert!(!required, "{service} is required and cannot be had here");
    eprintln!("skipped: {service} cannot be had here");
}
