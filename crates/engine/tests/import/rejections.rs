//! Every reason for which a row is set aside, with its line and column.

use engine::import::{Connector, Mapping, RejectedRow, Row};

use crate::{read, read_as};

const HEADER: &str =
    "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,HS,AS,B365H,B365D,B365A,AHh,B365AHH,B365AHA";

/// Reads one football-data row behind the header, and the place and reason of its rejection.
fn football_data(row: &str) -> String {
    only_rejection(
        &format!("{HEADER}\n{row}\nE0,12/08/2023,,C,D,,,,,,,,,,\n"),
        "2",
    )
}

fn own(columns: &str, row: &str) -> String {
    let header = "competition,season,kickoff,home,away";
    let rest = ",".repeat(columns.split(',').count());
    only_rejection(
        &format!("{header},{columns}\n{row}\nE0,2023/24,2023-08-12,C,D{rest}\n"),
        "2",
    )
}

/// The rejection of the first of two rows; the second must go in.
fn only_rejection(content: &str, line: &str) -> String {
    let rows = read(content);
    assert_eq!(rows.len(), 2, "{content}");
    assert!(
        rows[1].is_ok(),
        "the row after a bad one goes in: {:?}",
        rows[1]
    );
    let rejected = rows[0].as_ref().unwrap_err();
    assert_eq!(rejected.line.to_string(), line);
    assert_eq!(rejected.file, "test.csv");
    let column = rejected.column.as_deref().unwrap_or("-");
    format!("{column}: {}", rejected.reason)
}

#[test]
fn a_date_that_is_none_is_set_aside() {
    assert_eq!(
        football_data("E0,32/08/2023,,A,B,,,,,,,,,,"),
        "Date: \"32/08/2023\" is not a date this source writes"
    );
}

#[test]
fn a_time_that_is_none_is_set_aside() {
    assert_eq!(
        football_data("E0,12/08/2023,25:00,A,B,,,,,,,,,,"),
        "Time: \"25:00\" is not a time of day"
    );
}

#[test]
fn a_missing_value_is_set_aside() {
    assert_eq!(
        football_data("E0,,,A,B,,,,,,,,,,"),
        "Date: the value is missing"
    );
    assert_eq!(
        football_data("E0,12/08/2023,,A,,,,,,,,,,,"),
        "AwayTeam: the value is missing"
    );
    assert_eq!(
        football_data("E0,12/08/2023,,A,B,1,,,,,,,,,"),
        "FTAG: the value is missing"
    );
    assert_eq!(
        football_data("E0,12/08/2023,,A,B,,1,,,,,,,,"),
        "FTHG: the value is missing"
    );
    assert_eq!(
        football_data("E0,12/08/2023"),
        "HomeTeam: the value is missing"
    );
}

#[test]
fn a_negative_or_broken_score_is_set_aside() {
    assert_eq!(
        football_data("E0,12/08/2023,,A,B,-1,0,,,,,,,,"),
        "FTHG: -1 is negative"
    );
    for bad in ["x", "1.5", "70000", "NaN", "inf"] {
        assert_eq!(
            football_data(&format!("E0,12/08/2023,,A,B,0,{bad},,,,,,,,")),
            format!("FTAG: {bad:?} is not a whole number below 65536")
        );
    }
    assert_eq!(
        football_data("E0,12/08/2023,,A,B,0,0,-3,1,,,,,,"),
        "HS: -3 is negative"
    );
}

/// The place and reason of the one quote set aside of a row that goes in with its result and the
/// rest of its quotes.
fn quote(result: &Result<Row, RejectedRow>, quotes: usize) -> String {
    let row = result.as_ref().unwrap();
    assert!(row.result.is_some());
    assert_eq!(
        (row.quotes.len(), row.rejected_quotes.len()),
        (quotes, 1),
        "{row:?}"
    );
    let rejected = &row.rejected_quotes[0];
    assert_eq!((rejected.file.as_str(), rejected.line), ("test.csv", 2));
    let column = rejected.column.as_deref().unwrap();
    format!("{column}: {}", rejected.reason)
}

/// The quote set aside of a row of football-data, which has another that is sound.
fn football_data_quote(prices: &str) -> String {
    let rows = read(&format!("{HEADER}\nE0,12/08/2023,,A,B,2,1,,,{prices}\n"));
    quote(&rows[0], 1)
}

#[test]
fn a_price_that_cannot_be_is_set_aside_with_its_quote() {
    for bad in ["1", "0", "0.95", "-2", "10001"] {
        assert_eq!(
            football_data_quote(&format!("2,{bad},3,0.5,1.9,1.9")),
            format!("B365D: {bad} is not a price: decimal odds lie above 1 and at most 10000")
        );
    }
    assert_eq!(
        football_data_quote("2,3.x,3,0.5,1.9,1.9"),
        "B365D: \"3.x\" is not a price"
    );
    assert_eq!(
        football_data_quote("2,inf,3,0.5,1.9,1.9"),
        "B365D: \"inf\" is not a price"
    );
}

