//! No bytes, however wild, bring the reading to a fall; and what comes out of them is sound.

use engine::import::{Catalogue, Connector, ImportError, Reading, RejectedRow, Row, read_rows};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

const SEEDS: [&str; 4] = [
    "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,HS,AS,B365H,B365D,B365A,AHh,B365AHH,B365AHA\n\
     E0,12/08/2023,12:30,Arsenal,Luton,2,1,10,3,1.2,6,15,-1.5,1.9,1.95\n\
     E0,19/08/2023,15:00,\"Luton\",Arsenal,,,,,,,,,,\n",
    "{\"name\": \"English Premier League 2016/17\", \"rounds\": [{\"matches\": [\n\
     {\"date\": \"2016-08-13\", \"time\": \"15:00\", \"team1\": {\"name\": \"A\"}, \"team2\": \"B\", \
     \"score\": {\"ft\": [2, 1]}}]}]}",
    "competition,season,kickoff,home,away,status,home_score,away_score,price:x:h2h:home:closing\n\
     nba,2022/23,2023-01-02T20:00:00Z,A,B,finished,100,90,1.8\n",
    "Country,League,Season,Date,Time,Home,Away,HG,AG,Res,PSCH,PSCD,PSCA\n\
     Austria,Bundesliga,2022/2023,22/07/2022,19:30,A,B,1,2,A,5.1,4.2,1.62\n",
];

fn read(bytes: &[u8], connector: Option<Connector>) {
    thread_local! {
        static CATALOGUE: Catalogue = Catalogue::load(None, None).unwrap();
    }
    CATALOGUE.with(|catalogue| {
        let reading = Reading {
            location: "2016-17/en.1.json",
            connector,
            mapping: None,
            catalogue,
        };
        let lines = bytes.iter().filter(|it| **it == b'\n').count() as u64 + 1;
        let mut last = 0;
        let read = read_rows(bytes, &reading, |row| {
            let line = check(&row);
            assert!(
                line >= last && line <= lines,
                "line {line} behind {last} of {lines}"
            );
            last = line;
            true
        });
        assert!(
            matches!(read, Ok(()) | Err(ImportError::Refused(_))),
            "{read:?}"
        );
    });
}

/// Checks what must hold of every row; returns its line.
fn check(row: &Result<Row, RejectedRow>) -> u64 {
    match row {
        Ok(row) => {
            assert!(!row.home.is_empty() && !row.away.is_empty());
            assert_ne!(row.home.to_lowercase(), row.away.to_lowercase());
            for quote in &row.quotes {
                assert!(quote.prices.iter().any(Option::is_some));
            }
            row.line
        }
        Err(rejected) => {
            assert!(!rejected.reason.to_string().is_empty());
            rejected.line
        }
    }
}

fn connector() -> impl Strategy<Value = Option<Connector>> {
    prop_oneof![
        Just(None),
        prop::sample::select(Connector::ALL.to_vec()).prop_map(Some)
    ]
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>, connector in connector()) {
        read(&bytes, connector);
    }

    #[test]
    fn files_with_bytes_changed_never_panic(
        seed in 0..SEEDS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        connector in connector(),
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read(&bytes, connector);
    }

    #[test]
    fn files_with_cells_changed_never_panic(
        seed in 0..SEEDS.len(),
        at in any::<prop::sample::Index>(),
        cell in "[-+0-9a-zA-Z.,:/\" éß\u{200b}]{0,12}",
    ) {
        let commas: Vec<usize> = SEEDS[seed].match_indices([',', ':']).map(|(at, _)| at).collect();
        let at = commas[at.index(commas.len())] + 1;
        let mut text = SEEDS[seed].to_owned();
        let end = text[at..].find([',', '\n']).map_or(text.len(), |it| at + it);
        text.replace_range(at..end, &cell);
        read(text.as_bytes(), None);
    }

    #[test]
    fn files_cut_anywhere_never_panic(seed in 0..SEEDS.len(), at in any::<prop::sample::Index>()) {
        let bytes = SEEDS[seed].as_bytes();
        read(&bytes[..at.index(bytes.len())], None);
    }
}
