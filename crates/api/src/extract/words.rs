//! What is wrong with a value, in words that name no type of ours.

/// Types of numbers, and what may be written for them.
const NUMBERS: [(&str, &str); 11] = [
    ("a nonzero u8", "a whole number from 1 to 255"),
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number of 0 or more"),
    ("usize", "a whole number of 0 or more"),
    ("i16", "a whole number from -32768 to 32767"),
    ("i32", "a whole number from -2147483648 to 2147483647"),
    ("i64", "a whole number"),
    ("f32", "a number"),
    ("f64", "a number"),
];

/// What reading a number or a truth from text says.
const FAULTS: [(&str, &str); 8] = [
    ("invalid digit found in string", "must be a whole number"),
    (
        "cannot parse integer from empty string",
        "must be a whole number, and is empty",
    ),
    (
        "number too large to fit in target type",
        "is too large a number",
    ),
    (
        "number too small to fit in target type",
        "is too small a number",
    ),
    ("number would be zero for non-zero type", "must not be 0"),
    ("invalid float literal", "must be a number"),
    (
        "cannot parse float from empty string",
        "must be a number, and is empty",
    ),
    (
        "provided string was not `true` or `false`",
        "must be `true` or `false`",
    ),
];

/// Puts what a reader of queries or of JSON says into words for who sent it.
pub(super) fn plain(detail: &str) -> String {
    if let Some((_, words)) = FAULTS.iter().find(|(it, _)| *it == detail) {
        return (*words).to_owned();
    }
    if detail.contains("failed to find offset component") {
        let place = detail.rsplit_once(" at line ");
        let place = place.map_or(String::new(), |(_, place)| format!(" at line {place}"));
        return format!("a moment needs its zone, such as the Z of 2026-08-15T15:00:00Z{place}");
    }
    if let Some((found, known)) = detail
        .strip_prefix("unknown variant ")
        .and_then(|it| it.split_once(", expected "))
    {
        return format!("{found} is not {known}");
    }
    let Some((found, expected)) = detail.rsplit_once(", expected ") else {
        return detail.to_owned();
    };
    let (expected, place) = match expected.split_once(" at line ") {
        Some((expected, place)) => (expected, format!(" at line {place}")),
        None => (expected, String::new()),
    };
    let found = found
        .strip_prefix("invalid type: ")
        .or_else(|| found.strip_prefix("invalid value: "));
    let Some(found) = found else {
        return detail.to_owned();
    };
    let found = found
        .replacen("floating point ", "number ", 1)
        .replacen("integer ", "number ", 1)
        .replacen("boolean ", "", 1)
        .replacen("unit value", "nothing", 1);
    let found = match found.as_str() {
        "map" => "an object",
        "sequence" => "a list",
        it => it,
    };
    format!("{found} is not {}{place}", kind(expected))
}

/// What may stand where a value of this kind was expected.
pub(super) fn kind(expected: &str) -> &str {
    if let Some((_, words)) = NUMBERS.iter().find(|(it, _)| *it == expected) {
        return words;
    }
    match expected {
        "a sequence" => "a list",
        "a map" => "an object",
        "a boolean" => "`true` or `false`",
        it if it.starts_with("struct ") => "an object",
        it => it,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        plain(&serde_json::from_str::<T>(json).unwrap_err().to_string())
    }

    #[test]
    fn what_is_of_another_type_is_told_by_what_may_stand_there() {
        #[derive(Debug, serde::Deserialize)]
        struct Entry {
            #[expect(dead_code, reason = "only read")]
            home: Vec<u16>,
        }
        let said = [
            read::<Entry>(r#"{"home": ["x"]}"#),
            read::<Entry>(r#"{"home": [70000]}"#),
            read::<Entry>(r#"{"home": {}}"#),
            read::<Entry>("7"),
            read::<f64>("null"),
            read::<bool>("1.5"),
            read::<String>("true"),
        ];
        insta::assert_snapshot!(said.join("\n"), @r#"
        string "x" is not a whole number from 0 to 65535 at line 1 column 13
        number `70000` is not a whole number from 0 to 65535 at line 1 column 15
        an object is not a list at line 1 column 9
        number `7` is not an object at line 1 column 1
        null is not a number at line 1 column 4
        number `1.5` is not `true` or `false` at line 1 column 3
        `true` is not a string at line 1 column 4
        "#);
    }

    #[test]
    fn a_nought_an_unknown_word_and_a_moment_without_a_zone_are_told_in_plain_words() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Kind {
            Clock,
            Scored,
            Score,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Side {
            Home,
            Away,
        }
        let said = [
            read::<std::num::NonZeroU8>("0"),
            read::<Kind>(r#""goal""#),
            read::<Side>(r#""left""#),
            read::<jiff::Timestamp>(r#""2026-08-15T15:00:00""#),
        ];
        insta::assert_snapshot!(said.join("\n"), @r"
        number `0` is not a whole number from 1 to 255 at line 1 column 1
        `goal` is not one of `clock`, `scored`, `score` at line 1 column 6
        `left` is not `home` or `away` at line 1 column 6
        a moment needs its zone, such as the Z of 2026-08-15T15:00:00Z at line 1 column 21
        ");
    }

    #[test]
    fn what_is_no_number_in_a_query_is_told_so() {
        let parsed = "x".parse::<u8>().unwrap_err().to_string();
        assert_eq!(plain(&parsed), "must be a whole number");
        let parsed = "300".parse::<u8>().unwrap_err().to_string();
        assert_eq!(plain(&parsed), "is too large a number");
        let parsed = "x".parse::<f64>().unwrap_err().to_string();
        assert_eq!(plain(&parsed), "must be a number");
        let parsed = "x".parse::<bool>().unwrap_err().to_string();
        assert_eq!(plain(&parsed), "must be `true` or `false`");
        assert_eq!(kind("u64"), "a whole number of 0 or more");
    }

    #[test]
    fn other_words_stay_as_they_are() {
        for detail in [
            "missing field `home`",
            "a price is at least 1",
            "unknown field `a`, expected `b`",
        ] {
            assert_eq!(plain(detail), detail);
        }
    }
}