#[test]
fn a_line_that_cannot_be_is_set_aside_with_its_quote() {
    assert_eq!(
        football_data_quote("2,3,4,-1.2,1.9,1.9"),
        "AHh: -1.2 is not a line: use a multiple of 0.25 between -1000 and 1000"
    );
    assert_eq!(
        football_data_quote("2,3,4,one,1.9,1.9"),
        "AHh: \"one\" is not a line"
    );
    assert_eq!(
        football_data_quote("2,3,4,,1.9,1.9"),
        "AHh: there are prices but no line"
    );
}

#[test]
fn a_team_against_itself_is_set_aside() {
    assert_eq!(
        football_data("E0,12/08/2023,,Leeds,LEEDS ,,,,,,,,,,"),
        "AwayTeam: \"LEEDS\" plays itself"
    );
}

#[test]
fn an_unknown_competition_is_set_aside() {
    assert_eq!(
        football_data("X9,12/08/2023,,A,B,,,,,,,,,,"),
        "Div: competition \"X9\" is not known"
    );
}

#[test]
fn a_name_no_team_can_have_is_set_aside() {
    let long = "x".repeat(101);
    assert_eq!(
        football_data(&format!("E0,12/08/2023,,{long},B,,,,,,,,,,")),
        "HomeTeam: a team's name has at most 100 characters and no control characters"
    );
}

#[test]
fn broken_text_is_set_aside() {
    assert_eq!(
        football_data("E0,12/08/2023,,\"A,B,,,,,,,,,,"),
        "-: a quotation mark is out of place"
    );
    let long = "x".repeat(70_000);
    assert_eq!(
        football_data(&format!("E0,12/08/2023,,{long},B,,,,,,,,,,")),
        "-: the line is longer than 65536 bytes"
    );
}

#[test]
fn a_row_with_zero_bytes_far_into_a_file_is_set_aside() {
    let rows = "E0,12/08/2023,,A,B,,,,,,,,,,\n".repeat(200);
    let rows = read(&format!("{HEADER}\n{rows}E0,12/08/2023,,A\0,B,,,,,,,,,,\n"));
    let rejected = rows[200].as_ref().unwrap_err();
    assert_eq!(rejected.line, 202);
    assert_eq!(
        rejected.reason.to_string(),
        "the line holds bytes that are not text"
    );
}

#[test]
fn lines_are_counted_as_they_stand_in_the_file() {
    let rows = read(&format!("\n{HEADER}\n\n,,,\nE0,soon,,A,B\n"));
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].as_ref().unwrap_err().line, 5);
}

#[test]
fn a_status_that_is_none_is_set_aside() {
    assert_eq!(
        own("status", "E0,2023/24,2023-08-12,A,B,asleep"),
        "status: \"asleep\" is not one of scheduled, finished, postponed, cancelled"
    );
    assert_eq!(
        own("status", "E0,2023/24,2023-08-12,A,B,finished"),
        "status: a finished game needs a score"
    );
}

#[test]
fn a_season_or_measure_or_moment_that_is_none_is_set_aside() {
    assert_eq!(
        own("neutral", "E0,the first,2023-08-12,A,B,"),
        "season: \"the first\" is not a season"
    );
    assert_eq!(
        own("season_type", "E0,2023/24,2023-08-12,A,B,autumn"),
        "season_type: \"autumn\" is not one of regular, postseason"
    );
    for (season, day, fits) in [
        ("2023/24", "1850-08-12", false),
        ("2023/24", "2022-12-31", true),
        ("2023", "2029-01-01", false),
        ("2023/27", "2027-06-01", true),
        ("cup-9", "1850-08-12", true),
    ] {
        let row = format!("E0,{season},{day},A,B,none,0");
        let expected = match fits {
            true => "home_score: \"none\" is not a whole number below 65536".to_owned(),
            false => format!("kickoff: the day is not within the season {season}"),
        };
        assert_eq!(own("home_score,away_score", &row), expected, "{season}");
    }
    assert_eq!(
        own(
            "home_score,away_score,expected_goals_home,expected_goals_away",
            "E0,2023/24,2023-08-12,A,B,1,0,-0.5,1"
        ),
        "expected_goals_home: \"-0.5\" is not a number from zero up"
    );
    let moment = "competition,season,kickoff,home,away,home_score,away_score,\
                  price:x:h2h:home:closing,taken_at:x:closing\n\
                  E0,2023/24,2023-08-12,A,B,1,0,2,noon\n";
    assert_eq!(
        quote(&read(moment)[0], 0),
        "taken_at:x:closing: \"noon\" is not a date this source writes"
    );
}

