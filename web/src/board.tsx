// The board, element for element as the server writes it, so that taking over changes nothing.
import { Component, createRef, type ComponentChildren, type JSX } from "preact";
import { phaseOf, standing, wordOf } from "./clock";
import { age, day, isoDay, percent, pick, price, signedPercent, time, words, type Kickoff } from "./format";
import { tint } from "./tint";
import type { BoardRow, Edge, Fixture, OddsFormat } from "./wire";

/** How rows are shown. */
export interface Manner {
  odds: OddsFormat;
  zone: string;
  /** The server's clock in milliseconds. */
  now: number;
}

const THREE = [
  ["home", "Home", "H"],
  ["draw", "Draw", "D"],
  ["away", "Away", "A"],
] as const;
const TWO = [THREE[0], THREE[2]] as const;

/** Index of what a score means, where it means an outcome. */
export function happened(score: Fixture["score"], outcomes: number): number | null {
  if (score == null) return null;
  if (score.home > score.away) return 0;
  if (score.home < score.away) return outcomes - 1;
  return outcomes === 3 ? 1 : null;
}

/** Rows in groups of one day, in the order they came. */
export function byDay(rows: BoardRow[], zone: string): { iso: string; label: string; rows: BoardRow[] }[] {
  const days: { iso: string; label: string; rows: BoardRow[] }[] = [];
  for (const row of rows) {
    const { kickoff, kickoff_precision } = row.fixture;
    const where = kickoff_precision === "minute" ? zone : "UTC";
    const iso = isoDay(kickoff, where);
    const last = days.at(-1);
    if (last?.iso === iso) last.rows.push(row);
    else days.push({ iso, label: day(kickoff, where), rows: [row] });
  }
  return days;
}

/** The whole board. */
export function Board({ rows, manner }: { rows: BoardRow[]; manner: Manner }): JSX.Element {
  return (
    <>
      {byDay(rows, manner.zone).map(({ iso, label, rows }) => (
        <section class="day" aria-labelledby={`d${iso}`} key={iso}>
          <h2 id={`d${iso}`}>{label}</h2>
          <ol class="rows">
            {rows.map((row) => (
              <Row row={row} manner={manner} key={row.fixture.id} />
            ))}
          </ol>
        </section>
      ))}
    </>
  );
}

interface RowProps {
  row: BoardRow;
  manner: Manner;
}

/** A row; one that is as it was is not even looked at. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const { row, manner } = this.props;
    return next.row !== row || next.manner.now !== manner.now || next.manner.odds !== manner.odds;
  }

  override render({ row, manner }: RowProps): ComponentChildren {
    return <Line row={row} manner={manner} />;
  }
}

/** A figure, tinted when it changes. */
class Figure extends Component<{ as: "b" | "span"; class: string; of: string | number; children: ComponentChildren }> {
  private readonly place = createRef<HTMLElement>();

  override componentDidUpdate(before: Readonly<{ of: string | number }>): void {
    if (before.of !== this.props.of) tint(this.place.current as Element);
  }

  override render({ as: As, class: name, children }: Figure["props"]): ComponentChildren {
    return (
      <As class={name} ref={this.place}>
        {children}
      </As>
    );
  }
}

function Line({ row, manner }: RowProps): JSX.Element {
  const { fixture, prediction, market, edge } = row;
  const play = fixture.score == null ? row.play : null;
  const outcomes = (prediction ?? market)?.probabilities.length ?? 3;
  const result = happened(fixture.score, outcomes);
  const of = { kickoff: fixture.kickoff, kickoff_precision: fixture.kickoff_precision, live: play != null };
  const minute = fixture.kickoff_precision === "minute";
  return (
    <li class={`row${play ? " live" : ""}${play?.stale ? " is-stale" : ""}`} id={`f${fixture.id}`}>
      <div class="when">
        {play ? (
          <Clock sport={fixture.sport} play={play} now={manner.now} />
        ) : (
          <time dateTime={fixture.kickoff}>{minute ? time(fixture.kickoff, manner.zone) : "\u2013"}</time>
        )}
        <abbr class="comp" title={fixture.competition_name}>{fixture.competition}</abbr>
      </div>
      <a class="teams" href={`/fixtures/${fixture.id}`}>
        <Side fixture={fixture} play={play} kicks={row.play?.shootout ?? null} side="home" />
        <Side fixture={fixture} play={play} kicks={row.play?.shootout ?? null} side="away" />
      </a>
      <div class="views">
        {prediction && row.as_of && (
          <View who="Model" kind="model" probabilities={prediction.probabilities} result={result} at={row.as_of} verb="predicted" of={of} now={manner.now} />
        )}
        {market && (
          <View who="Market" kind="market" probabilities={market.probabilities} result={result} at={market.taken_at} verb="priced" of={of} now={manner.now} />
        )}
        {!prediction && !market && play?.phase !== "abandoned" && <p class="none">No prediction and no prices yet</p>}
      </div>
      <div class="edge">
        {fixture.status === "postponed" && <span class="badge">Postponed</span>}
        {fixture.status === "cancelled" && <span class="badge">Cancelled</span>}
        {play && <Standing sport={fixture.sport} play={play} />}
        {edge ? <EdgeTag edge={edge} odds={manner.odds} /> : fixture.score == null && !play && <span class="none">no edge</span>}
        {result !== null && prediction && <Verdict model={prediction.probabilities[result]} market={market?.probabilities[result]} />}
      </div>
    </li>
  );
}

