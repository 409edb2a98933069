// Who wins, as lengths: a bar of one moment, and columns of many.
import type { Point } from "@sports-edge/sdk/react";
import { StyleSheet, View } from "react-native";
import { useColours } from "./look";
import { outcomes, percent } from "./words";

const inWords = (probabilities: readonly number[]) =>
  outcomes(probabilities)
    .map(({ outcome, probability }) => `${outcome} ${percent(probability)}`)
    .join(", ");

/** One moment, from left to right. */
export function Bar({ probabilities }: { probabilities: readonly number[] }) {
  const look = useColours();
  return (
    <View accessible accessibilityRole="image" accessibilityLabel={inWords(probabilities)} style={styles.bar}>
      {outcomes(probabilities).map(({ outcome, probability }) => (
        <View key={outcome} style={{ flex: probability, backgroundColor: look[outcome] }} />
      ))}
    </View>
  );
}

/** Many moments from left to right, home at the foot of each. */
export function Columns({ points }: { points: readonly Point[] }) {
  const look = useColours();
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return null;
  const label = `Win probability over ${points.length} moments: at first ${inWords(first.probabilities)}; at last ${inWords(last.probabilities)}`;
  return (
    <View accessible accessibilityRole="image" accessibilityLabel={label} style={styles.columns}>
      {points.map(({ at, probabilities }) => (
        <View key={at} style={styles.column}>
          {outcomes(probabilities).map(({ outcome, probability }) => (
            <View key={outcome} style={{ flex: probability, backgroundColor: look[outcome] }} />
          ))}
        </View>
      ))}
    </View>
  );
}

const styles = StyleSheet.create({
  bar: { flexDirection: "row", height: 8, borderRadius: 4, overflow: "hidden" },
  columns: { flexDirection: "row", height: 120, gap: 1 },
  column: { flex: 1, flexDirection: "column-reverse" },
});
