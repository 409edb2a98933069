//! From names to teams.

use engine::import::{Catalogue, ImportOptions, Reason};
use store::{Store, TeamQuery};

use crate::store::World;

const HEADER: &str = "competition,season,kickoff,home,away";

async fn teams(world: &World) -> Vec<(String, String)> {
    let teams = world.store.teams(&TeamQuery::default()).await.unwrap();
    teams.into_iter().map(|it| (it.name, it.country)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(name, country)| ((*name).to_owned(), (*country).to_owned()))
        .collect()
}

#[tokio::test]
async fn aliases_bring_sources_together() {
    let world = World::new().await;
    world
        .import("Div,Date,HomeTeam,AwayTeam\nE0,13/08/2016,Hull,Man United\n")
        .await;
    let json = r#"{"name": "English Premier League 2016/17", "matches": [
        {"date": "2016-08-13", "team1": "Hull City", "team2": "Manchester United"}]}"#;
    let summary = world.import(json).await;
    assert_eq!((summary.fixtures_added, summary.fixtures_unchanged), (0, 1));
    assert_eq!(summary.new_names, []);
    assert_eq!(
        teams(&world).await,
        pairs(&[("Hull", "GB-ENG"), ("Man United", "GB-ENG")])
    );
    let names = world
        .store
        .team_names(domain::Sport::Football)
        .await
        .unwrap();
    let alias = names.iter().find(|it| it.name == "Hull City").unwrap();
    assert_eq!(alias.source.as_ref().unwrap().as_str(), "openfootball");
}

#[tokio::test]
async fn a_name_never_seen_is_reported_with_its_neighbours() {
    let world = World::new().await;
    world
        .import(&format!(
            "{HEADER}\nE0,2023/24,2023-08-12,Man United,Man City\n"
        ))
        .await;
    let summary = world
        .import(&format!(
            "{HEADER}\nE0,2023/24,2023-08-19,Man Unitd,Zebras\n"
        ))
        .await;
    let names: Vec<(&str, Vec<String>)> = summary
        .new_names
        .iter()
        .map(|it| (it.name.as_str(), it.nearest.clone()))
        .collect();
    assert_eq!(names[0].0, "Man Unitd");
    assert_eq!(names[0].1[0], "Man United");
    assert_eq!(names[1], ("Zebras", Vec::new()));
}

#[tokio::test]
async fn strict_names_set_rows_of_unknown_teams_aside() {
    let world = World::new().await;
    world
        .import(&format!(
            "{HEADER}\nE0,2023/24,2023-08-12,Man United,Man City\n"
        ))
        .await;
    let options = ImportOptions {
        strict_names: true,
        ..ImportOptions::default()
    };
    let file = format!(
        "{HEADER}\nE0,2023/24,2023-08-19,Man City,Man Unitd\nE0,2023/24,2023-08-20,Man City,Man United\n\
         nfl,2023,2023-09-10,Nobody,NE\n"
    );
    let summary = world.import_with(&file, &options).await.unwrap();
    assert_eq!((summary.rows_rejected, summary.fixtures_added), (2, 1));
    let rejected = &summary.rejected[0];
    assert_eq!(
        (rejected.line, rejected.column.as_deref()),
        (2, Some("away"))
    );
    assert_eq!(
        rejected.reason.to_string(),
        "no team is known as \"Man Unitd\"; nearest: Man United, Man City"
    );
    assert_eq!(
        summary.rejected[1].reason,
        Reason::UnknownTeam {
            name: "Nobody".to_owned(),
            nearest: Vec::new()
        }
    );
    assert_eq!(teams(&world).await.len(), 2);
}

#[tokio::test]
async fn a_club_and_a_national_side_may_share_a_name() {
    let world = World::new().await;
    let clubs = format!("{HEADER}\nF1,2023/24,2023-08-13,Clermont,Monaco\n");
    let nations = format!("{HEADER}\nint/other,2023,2023-07-13,Monaco,Sark\n");
    for file in [&clubs, &nations, &clubs, &nations] {
        world.import(file).await;
    }
    assert_eq!(
        teams(&world).await,
        pairs(&[
            ("Clermont", "FR"),
            ("Monaco", "FR"),
            ("Monaco (INT)", "INT"),
            ("Sark", "INT")
        ])
    );
    assert_eq!(world.fixtures().await.len(), 2);
}

#[tokio::test]
async fn two_names_of_one_team_make_it_play_itself() {
    let world = World::new().await;
    let summary = world
        .import(&format!("{HEADER}\nE0,2023/24,2023-08-12,Hull,Hull City\n"))
        .await;
    assert_eq!(
        summary.rejected[0].reason,
        Reason::PlaysItself("Hull City".to_owned())
    );
    assert_eq!(summary.fixtures_added, 0);
}

#[tokio::test]
async fn letters_and_white_space_make_no_new_team() {
    let world = World::new().await;
    world
        .import(&format!("{HEADER}\nE0,2023/24,2023-08-12,West Ham,Hull\n"))
        .await;
    let summary = world
        .import(&format!("{HEADER}\nE0,2023/24,2023-08-12,WEST  ham,hull\n"))
        .await;
    assert_eq!(
        (summary.fixtures_unchanged, summary.new_names.len()),
        (1, 0)
    );
}

#[tokio::test]
async fn the_users_own_aliases_go_first() {
    let aliases = "sport,country,source,name,team\nfootball,GB-ENG,,Hull City,The Tigers\n\
                   football,,csv,The Gunners,Arsenal\n";
    let world = World::with(Catalogue::load(None, Some(aliases)).unwrap()).await;
    world
        .import(&format!(
            "{HEADER}\nE0,2023/24,2023-08-12,Hull City,the gunners\n"
        ))
        .await;
    assert_eq!(
        teams(&world).await,
        pairs(&[("The Tigers", "GB-ENG"), ("Arsenal", "GB-ENG")])
    );
}

#[tokio::test]
async fn franchises_that_moved_are_one_team() {
    let world = World::new().await;
    let summary = world
        .import(&format!(
            "{HEADER}\nnfl,2015,2015-09-13,STL,OAK\nnfl,2016,2016-09-12,LA,LV\nnfl,2017,2017-09-12,lar,SD\n"
        ))
        .await;
    let names: Vec<&str> = summary
        .new_names
        .iter()
        .map(|it| it.team.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "Los Angeles Rams",
            "Las Vegas Raiders",
            "Los Angeles Chargers"
        ]
    );
}
