//! Every source, read from small files written by hand.

use domain::SeasonType;
use engine::import::{Connector, Mapping};

use crate::show::show;
use crate::{read, read_as};

const MAIN_OLD: &str = "\u{feff}Div,Date,HomeTeam,AwayTeam,FTHG,FTAG,FTR,HTHG,HTAG,HTR,Referee,HS,AS,HST,AST,HC,AC,HY,AY,HR,AR,B365H,B365D,B365A,GBH,GBD,GBA,WHH,WHD,WHA,Bb1X2,BbMxH,BbAvH,BbMxD,BbAvD,BbMxA,BbAvA,BbMx>2.5,BbAv>2.5,BbMx<2.5,BbAv<2.5,BbAHh,BbMxAHH,BbAvAHH,BbMxAHA,BbAvAHA\r\n\
E0,13/08/05,Aston Villa,Bolton,2,2,D,2,2,D,M Riley,3,13,2,6,7,8,0,2,0,0,2.3,3.25,3,2.3,3.25,2.9,2.3,3.2,2.8,56,2.4,2.27,3.4,3.18,3.15,2.93,2.3,2.16,1.7,1.62,-0.25,2.01,1.94,1.96,1.87\r\n\
,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\r\n\
E0,17/08/05,Arsenal,Newcastle,2,0,H,,,,,,,,,,,,,,,1.33,,9,,,,,,,,,,,,,,,,,,,,,,,,\r\n\
\r\n";

const MAIN_NEW: &str = "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,FTR,B365H,B365D,B365A,PSH,PSD,PSA,PH,PD,PA,MaxH,MaxD,MaxA,AvgH,AvgD,AvgA,BFEH,BFED,BFEA,1XBH,1XBD,1XBA,B365>2.5,B365<2.5,P>2.5,P<2.5,Avg>2.5,Avg<2.5,AHh,B365AHH,B365AHA,PAHH,PAHA,B365CH,B365CD,B365CA,PSCH,PSCD,PSCA,AvgCH,AvgCD,AvgCA,MaxC>2.5,MaxC<2.5,AHCh,PCAHH,PCAHA,AvgCAHH,AvgCAHA\n\
E0,11/08/2023,20:00,Burnley,Man City,0,3,A,8,5.5,1.33,8.5,5.3,1.37,9,9,9,9.5,5.68,1.39,9.02,5.35,1.35,9.6,5.9,1.39,9.4,5.4,1.36,1.67,2.2,1.67,2.29,1.65,2.27,1.5,1.95,1.98,1.95,1.97,9,5.25,1.33,9.55,5.2,1.36,9.1,5.1,1.34,1.7,2.3,1.5,1.97,1.96,1.92,1.94\n\
E0,12/08/2023,12:30,Arsenal,Nott'm Forest,,\n";

const EXTRA: &str = "Country,League,Season,Date,Time,Home,Away,HG,AG,Res,PSCH,PSCD,PSCA,MaxCH,MaxCD,MaxCA,AvgCH,AvgCD,AvgCA\n\
Austria,Bundesliga,2022/2023,22/07/2022,19:30,Austria Vienna,Salzburg,1,2,A,5.1,4.2,1.62,5.5,4.4,1.66,4.95,4.1,1.6\n\
Brazil,Serie A,2012,19/05/2012,22:30,Palmeiras,Portuguesa,1,1,D,1.75,3.86,5.25,1.76,3.87,5.31,1.69,3.5,4.9\n";

#[test]
fn football_data_is_read_with_its_old_columns() {
    insta::assert_snapshot!(show(&read(MAIN_OLD)));
}

#[test]
fn football_data_is_read_with_its_new_columns() {
    insta::assert_snapshot!(show(&read(MAIN_NEW)));
}

#[test]
fn football_data_is_read_for_extra_countries() {
    insta::assert_snapshot!(show(&read(EXTRA)));
}

#[test]
fn football_data_is_read_in_latin_1() {
    let rows = read_as(
        b"Div,Date,HomeTeam,AwayTeam\nSP1,1/9/01,La Coru\xF1a,Alav\xE9s\n",
        "SP1.csv",
        None,
        None,
    );
    let row = rows.unwrap().remove(0).unwrap();
    assert_eq!(
        (row.home.as_str(), row.away.as_str()),
        ("La Coruña", "Alavés")
    );
    assert_eq!(row.season.as_str(), "2001/02");
}

