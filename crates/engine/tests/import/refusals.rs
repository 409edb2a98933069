//! Files that are not what they claim, refused whole.

use std::io::{self, Read};

use engine::import::{Catalogue, Connector, ImportError, Mapping, Reading, Refusal, read_rows};

use crate::read_as;

fn refusal(content: &[u8], connector: Option<Connector>) -> String {
    match read_as(content, "test.csv", connector, None) {
        Err(ImportError::Refused(refusal)) => refusal.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn empty_files_are_refused() {
    for content in ["", " \n\n", "\u{feff}\n"] {
        assert_eq!(refusal(content.as_bytes(), None), "there is nothing in it");
    }
    assert_eq!(
        refusal(",,\n,,\n".as_bytes(), None),
        "there is nothing in it"
    );
}

#[test]
fn web_pages_are_refused() {
    for content in ["<!DOCTYPE html><html>404", "\n <HTML>", "\u{feff}<html>"] {
        assert_eq!(
            refusal(content.as_bytes(), Some(Connector::FootballData)),
            "it is a web page, not data"
        );
    }
}

#[test]
fn binary_files_and_wide_text_are_refused() {
    assert_eq!(refusal(b"PK\x03\x04\0\0", None), "it is not text");
    assert!(refusal(b"\xFF\xFED\0i\0v\0", None).contains("UTF-16"));
    let mut long = vec![b'x'; 70_000];
    long.push(b'\n');
    assert_eq!(refusal(&long, None), "it is not text");
}

#[test]
fn missing_columns_are_named() {
    assert_eq!(
        refusal(b"Div,HomeTeam\nE0,A\n", Some(Connector::FootballData)),
        "the header has no Date, no AwayTeam"
    );
    assert_eq!(
        refusal(b"a,b\n", Some(Connector::FootballData)),
        "the header has no Div, no Date, no HomeTeam, no AwayTeam"
    );
    assert_eq!(
        refusal(b"game_id,gameday,season,home_team,away_team\n", None),
        "the header has no game_type, no gametime, no location, no home_score, no away_score, no \
         home_rest, no away_rest, no away_moneyline, no home_moneyline, no away_spread_odds, no \
         home_spread_odds, no spread_line, no over_odds, no under_odds, no total_line"
    );
    assert_eq!(
        refusal(b"competition,home\n", Some(Connector::Csv)),
        "the header has no season, no kickoff, no away"
    );
}

#[test]
fn a_header_of_no_known_source_is_refused() {
    assert!(refusal(b"first,second\n1,2\n", None).contains("--mapping"));
    assert!(refusal(b"\"first,second\n1,2\n", None).contains("a quotation mark is out of place"));
}

#[test]
fn a_column_of_our_own_format_that_makes_no_sense_is_refused() {
    let refused = |column: &str| {
        let header = format!("competition,season,kickoff,home,away,{column}\n");
        refusal(header.as_bytes(), None)
    };
    let check = |column: &str, problem: &str| {
        let text = refused(column);
        assert!(text.contains(problem), "{column}: {text}");
    };
    check("colour", "it is no column of this format");
    check("shots_middle", "it is no column of this format");
    check(
        "price:bet365:h2h:home",
        "write price:BOOKMAKER:MARKET[:LINE]:OUTCOME:STAGE",
    );
    check(
        "price:bet365:h2h:home:late",
        "the stage is opening, intermediate or closing",
    );
    check("price:bet 365:h2h:home:closing", "is not a bookmaker key");
    check("price:x:coin_toss:home:closing", "the market is not known");
    check("price:x:h2h:2.5:home:closing", "the market has no line");
    check(
        "price:x:totals:over:closing",
        "there is no column line:x:totals:closing",
    );
    check("price:x:totals:two:over:closing", "the line is no number");
    check("price:x:totals:2.6:over:closing", "2.6 is not a line");
    check(
        "price:x:totals:2.5:home:closing",
        "totals has no outcome \"home\"",
    );
    check(
        "price:x:correct_score:1-0:closing",
        "correct_score has no outcome",
    );
}

#[test]
fn json_that_is_not_openfootballs_is_refused() {
    let refused = |json: &str| refusal(json.as_bytes(), None);
    assert!(refused("{\"name\": \"Premier League 2015/16\", \"matches\": [").contains("EOF"));
    assert!(
        refused("{\"name\": \"Premier League 2015/16\"}").contains("neither matches nor rounds")
    );
    assert!(refused("[1, 2]").contains("it is not the JSON of openfootball"));
    assert!(
        refused("{\"name\": \"Quidditch 2015/16\", \"matches\": []}")
            .contains("no known competition")
    );
    assert!(refused("{\"name\": \"Premier League\", \"matches\": []}").contains("has no season"));
    assert!(refusal(b"{\"name\": \"\xFF\"}", None).contains("it is not UTF-8"));
    assert!(refusal(b"Div,Date\n", Some(Connector::Openfootball)).contains("it is not the JSON"));
}

#[test]
fn json_without_end_is_refused_before_it_fills_the_memory() {
    let catalogue = Catalogue::load(None, None).unwrap();
    let reading = Reading {
        location: "endless.json",
        connector: None,
        mapping: None,
        catalogue: &catalogue,
    };
    let endless = io::BufReader::new(io::Cursor::new(b"{").chain(io::repeat(b' ')));
    let error = read_rows(endless, &reading, |_| true).unwrap_err();
    assert!(
        matches!(error, ImportError::Refused(Refusal::TooLarge(_))),
        "{error}"
    );
}

#[test]
fn content_that_breaks_off_is_an_error_of_reading() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the cable is out"))
        }
    }
    let catalogue = Catalogue::load(None, None).unwrap();
    let read = |start: &'static [u8], connector| {
        let reading = Reading {
            location: "broken",
            connector,
            mapping: None,
            catalogue: &catalogue,
        };
        let content = io::BufReader::new(start.chain(Broken));
        read_rows(content, &reading, |_| true).unwrap_err()
    };
    for (start, connector) in [
        (&b""[..], None),
        (b"{\"name\"", None),
        (b"Div,Date", None),
        (b"Div,Date,HomeTeam,AwayTeam\nE0", None),
    ] {
        let error = read(start, connector);
        assert!(matches!(error, ImportError::Unreadable(_)), "{error:?}");
    }
}

