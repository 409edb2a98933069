// One game: where it stands, who wins, how that has moved, and how old all of it is.
import { prediction } from "@sports-edge/sdk";
import { useFixture, useFreshness, usePrediction, useWinProbability } from "@sports-edge/sdk/react";
import { Pressable, ScrollView, StyleSheet, Text, View } from "react-native";
import { Bar, Columns } from "./Bar";
import { useColours } from "./look";
import { ago, names, outcomes, percent, standing, winners } from "./words";

export function FixtureScreen({ id, back }: { id: number; back: () => void }) {
  const look = useColours();
  const fixture = useFixture(id).data;
  const { data, error, source } = usePrediction(id);
  const line = useWinProbability(id);
  const known = data && winners(data);
  const quiet = { color: look.quiet };
  return (
    <ScrollView contentContainerStyle={styles.page}>
      <Pressable accessibilityRole="button" onPress={back} style={styles.back}>
        <Text style={{ color: look.home }}>‹ Board</Text>
      </Pressable>
      {fixture ? <Text accessibilityRole="header" style={[styles.title, { color: look.text }]}>{names(fixture)}</Text> : <Text style={quiet}>Fetching the game…</Text>}
      {fixture ? <Text style={quiet}>{standing({ fixture, play: data?.play ?? null })}</Text> : null}
      {known ? (
        <>
          <Bar probabilities={known} />
          <View style={styles.between}>
            {outcomes(known).map(({ outcome, probability }) => (
              <Text key={outcome} testID={`probability-${outcome}`} style={[styles.number, { color: look.text }]}>
                {outcome} {percent(probability)}
              </Text>
            ))}
          </View>
          <Age id={id} source={source} />
        </>
      ) : error ? (
        <Text accessibilityRole="alert" style={{ color: look.warn }}>No prediction: {error instanceof Error ? error.message : String(error)}</Text>
      ) : (
        <Text style={quiet}>Fetching the prediction…</Text>
      )}
      {line.data && line.data.length > 1 ? <Columns points={line.data} /> : null}
    </ScrollView>
  );
}

/** The age of what is shown, told anew each second, and why it is not to be trusted where it is not. */
function Age({ id, source }: { id: number; source: string | undefined }) {
  const look = useColours();
  const { age, stale, doubt } = useFreshness(prediction(id));
  if (age === undefined) return null;
  return (
    <Text testID="age" style={{ color: stale ? look.warn : look.quiet }}>
      {stale ? `Old (${doubt ?? "not refreshed lately"}): ` : ""}known {ago(age)} ago, from {source}
    </Text>
  );
}

const styles = StyleSheet.create({
  page: { padding: 16, gap: 12 },
  back: { minHeight: 44, justifyContent: "center", alignSelf: "flex-start" },
  title: { fontSize: 22, fontWeight: "700" },
  between: { flexDirection: "row", justifyContent: "space-between" },
  number: { fontVariant: ["tabular-nums"], fontWeight: "600" },
});
