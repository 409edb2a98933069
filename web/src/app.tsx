// The board's program: rows that stay fresh, ages that tick, and a word when they cannot.
import { Component, type ComponentChildren, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Board } from "./board";
import { span } from "./format";
import { boardUrl, keepFresh, type Freshness, type Surroundings } from "./live";
import { onOdds } from "./preferences";
import type { BoardState } from "./wire";

/** How often ages are written anew. */
export const TICK_MS = 10_000;

/** Shows the board and keeps it fresh. */
export function App({ state, around }: { state: BoardState; around: Surroundings }): JSX.Element {
  const [rows, setRows] = useState(state.rows);
  const [odds, setOdds] = useState(state.odds);
  const [now, setNow] = useState(Date.parse(state.now));
  // How far the server's clock is ahead of this device's.
  const ahead = useRef(Date.parse(state.now) - around.now());
  const banner = useRef<(freshness: Freshness) => void>(() => {});

  useEffect(() => {
    banner.current = (freshness) => tell(around, freshness);
    return keepFresh(boardUrl(state), around, {
      rows: (rows, serverNow) => {
        if (serverNow !== null) ahead.current = serverNow - around.now();
        setNow(around.now() + ahead.current);
        setRows(rows);
      },
      freshness: (freshness) => banner.current(freshness),
    });
  }, []);

  useEffect(() => {
    const timer = setInterval(() => setNow(around.now() + ahead.current), TICK_MS);
    return () => clearInterval(timer);
  }, []);

  useEffect(() => onOdds(around.page, setOdds), []);

  return <Board rows={rows} manner={{ odds, zone: state.zone, now }} />;
}

/** Says that numbers are old while the server cannot be reached. */
export function tell(around: Surroundings, freshness: Freshness): void {
  const banner = around.page.getElementById("banner");
  if (banner === null) return;
  const text =
    freshness.kind === "fresh"
      ? ""
      : `No answer from the server for ${span((around.now() - freshness.since) / 1000)}: these numbers may be old. Trying again.`;
  if (banner.textContent !== text) banner.textContent = text;
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
