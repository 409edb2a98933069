// A page of one fixture and the board: the last known state at once, then what the server says.
import { createClient } from "@sports-edge/sdk";
import { deviceCache, indexedDb } from "@sports-edge/sdk/device";
import { SportsEdgeProvider, useBoard, useConnection, usePrediction } from "@sports-edge/sdk/react";
import { createRoot } from "react-dom/client";

const client = createClient({ device: deviceCache({ driver: indexedDb() }) });

function Home({ id }: { id: number }) {
  const { data, age, stale } = usePrediction(id, { select: ({ markets }) => markets.find(({ market }) => market === "h2h")?.outcomes[0]?.probability });
  if (data === undefined) return <span>…</span>;
  return (
    <span style={{ opacity: stale ? 0.5 : 1 }} title={`${Math.round(age / 1000)} s old`}>
      {(100 * data).toFixed(1)} %
    </span>
  );
}

function Board() {
  const { data, error } = useBoard({ limit: 20 });
  const { state, way } = useConnection();
  if (error && !data) return <p role="alert">{String(error)}</p>;
  return (
    <>
      <p role="status">
        {state} by {way}
      </p>
      <ul>
        {data?.data.map(({ fixture }) => (
          <li key={fixture.id}>
            {fixture.home.name} – {fixture.away.name} <Home id={fixture.id} />
          </li>
        ))}
      </ul>
    </>
  );
}

createRoot(document.body.appendChild(document.createElement("main"))).render(
  <SportsEdgeProvider client={client}>
    <Board />
  </SportsEdgeProvider>,
);
