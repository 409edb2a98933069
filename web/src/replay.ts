// Replay: moves through a game that was followed, by what was known at each moment. The course of the
// game is asked for once; what the next goal would do at a moment is asked of the engine, one question
// at a time. The address says the moment that is shown.
import { phaseOf, quarter, shown } from "./clock";
import { percent } from "./format";
import { PATIENCE_MS, tell, type Surroundings } from "./live";
import { speaker } from "./said";
import type { components } from "./schema.gen";
import { showShares } from "./shares";

type Timeline = components["schemas"]["Timeline"];
type Point = components["schemas"]["TimelinePoint"];
type Play = components["schemas"]["FixturePlay"];

/** How far the keys of the scrubber move, in milliseconds. */
const KEYS: Record<string, number> = {
  ArrowLeft: -15_000,
  ArrowDown: -15_000,
  ArrowRight: 15_000,
  ArrowUp: 15_000,
  PageDown: -300_000,
  PageUp: 300_000,
};
/** The longest step between two frames: a tab that was hidden does not leap. */
const FRAME_MS_MAX = 250;
/** The least time between two questions of what the next goal would do. */
const ASK_MS = 250;

/** Makes the replay of a page work; the function returned lets go of it. */
export function startReplay(around: Surroundings): () => void {
  const { page } = around;
  const block = page.getElementById("replay");
  return block === null ? () => {} : new Replay(around, block).start();
}

class Replay {
  private readonly range: HTMLInputElement;
  private readonly run: HTMLButtonElement;
  private readonly said;
  private course: Timeline | undefined;
  /** Whether the course is as long as the game. */
  private current = false;
  private loading: Promise<boolean> | undefined;
  /** When each point was, in milliseconds since 1970. */
  private times: number[] = [];
  private drawn: Point | undefined;
  private at = 0;
  private frame = 0;
  private question = { point: "", asking: false, next: "" };
  private readonly leaving = new AbortController();

  constructor(
    private readonly around: Surroundings,
    private readonly block: HTMLElement,
  ) {
    this.range = block.querySelector<HTMLInputElement>("#replay-at")!;
    this.run = block.querySelector<HTMLButtonElement>("#replay-run")!;
    this.said = speaker(around.page, "replay-said", around.now);
    this.at = Number(this.range.value);
  }

  start(): () => void {
    const { page } = this.around;
    const { signal } = this.leaving;
    for (const [id, hidden] of [["replay-run", false], ["replay-speeds", false], ["replay-show", true]] as const) {
      page.getElementById(id)!.hidden = hidden;
    }
    this.range.addEventListener("input", () => void this.seek(Number(this.range.value)), { signal });
    this.range.addEventListener("keydown", (event) => this.pressed(event), { signal });
    this.run.addEventListener("click", () => void (this.frame === 0 ? this.play() : this.rest()), { signal });
    this.block.querySelector("form")!.addEventListener("submit", (event) => event.preventDefault(), { signal });
    this.block.addEventListener("click", (event) => this.chosen(event), { signal });
    // The game went on: its course is asked for anew when it is next needed, and the chart was drawn anew.
    page.addEventListener("renewed", () => this.renewed(), { signal });
    return () => {
      this.leaving.abort();
      this.said.stop();
      this.around.page.defaultView!.cancelAnimationFrame(this.frame);
    };
  }

  private pressed(event: KeyboardEvent): void {
    const step = KEYS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    void this.seek(this.at + step);
  }

  private chosen(event: Event): void {
    const link = (event.target as Element).closest<HTMLElement>("a[data-at]");
    if (link === null) return;
    event.preventDefault();
    void this.seek(Number(link.dataset["at"]));
  }

  private renewed(): void {
    this.current = false;
    if (this.drawn) this.mark();
  }

  /** Goes to a moment. */
  private async seek(at: number): Promise<void> {
    const was = this.frame !== 0;
    this.at = Math.min(Number(this.range.max), Math.max(Number(this.range.min), at));
    if (!(await this.load())) return;
    this.draw();
    if (!was) this.settle();
  }

  private async play(): Promise<void> {
    if (!(await this.load()) || this.frame !== 0) return;
    // From the end it begins anew.
    if (this.at >= Number(this.range.max)) this.at = Number(this.range.min);
    this.label("Stop", true);
    const view = this.around.page.defaultView!;
    let before: number | undefined;
    const step = (now: number): void => {
      const speed = Number(this.block.querySelector<HTMLSelectElement>("#replay-speed")!.value);
      const passed = Math.min(FRAME_MS_MAX, before === undefined ? 0 : now - before);
      before = now;
      this.at = Math.min(Number(this.range.max), this.at + passed * speed);
      this.draw();
      if (this.at >= Number(this.range.max)) this.rest();
      else this.frame = view.requestAnimationFrame(step);
    };
    this.frame = view.requestAnimationFrame(step);
  }

  private rest(): void {
    this.around.page.defaultView!.cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.label("Play", false);
    this.settle();
  }

  private label(text: string, pressed: boolean): void {
    this.run.textContent = text;
    this.run.setAttribute("aria-pressed", String(pressed));
  }

  /** The moment stays: the address says it, and so does the scrubber to those who listen. */
  private settle(): void {
    const { page } = this.around;
    const link = page.getElementById("replay-link")!.getAttribute("href")!;
    page.defaultView!.history.replaceState(null, "", link);
    this.range.setAttribute("aria-valuetext", this.standing());
  }