#[test]
fn a_season_that_runs_into_august_stays_one_season() {
    let seasons = |rows: &str| -> Vec<String> {
        read(&format!("Div,Date,HomeTeam,AwayTeam\n{rows}"))
            .into_iter()
            .map(|row| row.unwrap().season.to_string())
            .collect()
    };
    let late = "I1,20/06/2020,A,B\nI1,05/07/2020,A,C\nI1,20/07/2020,A,D\nI1,02/08/2020,A,E\n\
                I1,19/09/2020,B,A\n";
    assert_eq!(
        seasons(late),
        ["2019/20", "2019/20", "2019/20", "2019/20", "2020/21"]
    );
    assert_eq!(
        seasons("SC0,08/03/2020,A,B\nSC0,01/08/2020,B,A\n"),
        ["2019/20", "2020/21"]
    );
    assert_eq!(seasons("D2,27/07/2018,A,B\n"), ["2018/19"]);
}

const MATCHES: &str = r#"{
  "name": "English Premier League 2016/17",
  "matches": [
    {"round": "Matchday 1", "date": "2016-08-13", "time": "15:00", "team1": "Hull City", "team2": "Leicester City", "score": {"ft": [2, 1], "ht": [1, 0]}},
    {"round": "Matchday 1", "date": "2016-08-14", "team1": "Arsenal", "team2": "Liverpool", "score": [3, 4]},
    {
      "round": "Matchday 2", "date": "2016-08-20", "team1": "Burnley", "team2": "Liverpool", "score": {}
    },
    {"date": "2016-08-20", "team1": "Burnley", "team2": "Burnley"}
  ]
}"#;

const ROUNDS: &str = r#"{"name": "Deutsche Bundesliga 2013/14", "rounds": [
{"name": "1. Spieltag", "matches": [
{"date": "2013-08-09", "team1": {"key": "bayern", "name": "FC Bayern München", "code": "FCB"}, "team2": {"name": "Borussia Mönchengladbach"}, "score1": 3, "score2": 1},
{"date": "2013-08-10", "team1": {"name": "Hannover 96"}, "team2": {"name": "VfL Wolfsburg"}, "score1": null, "score2": null}
]}]}"#;

#[test]
fn openfootball_is_read_as_a_list_of_matches() {
    insta::assert_snapshot!(show(&read(MATCHES)));
}

#[test]
fn openfootball_is_read_as_a_list_of_rounds() {
    insta::assert_snapshot!(show(&read(ROUNDS)));
}

#[test]
fn openfootball_tells_competition_and_season_by_file_and_folder_where_the_name_does_not() {
    let json = r#"{"matches": [{"date": "2023-09-01", "team1": "A", "team2": "B"}]}"#;
    let rows = read_as(
        json.as_bytes(),
        "football.json/2023-24/es.2.json",
        None,
        None,
    )
    .unwrap();
    let row = rows[0].as_ref().unwrap();
    assert_eq!(
        (row.competition.as_str(), row.season.as_str()),
        ("SP2", "2023/24")
    );
    assert_eq!(row.kickoff.to_string(), "2023-09-01T10:00:00Z");
}

const NFLVERSE: &str = "game_id,season,game_type,week,gameday,weekday,gametime,away_team,away_score,home_team,home_score,location,result,total,overtime,away_rest,home_rest,away_moneyline,home_moneyline,spread_line,away_spread_odds,home_spread_odds,total_line,under_odds,over_odds\n\
2021_01_DAL_TB,2021,REG,1,2021-09-09,Thursday,20:20,DAL,29,TB,31,Home,2,60,0,7,7,375,-480,9.5,104,-115,52.5,-105,-105\n\
2021_05_NYJ_ATL,2021,REG,5,2021-10-10,Sunday,09:30,NYJ,20,ATL,27,Neutral,7,47,0,7,7,NA,NA,2.5,NA,NA,45,NA,NA\n\
2022_01_BUF_LA,2022,REG,1,2022-09-08,Thursday,,BUF,,LA,,Home,,,,7,7,-130,110,-2.5,-110,-110,52,-110,-110\n";

#[test]
fn nflverse_is_read_with_american_odds_and_lines_turned_round() {
    insta::assert_snapshot!(show(&read(NFLVERSE)));
}

#[test]
fn the_part_of_the_season_is_read_where_a_source_says_it() {
    let rows = NFLVERSE
        .replace("REG,5,", "SB,22,")
        .replace("REG,1,2022", "NA,1,2022");
    let parts = |rows: &str| -> Vec<_> {
        let rows = read(rows).into_iter();
        rows.map(|row| row.unwrap().season_type).collect()
    };
    let (regular, postseason) = (Some(SeasonType::Regular), Some(SeasonType::Postseason));
    assert_eq!(parts(&rows), [regular, postseason, None]);
    let own = "competition,season,season_type,kickoff,home,away\nnba,2022,Postseason,2022-05-11,A,B\n\
               nba,2022,regular,2022-04-01,A,B\nnba,2022,,2022-04-02,A,B\n";
    assert_eq!(parts(own), [postseason, regular, None]);
}

