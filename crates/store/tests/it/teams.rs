use domain::{Sport, Team, TeamId};
use store::{NewTeam, Store, StoreError, TeamName, TeamQuery};

use crate::each_store;
use crate::sample::{fixture, key, put, source, team, world};

fn name(team: TeamId, name: &str, from: Option<&str>) -> TeamName {
    TeamName {
        team,
        sport: Sport::Football,
        name: name.to_owned(),
        source: from.map(source),
    }
}

#[tokio::test]
async fn teams_are_added_once_and_numbered_in_the_order_given() {
    each_store(async |store| {
        let [first, second] = ["Arsenal", "Chelsea"].map(|it| team(Sport::Football, it));
        let other = team(Sport::Basketball, "Arsenal");
        let ids = store
            .put_teams(&[first.clone(), second.clone()])
            .await
            .unwrap();
        let again = store
            .put_teams(&[second, other, first.clone(), first])
            .await
            .unwrap();
        assert_eq!([again[0], again[2], again[3]], [ids[1], ids[0], ids[0]]);
        assert!(!ids.contains(&again[1]));
    })
    .await;
}

#[tokio::test]
async fn a_name_is_kept_as_it_is_written() {
    each_store(async |store| {
        let odd = NewTeam {
            sport: Sport::Football,
            name: "1860 \"München\" \\ 'Löwen'".to_owned(),
            country: "DE".to_owned(),
        };
        let numeric = team(Sport::Football, "1899");
        let ids = store.put_teams(&[odd.clone(), numeric]).await.unwrap();
        let teams = store.teams(&TeamQuery::default()).await.unwrap();
        let expected = Team {
            id: ids[0],
            sport: odd.sport,
            name: odd.name,
            country: odd.country,
        };
        assert_eq!(teams[0], expected);
        assert_eq!(teams[1].name, "1899");
    })
    .await;
}

#[tokio::test]
async fn aliases_belong_to_a_source_or_to_all_and_can_move() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let aliases = [
            name(a, "FC Alpha", Some("football-data")),
            name(a, "The Alphas", None),
            name(b, "B.", Some("football-data")),
        ];
        store.put_aliases(&aliases).await.unwrap();
        let names = store.team_names(Sport::Football).await.unwrap();
        let of = |names: &[TeamName], team| -> Vec<TeamName> {
            names.iter().filter(|it| it.team == team).cloned().collect()
        };
        let canonical = name(a, "Alpha", None);
        assert_eq!(
            of(&names, a),
            [canonical, aliases[1].clone(), aliases[0].clone()]
        );
        assert_eq!(names.len(), 4 + 3);

        store
            .put_aliases(&[name(b, "FC Alpha", Some("football-data"))])
            .await
            .unwrap();
        let names = store.team_names(Sport::Football).await.unwrap();
        assert_eq!(of(&names, a).len(), 2);
        assert_eq!(of(&names, b).len(), 3);
        assert_eq!(store.team_names(Sport::Basketball).await.unwrap().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn an_alias_of_nobody_or_of_another_sport_is_refused_with_all_others() {
    each_store(async |store| {
        let ([a, ..], [nets, ..]) = world(store).await;
        for stranger in [TeamId(999), nets] {
            let error = store
                .put_aliases(&[name(a, "fine", None), name(stranger, "X", None)])
                .await
                .unwrap_err();
            assert!(matches!(error, StoreError::Unknown { what: "team", .. }));
        }
        assert_eq!(store.team_names(Sport::Football).await.unwrap().len(), 4);
    })
    .await;
}

async fn found(store: &dyn Store, query: TeamQuery) -> Vec<String> {
    let teams = store.teams(&query).await.unwrap();
    teams.into_iter().map(|it| it.name).collect()
}

#[tokio::test]
async fn teams_are_found_by_id_sport_competition_and_part_of_the_name() {
    each_store(async |store| {
        let ([a, b, c, _], _) = world(store).await;
        store
            .put_teams(&[team(Sport::Football, "ÅRHUS gf")])
            .await
            .unwrap();
        put(store, &[fixture(c, a, "2023-09-02T14:00:00Z")]).await;
        let all = TeamQuery::default;
        assert_eq!(found(store, all()).await.len(), 9);
        let ids = TeamQuery {
            ids: vec![b, a],
            ..all()
        };
        assert_eq!(found(store, ids).await, ["Alpha", "Beta"]);
        let sport = TeamQuery {
            sport: Some(Sport::Basketball),
            ..all()
        };
        assert_eq!(
            found(store, sport).await,
            ["Alpha", "Beta", "Gamma", "Delta"]
        );
        let competition = TeamQuery {
            competition: Some(key("E0")),
            ..all()
        };
        assert_eq!(found(store, competition).await, ["Alpha", "Gamma"]);
        let search = TeamQuery {
            search: Some("årh".to_owned()),
            ..all()
        };
        assert_eq!(found(store, search).await, ["ÅRHUS gf"]);
        let wild = TeamQuery {
            search: Some("%".to_owned()),
            ..all()
        };
        assert_eq!(found(store, wild).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn teams_come_in_pages() {
    each_store(async |store| {
        let ([_, b, ..], _) = world(store).await;
        let page = TeamQuery {
            after: Some(b),
            limit: 3,
            ..TeamQuery::default()
        };
        assert_eq!(found(store, page).await, ["Gamma", "Delta", "Alpha"]);
    })
    .await;
}