  /** Sees to it that there is a course; one that may have grown is asked for behind the one there is. */
  private load(): Promise<boolean> {
    if (!this.course || !this.current) this.loading ??= this.fetched().finally(() => (this.loading = undefined));
    return this.course ? Promise.resolve(true) : this.loading!;
  }

  private async fetched(): Promise<boolean> {
    const course = await this.get<Timeline>(this.block.dataset["timeline"]!);
    if (!course) return false;
    this.course = course;
    this.current = true;
    this.times = course.points.map((it) => Date.parse(it.at));
    this.drawn = undefined;
    const last = this.times.at(-1);
    if (last !== undefined) this.range.max = String(last + 1);
    return true;
  }

  private async get<T>(address: string): Promise<T | undefined> {
    const { fetch, page } = this.around;
    try {
      const signal = AbortSignal.any([this.leaving.signal, AbortSignal.timeout(PATIENCE_MS)]);
      const answer = await fetch(address, { signal });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const body = (await answer.json()) as T;
      tell(page, "");
      return body;
    } catch {
      if (!this.leaving.signal.aborted) tell(page, "No answer from the server: this moment cannot be shown.");
      return undefined;
    }
  }

  /** Shows the moment. */
  private draw(): void {
    const { page } = this.around;
    this.range.value = String(this.at);
    const [point, next] = this.beside();
    if (!point) return;
    page.getElementById("replay-clock")!.textContent = this.clock(point, next);
    if (point === this.drawn) return;
    this.drawn = point;
    page.getElementById("replay-phase")!.textContent = phaseOf(this.sport(), point.phase, point.period);
    this.block.querySelector("#replay-score .mid")!.textContent = `${point.score.home}\u2013${point.score.away}`;
    showShares(page.getElementById("replay-view")!, point.probabilities);
    page.getElementById("replay-link")!.setAttribute("href", `${page.location.pathname}?at=${encodeURIComponent(point.at)}#replay`);
    this.mark();
    if (this.frame !== 0) this.said.say(this.standing());
    this.wonder(point.at);
  }

  /** The last point by now, and the one after it. */
  private beside(): [Point | undefined, Point | undefined] {
    const points = this.course?.points ?? [];
    let [low, high] = [0, points.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.times[middle]! <= this.at) low = middle;
      else high = middle;
    }
    return [points[low], points[low + 1]];
  }

  /** The clock runs from a point to the next, and no further. */
  private clock(point: Point, next: Point | undefined): string {
    const ran = Math.max(0, Math.floor((this.at - Date.parse(point.at)) / 1000));
    const until = next?.period === point.period ? next.seconds : point.seconds;
    const seconds = point.phase === "playing" ? Math.max(point.seconds, Math.min(point.seconds + ran, until)) : point.seconds;
    const text = shown(this.sport(), point.period, seconds);
    return this.sport() === "football" ? text : `${quarter(point.period)} ${text}`;
  }

  private sport(): string {
    return this.block.dataset["sport"] ?? "";
  }

  private standing(): string {
    const { home, away } = this.block.dataset;
    const score = this.drawn?.score;
    const phase = this.around.page.getElementById("replay-phase")!.textContent;
    const clock = this.around.page.getElementById("replay-clock")!.textContent;
    return score ? `${clock}, ${home} ${score.home}, ${away} ${score.away}, ${phase}` : `${clock}`;
  }

  /** What happened by now, in the list; where the moment is, in the chart. */
  private mark(): void {
    const { page } = this.around;
    for (const link of this.block.querySelectorAll<HTMLElement>("a[data-at]")) {
      link.classList.toggle("past", Number(link.dataset["at"]) <= this.at);
    }
    const chart = page.querySelector<SVGElement>("#course svg.chart[data-length]");
    const point = this.drawn;
    if (chart === null || !point) return;
    const numbers = (name: string) => (chart.dataset[name] ?? "").split(" ").map(Number) as [number, number];
    const [[left, right], [bottom, top]] = [numbers("x"), numbers("y")];
    const before = this.course?.periods.find((it) => it.period === point.period)?.start_seconds ?? 0;
    const x = left + ((right - left) * (before + point.seconds)) / Number(chart.dataset["length"]);
    let cursor = chart.querySelector(".cursor");
    if (cursor === null) {
      cursor = page.createElementNS("http://www.w3.org/2000/svg", "path");
      cursor.setAttribute("class", "cursor");
      chart.append(cursor);
    }
    cursor.setAttribute("d", `M${x.toFixed(1)} ${top}V${bottom}`);
  }

  /** Asks what the next goal would do at a point: one question at a time, the newest counts. */
  private wonder(point: string): void {
    this.question.next = point;
    if (!this.question.asking) void this.ask();
  }

  private async ask(): Promise<void> {
    const { question } = this;
    question.asking = true;
    while (question.next !== question.point && !this.leaving.signal.aborted) {
      question.point = question.next;
      const play = await this.get<Play>(`${this.block.dataset["play"]}?as_of=${encodeURIComponent(question.point)}`);
      if (play && question.point === question.next) this.around.page.getElementById("replay-next")!.textContent = this.sentence(play);
      if (this.frame !== 0) await new Promise((done) => setTimeout(done, ASK_MS));
    }
    question.asking = false;
  }

  private sentence({ play }: Play): string {
    const goal = play?.next_goal;
    if (goal == null) return "";
    const all = (shares: number[]): string => shares.map(percent).join(" / ");
    const { home, away } = this.block.dataset;
    const [first, second, none] = goal.probabilities.map(percent);
    return `${home} scores next ${first}, then ${all(goal.after_home)}; ${away} scores next ${second}, then ${all(goal.after_away)}; No more goals ${none}.`;
  }
}
