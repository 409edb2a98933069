// Ratings over time, drawn again so that one can read values off; the server's drawing stays
// where this fails.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { FixtureState } from "./wire";

const HEIGHT = 284;
/** Room the legend needs below the plot. */
const LEGEND = 64;

/** Puts two series on one time axis, each with gaps where it has no value of its own. */
export function align(ratings: FixtureState["ratings"]): [number[], ...(number | null)[][]] {
  const times = [...new Set(ratings.flatMap((it) => it.points.map(([at]) => at)))].sort((a, b) => a - b);
  const columns = ratings.map((it) => {
    const values = new Map(it.points);
    return times.map((at) => values.get(at) ?? null);
  });
  return [times, ...columns];
}

/** Days of an axis, each year named once. */
export function dates(times: number[]): string[] {
  let year = "";
  return times.map((at) => {
    const [, date, month, here] = new Date(at * 1000).toUTCString().split(" ");
    const label = `${Number(date)} ${month}`;
    if (here === year) return label;
    year = here ?? "";
    return `${label}\n${year}`;
  });
}

/** Draws the plot in place of the server's drawing. */
export function drawRatings(place: HTMLElement, ratings: FixtureState["ratings"]): uPlot | null {
  const [times] = align(ratings);
  if (times.length < 2) return null;
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
  const looks: uPlot.Series[] = [
    { stroke: color("--home"), width: 2 },
    { stroke: color("--away"), width: 2, dash: [6, 3] },
  ];
  const options: uPlot.Options = {
    width: place.clientWidth,
    height: HEIGHT - LEGEND,
    cursor: { y: false },
    axes: [{ ...axis, values: (_, times) => dates(times) }, { ...axis, size: 48 }],
    scales: { x: { time: true } },
    series: [
      { value: "{YYYY}-{MM}-{DD}" },
      ...ratings.map((it, index) => ({
        ...looks[index % looks.length],
        label: it.name,
        spanGaps: true,
        points: { show: false },
        value: (_: uPlot, value: number | null) => (value === null ? "\u2013" : value.toFixed(0)),
      })),
    ],
  };
  place.replaceChildren();
  const plot = new uPlot(options, align(ratings) as uPlot.AlignedData, place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT - LEGEND })).observe(place);
  return plot;
}