#[test]
fn american_odds_between_the_hundreds_are_set_aside() {
    let mapping = Mapping::parse(
        "[fixture]\ncompetition = { constant = \"nfl\" }\nseason = { style = \"calendar_year\" }\n\
         date = \"d\"\ndate_formats = [\"%Y-%m-%d\"]\nhome = \"h\"\naway = \"a\"\n\
         [[quotes]]\nbookmaker = \"x\"\nmarket = \"h2h\"\nstage = \"closing\"\nodds = \"american\"\n\
         prices = { home = \"p\", draw = \"q\" }\n",
        "test",
    )
    .unwrap();
    let read = |price: &str| {
        let csv = format!("d,h,a,p,q\n2020-09-13,A,B,{price},150\n");
        let rows = read_as(
            csv.as_bytes(),
            "t.csv",
            Some(Connector::Csv),
            Some(&mapping),
        );
        rows.unwrap().remove(0)
    };
    assert_eq!(
        read("-99").unwrap().rejected_quotes[0].reason.to_string(),
        "-99 is not a price: american odds lie at 100 and above or at -100 and below"
    );
    let quotes = read("-100").unwrap().quotes;
    assert_eq!(quotes[0].prices[0].unwrap().decimal(), 2.0);
    assert_eq!(
        quotes[0].prices[1..],
        [None, None],
        "a draw is no outcome in the NFL"
    );
}

#[test]
fn an_unknown_competition_of_a_mapping_blames_no_column() {
    let mapping = Mapping::parse(
        "[fixture]\ncompetition = { constant = \"quidditch\" }\nseason = { style = \
         \"calendar_year\" }\ndate = \"d\"\ndate_formats = [\"%Y-%m-%d\"]\nhome = \"h\"\naway = \
         \"a\"\n",
        "test",
    )
    .unwrap();
    let rows = read_as(b"d,h,a\n2020-09-13,A,B\n", "t.csv", None, Some(&mapping)).unwrap();
    let rejected = rows[0].as_ref().unwrap_err();
    assert_eq!(rejected.column, None);
    assert_eq!(
        rejected.reason.to_string(),
        "competition \"quidditch\" is not known"
    );
}

fn openfootball(game: &str) -> String {
    let json = format!("{{\"name\": \"Premier League 2015/16\",\n \"matches\": [\n{game}]}}");
    let rows = read(&json);
    let rejected = rows[0].as_ref().unwrap_err();
    assert_eq!(rejected.line, 3);
    format!(
        "{}: {}",
        rejected.column.as_deref().unwrap_or("-"),
        rejected.reason
    )
}

#[test]
fn bad_entries_of_openfootball_are_set_aside() {
    let teams = r#""team1": "A", "team2": "B""#;
    let date = r#""date": "2015-08-08""#;
    assert_eq!(
        openfootball(&format!("{{{teams}}}")),
        "date: the value is missing"
    );
    assert_eq!(
        openfootball(&format!(r#"{{"date": "8 August", {teams}}}"#)),
        "date: \"8 August\" is not a date this source writes"
    );
    assert_eq!(
        openfootball(&format!(r#"{{{date}, "time": "late", {teams}}}"#)),
        "time: \"late\" is not a time of day"
    );
    assert_eq!(
        openfootball(&format!(r#"{{{date}, "team1": "A"}}"#)),
        "team2: the value is missing"
    );
    assert_eq!(
        openfootball(&format!(
            r#"{{{date}, "team1": "{}", "team2": "B"}}"#,
            "x".repeat(101)
        )),
        "team1: a team's name has at most 100 characters and no control characters"
    );
    assert_eq!(
        openfootball(&format!(
            r#"{{{date}, {teams}, "score": {{"ft": [-1, 0]}}}}"#
        )),
        "score.ft: -1 is negative"
    );
    assert_eq!(
        openfootball(&format!(
            r#"{{{date}, {teams}, "score": {{"ft": [1, 0], "ht": [70000, 0]}}}}"#
        )),
        "score.ht: \"70000\" is not a whole number below 65536"
    );
    assert_eq!(
        openfootball(&format!(r#"{{{date}, {teams}, "score1": 1}}"#)),
        "score2: the value is missing"
    );
    assert_eq!(
        openfootball(&format!(r#"{{{date}, {teams}, "score2": 1}}"#)),
        "score1: the value is missing"
    );
    assert!(openfootball(r#"{"date": 8}"#).starts_with("-: the entry does not have the shape"));
}
