// The board: a tile for each game, which draws again only when something of its own game changed.
import { board, type Schemas } from "@sports-edge/sdk";
import { useBoard, useClient } from "@sports-edge/sdk/react";
import { memo, useState } from "react";
import { FlatList, Pressable, StyleSheet, Text, View } from "react-native";
import { Bar } from "./Bar";
import { useColours } from "./look";
import { names, percent, standing } from "./words";

type Row = Schemas["BoardRow"];

const QUERY = { limit: 30 };

export function BoardScreen({ open }: { open: (id: number) => void }) {
  const client = useClient();
  const look = useColours();
  const { data, error, stale, doubt } = useBoard(QUERY);
  const [pulled, setPulled] = useState(false);
  const refresh = () => {
    setPulled(true);
    // Whether it failed is said by the hook.
    void client.load(board(QUERY), { maxAgeMs: 0 }).catch(() => undefined).finally(() => setPulled(false));
  };
  const empty = error ? `The board cannot be had: ${error instanceof Error ? error.message : String(error)}` : data ? "No games are known yet." : "Fetching the board…";
  return (
    <FlatList
      data={data?.data ?? []}
      keyExtractor={({ fixture }) => String(fixture.id)}
      renderItem={({ item }) => <Tile row={item} open={open} />}
      ListHeaderComponent={stale ? <Text testID="stale" style={[styles.note, { color: look.warn }]}>Old: {doubt ?? "not refreshed lately"}</Text> : undefined}
      ListEmptyComponent={<Text style={[styles.note, { color: error ? look.warn : look.quiet }]}>{empty}</Text>}
      style={{ opacity: stale ? 0.6 : 1 }}
      refreshing={pulled}
      onRefresh={refresh}
    />
  );
}

/** One game. Rows that did not change stay the same objects, so that most tiles are left alone. */
const Tile = memo(function Tile({ row, open }: { row: Row; open: (id: number) => void }) {
  const look = useColours();
  const { fixture, prediction, edge, play } = row;
  const home = prediction?.probabilities[0];
  return (
    <Pressable
      testID={`tile-${fixture.id}`}
      accessibilityRole="button"
      accessibilityLabel={`${names(fixture)}, ${standing(row)}, home ${percent(home)}`}
      onPress={() => open(fixture.id)}
      style={[styles.tile, { backgroundColor: look.raised }]}
    >
      <View style={styles.between}>
        <Text style={[styles.names, { color: look.text }]}>{names(fixture)}</Text>
        <Text testID={`home-${fixture.id}`} style={[styles.number, { color: look.text }]}>{percent(home)}</Text>
      </View>
      {prediction ? <Bar probabilities={prediction.probabilities} /> : null}
      <View style={styles.between}>
        <Text style={{ color: look.quiet }}>{standing(row)}</Text>
        {play?.stale ? <Text style={{ color: look.warn }}>source silent</Text> : edge ? <Text style={{ color: look.home }}>edge {percent(edge.expected_value)}</Text> : null}
      </View>
    </Pressable>
  );
});

const styles = StyleSheet.create({
  note: { padding: 16 },
  tile: { marginHorizontal: 12, marginTop: 8, padding: 12, borderRadius: 8, gap: 8, minHeight: 88 },
  between: { flexDirection: "row", justifyContent: "space-between", gap: 12 },
  names: { flexShrink: 1, fontWeight: "600" },
  number: { fontVariant: ["tabular-nums"], fontWeight: "600" },
});