const OWN: &str = "competition,season,kickoff,home,away,neutral,status,home_score,away_score,half_time_home,half_time_away,expected_goals_home,expected_goals_away,price:pinnacle:h2h:home:closing,price:pinnacle:h2h:draw:closing,price:pinnacle:h2h:away:closing,price:bet365:totals:2.5:over:opening,price:bet365:totals:2.5:under:opening,price:bet365:totals:3.5:over:opening,line:bet365:spreads:opening,price:bet365:spreads:home:opening,price:bet365:spreads:away:opening,taken_at:pinnacle:closing\n\
E0,2023-24,2023-08-11T19:00:00Z,Burnley,Man City,no,finished,0,3,0,2,0.31,1.9,9.55,5.2,1.36,1.67,2.2,2.6,1.5,1.95,1.98,2023-08-11T18:58:30Z\n\
nba,2022/23,2023-01-02,Boston Celtics,Denver Nuggets,yes,postponed,,,,,,,1.8,,2.1,,,,,,,\n";

#[test]
fn our_own_csv_needs_no_mapping() {
    insta::assert_snapshot!(show(&read(OWN)));
}

#[test]
fn our_own_csv_may_be_delimited_by_semicolons() {
    let rows = read("competition;season;kickoff;home;away\nE0;2023/24;2023-08-11;A;B\n");
    assert_eq!(rows[0].as_ref().unwrap().home, "A");
}

#[test]
fn a_mapping_says_what_foreign_columns_mean() {
    let mapping = Mapping::parse(
        r#"
source = "elsewhere"
missing = ["n/a"]
opening = "friday_or_tuesday"

[fixture]
competition = { column = "tournament", values = { "WC" = "int/world-cup" }, otherwise = "int/other" }
season = { style = "calendar_year" }
date = "day"
date_formats = ["%d %b %Y"]
time = "at"
time_zone = "America/New_York"
home = "one"
away = "two"
letters = "lower"
neutral = { column = "ground", values = ["N"] }

[result]
home = "g1"
away = "g2"

[stats]
red_cards = ["r1", "r2"]

[[quotes]]
bookmaker = "somebody"
market = "spreads"
stage = "opening"
line = { column = "hcap", negate = true }
odds = "american"
prices = { home = "s1", away = "s2" }

[[quotes]]
bookmaker = "somebody"
market = "both_teams_to_score"
stage = "intermediate"
prices = { yes = "y", no = "n" }
"#,
        "test",
    )
    .unwrap();
    let csv = "tournament,day,at,one,two,ground,g1,g2,r1,r2,hcap,s1,s2,y,n\n\
               WC,18 Dec 2022,10:00,Argentina,FRANCE,N,3.0,3.0,0,n/a,\"0,0.5\",-150,+130,1.8,2\n\
               Cup of Good Will,1 Jan 2022,,Fiji,Tonga,,,,,,,,,,\n";
    let rows = read_as(csv.as_bytes(), "games.csv", None, Some(&mapping)).unwrap();
    insta::assert_snapshot!(show(&rows));
}

#[test]
fn seasons_are_read_from_the_year_they_begin_or_end_in() {
    let season = |style: &str, text: &str| -> String {
        // On a day that every one of these seasons has.
        let year = if text.starts_with("1999") { 2000 } else { 2008 };
        let mapping = format!(
            "[fixture]\ncompetition = {{ constant = \"nba\" }}\nseason = {{ column = \"s\", style = \
             \"{style}\" }}\ndate = \"d\"\ndate_formats = [\"%Y-%m-%d\"]\nhome = \"h\"\naway = \"a\"\n"
        );
        let mapping = Mapping::parse(&mapping, "test").unwrap();
        let csv = format!("s,d,h,a\n{text},{year}-01-01,X,Y\n");
        let rows = read_as(
            csv.as_bytes(),
            "t.csv",
            Some(Connector::Csv),
            Some(&mapping),
        )
        .unwrap();
        match &rows[0] {
            Ok(row) => row.season.to_string(),
            Err(rejected) => rejected.reason.to_string(),
        }
    };
    assert_eq!(season("start_year", "2007"), "2007/08");
    assert_eq!(season("end_year", "2008.0"), "2007/08");
    assert_eq!(season("as_is", "1999-2000"), "1999/00");
    assert_eq!(season("as_is", "2008"), "2008");
    assert_eq!(season("as_is", "2007/09"), "2007/09");
    assert_eq!(season("as_is", "2007/40"), "\"2007/40\" is not a season");
    assert_eq!(season("end_year", "next"), "\"next\" is not a season");
    assert_eq!(
        season("as_is", "spring of 08"),
        "\"spring of 08\" is not a season"
    );
}