type PlayNow = NonNullable<BoardRow["play"]>;

/** The clock, or a word where none runs. */
function Clock({ sport, play, now }: { sport: string; play: PlayNow; now: number }): JSX.Element {
  const clock = play.phase === "playing" ? play.clock : null;
  return (
    <b class="clock">
      {clock ? (
        <span class="now" data-period={clock.period} data-seconds={clock.seconds} data-at={clock.at} data-sport={sport} data-running={String(clock.running)}>
          {standing(clock, sport, now)}
        </span>
      ) : (
        <span aria-hidden="true">{wordOf(sport, play.phase, play.clock?.period ?? 0)}</span>
      )}
      <span class="vh">{` ${phaseOf(sport, play.phase, play.clock?.period ?? 0)}`}</span>
    </b>
  );
}

/** Where the game stands, or why that is not known. */
function Standing({ sport, play }: { sport: string; play: PlayNow }): JSX.Element {
  if (play.stale == null) return <span class="badge on">{phaseOf(sport, play.phase, play.clock?.period ?? 0)}</span>;
  return (
    <>
      <span class="badge">Old</span>
      <span class="none">{play.stale}</span>
    </>
  );
}

interface SideProps {
  fixture: Fixture;
  play: BoardRow["play"];
  /** What was scored in a shoot-out. */
  kicks: PlayNow["shootout"];
  side: "home" | "away";
}

function Side({ fixture, play, kicks, side }: SideProps): JSX.Element {
  const { score } = fixture;
  const won = score != null && score[side] > score[side === "home" ? "away" : "home"];
  const standing = score ?? play?.score;
  const off = play?.red_cards[side === "home" ? 0 : 1] ?? 0;
  return (
    <span class={won ? "side won" : "side"}>
      <span class="name">
        {fixture[side].name}
        {off > 0 && (
          <span class="reds">
            <span aria-hidden="true">{` ▮${off}`}</span>
            <span class="vh">{` ${off} sent off`}</span>
          </span>
        )}
      </span>
      {standing != null && (
        <Figure as="b" class="score" of={`${standing[side]} ${kicks?.[side]}`}>
          {standing[side]}
          {kicks && <small>{` (${kicks[side]})`}</small>}
        </Figure>
      )}
    </span>
  );
}

interface ViewProps {
  who: string;
  kind: "model" | "market";
  probabilities: number[];
  result: number | null;
  at: string;
  verb: string;
  of: Kickoff;
  now: number;
}

function View(view: ViewProps): JSX.Element {
  const names = view.probabilities.length === 3 ? THREE : TWO;
  let start = 0;
  const pieces = view.probabilities.map((width) => {
    const from = start;
    start += width;
    return { from: percent(from), width: percent(width) };
  });
  return (
    <div class={`view ${view.kind}`}>
      <span class="who">{view.who}</span>
      <span class="nums">
        {names.map(([kind, name, letter], index) => (
          <Figure as="span" class={view.result === index ? `p ${kind} hit` : `p ${kind}`} of={pieces[index]?.width ?? ""} key={kind}>
            <abbr title={name}>{letter}</abbr>
            {` ${pieces[index]?.width}`}
            {view.result === index && (
              <span class="tick" title="This happened">
                {" ✓"}
                <span class="vh"> happened</span>
              </span>
            )}
          </Figure>
        ))}
      </span>
      <svg class="bar" width="100%" height="8" aria-hidden="true">
        {names.map(([kind], index) => (
          <rect class={`f-${kind}`} x={pieces[index]?.from} width={pieces[index]?.width} height="8" key={kind} />
        ))}
      </svg>
      <span class="age">
        {`${view.verb} `}
        <time dateTime={view.at}>{view.of.live && Date.parse(view.at) >= Date.parse(view.of.kickoff) ? "in play" : age(view.at, view.of, view.now)}</time>
      </span>
    </div>
  );
}

function EdgeTag({ edge, odds }: { edge: Edge; odds: OddsFormat }): JSX.Element {
  return (
    <>
      <Figure as="span" class="value" of={signedPercent(edge.expected_value)}>
        {signedPercent(edge.expected_value)}
      </Figure>
      <span class="pick">{`${pick(edge)} at ${price(edge.price, odds)}`}</span>
      <span class="by">{words(edge.bookmaker)}</span>
    </>
  );
}

function Verdict({ model, market }: { model: number | undefined; market: number | undefined }): JSX.Element | null {
  if (model === undefined) return null;
  const gave = `gave the result ${percent(model)}`;
  if (market === undefined) return <VerdictText kind="even" sign="" text={gave} />;
  const text = `${gave}, the market ${percent(market)}`;
  if (percent(model) === percent(market)) return <VerdictText kind="even" sign="=" text={text} />;
  const better = model > market;
  return <VerdictText kind={better ? "better" : "worse"} sign={better ? "▲" : "▼"} text={text} />;
}

function VerdictText({ kind, sign, text }: { kind: string; sign: string; text: string }): JSX.Element {
  return (
    <span class={`verdict ${kind}`}>
      <span aria-hidden="true">{sign}</span>
      {` ${text}`}
    </span>
  );
}
