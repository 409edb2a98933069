// The board's program: rows that follow the games, ages and clocks that tick, and a word when they
// cannot.
import { Component, hydrate, render, type ComponentChildren, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Board } from "./board";
import { AGES_MS, TICK_MS, tickClocks } from "./clock";
import { follow, pausing, tell, wayOf, type Connected } from "./live";
import { onOdds } from "./preferences";
import { speaker } from "./said";
import { standings } from "./standings";
import type { BoardState, Scoreboard, StillState } from "./wire";

/** Takes over the board that the server wrote; the function returned lets go of it. */
export function startBoard(around: Connected, board: HTMLElement, state: BoardState | StillState): () => void {
  const app = (
    <Fallback html={board.innerHTML}>
      <App state={state} around={around} />
    </Fallback>
  );
  hydrate(app, board);
  return () => render(null, board);
}

/** Shows the board and lets it follow the games. */
export function App({ state, around }: { state: BoardState | StillState; around: Connected }): JSX.Element {
  const [rows, setRows] = useState(state.data.data);
  const [odds, setOdds] = useState(state.odds);
  const [now, setNow] = useState(Date.parse(state.now));
  // How far the server's clock is ahead of this device's.
  const ahead = useRef(Date.parse(state.now) - around.now());
  const still = useRef(false);

  useEffect(() => {
    const { page } = around;
    if (state.key === null) return;
    const said = speaker(page, "live-said", around.now);
    const news = standings(rows);
    let word = "Connecting";
    const write = (): void => {
      const place = page.getElementById("live-state");
      if (place === null) return;
      place.textContent = still.current ? "Paused" : word;
      place.classList.toggle("on", word === "Live" && !still.current);
    };
    const live = follow<Scoreboard>(around, state, {
      changed: ({ data }) => {
        setRows(data.data);
        // What the server said of a board without a model is over with the first prediction.
        if (data.data.some((it) => it.prediction)) page.getElementById("no-model")?.remove();
        const sentence = news(data.data, page.getElementById("live-said")?.textContent ?? "");
        if (sentence !== "") said.say(sentence);
      },
      standing: (connection, trouble) => {
        word = wayOf(connection);
        write();
        tell(page, trouble);
      },
    });
    page.getElementById("livebar")?.removeAttribute("hidden");
    const letGo = pausing(page.getElementById("live-pause"), (paused) => {
      still.current = paused;
      write();
      live.pause(paused);
    });
    return () => {
      letGo();
      said.stop();
      live.stop();
    };
  }, []);

  useEffect(() => {
    const clocks = setInterval(() => !still.current && tickClocks(around.page, around.now() + ahead.current), TICK_MS);
    const ages = setInterval(() => !still.current && setNow(around.now() + ahead.current), AGES_MS);
    return () => (clearInterval(clocks), clearInterval(ages));
  }, []);

  useEffect(() => onOdds(around.page, setOdds), []);

  return <Board rows={rows} manner={{ odds, zone: state.zone, now }} />;
}

/** Keeps the server's page when the program fails. */
export class Fallback extends Component<{ html: string; children: ComponentChildren }, { failed: boolean }> {
  override state = { failed: false };

  override componentDidCatch(): void {
    this.setState({ failed: true });
  }

  override render(): ComponentChildren {
    // What the server wrote came from the server: it goes back as it was.
    return this.state.failed ? <div dangerouslySetInnerHTML={{ __html: this.props.html }} /> : this.props.children;
  }
}
