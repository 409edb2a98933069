-- The part of the season a fixture belongs to: the regular one (0), of which tables are made, or the
-- postseason (1). What is there counts as regular until its source tells it again, so that the
-- materialized view stays as it is.
ALTER TABLE fixtures ADD COLUMN season_type BIGINT NOT NULL DEFAULT 0 CHECK (season_type IN (0, 1));

CREATE OR REPLACE VIEW standings_now AS
SELECT f.competition, f.season, s.team,
       count(*) FILTER (WHERE s.at_home AND s.scored > s.conceded) AS home_won,
       count(*) FILTER (WHERE s.at_home AND s.scored = s.conceded) AS home_drawn,
       count(*) FILTER (WHERE s.at_home AND s.scored < s.conceded) AS home_lost,
       coalesce(sum(s.scored) FILTER (WHERE s.at_home), 0)::bigint AS home_scored,
       coalesce(sum(s.conceded) FILTER (WHERE s.at_home), 0)::bigint AS home_conceded,
       count(*) FILTER (WHERE NOT s.at_home AND s.scored > s.conceded) AS away_won,
       count(*) FILTER (WHERE NOT s.at_home AND s.scored = s.conceded) AS away_drawn,
       count(*) FILTER (WHERE NOT s.at_home AND s.scored < s.conceded) AS away_lost,
       coalesce(sum(s.scored) FILTER (WHERE NOT s.at_home), 0)::bigint AS away_scored,
       coalesce(sum(s.conceded) FILTER (WHERE NOT s.at_home), 0)::bigint AS away_conceded
FROM fixtures AS f
CROSS JOIN LATERAL (VALUES (f.home, true, f.home_score, f.away_score),
                           (f.away, false, f.away_score, f.home_score))
    AS s (team, at_home, scored, conceded)
WHERE f.status <> 3 AND f.season_type = 0
GROUP BY f.competition, f.season, s.team;
