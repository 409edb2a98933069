//! Sizes and times of machines, as people read them: three digits and a unit.

/// `512 B`, `34.1 KiB`, `1.20 GiB`.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{} {}", digits(value), UNITS[unit])
    }
}

/// Microseconds in the unit that suits: `0.82 µs`, `12.4 µs`, `1.31 ms`, `2.40 s`.
pub(super) fn micros(micros: f64) -> String {
    match micros {
        it if it < 999.5 => format!("{} µs", digits(it)),
        it if it < 999_500.0 => format!("{} ms", digits(it / 1e3)),
        it => format!("{} s", digits(it / 1e6)),
    }
}

/// A share of a whole in percent, as many decimals as it needs: `90%`, `12.5%`, `0.05%`.
pub(super) fn share(share: f64) -> String {
    let percent = (share * 1e4).round() / 100.0;
    format!("{percent}%")
}

/// What `part` is of `whole`; nothing of nothing is zero.
#[expect(clippy::cast_precision_loss, reason = "a share is shown")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// `1 version`, `3 versions`.
pub(super) fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// Three digits that count.
fn digits(value: f64) -> String {
    let decimals = match value {
        it if it < 9.995 => 2,
        it if it < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_and_a_unit() {
        let sizes = [0, 999, 1000, 34_918, 1_288_490_189, u64::MAX].map(bytes);
        assert_eq!(
            sizes,
            [
                "0 B",
                "999 B",
                "0.98 KiB",
                "34.1 KiB",
                "1.20 GiB",
                "16777216 TiB"
            ]
        );
    }

    #[test]
    fn times_have_three_digits_and_a_unit() {
        let times = [0.0, 0.824, 12.44, 999.4, 1312.0, 99_960.0, 2_400_000.0].map(micros);
        assert_eq!(
            times,
            [
                "0.00 µs", "0.82 µs", "12.4 µs", "999 µs", "1.31 ms", "100 ms", "2.40 s"
            ]
        );
    }

    #[test]
    fn shares_have_the_decimals_they_need() {
        let shares = [0.0, 0.9, 0.125, 0.0005, 1.0].map(share);
        assert_eq!(shares, ["0%", "90%", "12.5%", "0.05%", "100%"]);
        assert_eq!((ratio(1, 0), ratio(1, 4)), (0.0, 0.25));
        assert_eq!(
            counted(1, "version") + &counted(0, " row"),
            "1 version0  rows"
        );
    }
}