#[test]
fn a_reader_may_stop_early() {
    let catalogue = Catalogue::load(None, None).unwrap();
    let count = |content: &str| {
        let reading = Reading {
            location: "en.1.json",
            connector: None,
            mapping: None,
            catalogue: &catalogue,
        };
        let mut rows = 0;
        read_rows(content.as_bytes(), &reading, |_| {
            rows += 1;
            false
        })
        .unwrap();
        rows
    };
    assert_eq!(count("Div,Date,HomeTeam,AwayTeam\nE0,1,A,B\nE0,1,A,B\n"), 1);
    assert_eq!(
        count(r#"{"name": "Premier League 2015/16", "matches": [{}, {}]}"#),
        1
    );
}

#[test]
fn mappings_that_make_no_sense_are_refused() {
    let start = "[fixture]\ncompetition = { constant = \"nfl\" }\nseason = { style = \
                 \"calendar_year\" }\ndate = \"d\"\ndate_formats = [\"%Y-%m-%d\"]\nhome = \
                 \"h\"\naway = \"a\"\n";
    let quotes = "[[quotes]]\nbookmaker = \"x\"\nstage = \"closing\"\nprices = { home = \"h\" }\n";
    let problem = |rest: &str| {
        let error = Mapping::parse(&format!("{start}{rest}"), "m.toml")
            .and_then(|mapping| read_as(b"d,h,a\n", "t.csv", None, Some(&mapping)))
            .unwrap_err();
        match error {
            ImportError::Refused(refusal) => refusal.to_string(),
            error => error.to_string(),
        }
    };
    let check = |rest: &str, expected: &str| {
        let text = problem(rest);
        assert!(text.contains(expected), "{text}");
    };
    check("colour = \"red\"", "mapping m.toml cannot be used");
    check(
        "time_zone = \"Mars/Olympus\"",
        "time zone \"Mars/Olympus\" is not known",
    );
    check(
        &format!("{quotes}market = \"spreads\""),
        "the market needs a line",
    );
    check(
        &format!("{quotes}market = \"h2h\"\nline = 2.5"),
        "the market has no line",
    );
    check(
        &format!("{quotes}market = \"spreads\"\nline = 2.6"),
        "2.6 is not a line",
    );
    check(
        &format!("{quotes}market = \"totals\"\nline = 2.5"),
        "totals has no outcome \"home\"",
    );
    check(
        &format!("{quotes}market = \"h2h\"\nodds = \"fractional\""),
        "fractional odds are not read",
    );
    let suspended = quotes.replace("closing", "suspended");
    check(
        &format!("{suspended}market = \"h2h\""),
        "a market that is suspended has no prices",
    );
    check(
        "[result]\nhome = \"hg\"\naway = \"hg\"",
        "the header has no hg",
    );
}
