// How things stand with the server, in one line above every screen.
import { useConnection } from "@sports-edge/sdk/react";
import { StyleSheet, Text, View } from "react-native";
import { useColours } from "./look";

const WORDS = {
  idle: "Not watching",
  connecting: "Connecting…",
  live: "Live",
  polling: "Asking now and then",
  offline: "Offline: what is shown was last known",
  refused: "Refused: the key does not count",
};

export function Freshness() {
  const { state } = useConnection();
  const look = useColours();
  const wrong = state === "offline" || state === "refused";
  return (
    <View style={[styles.line, { backgroundColor: look.raised }]}>
      <Text testID="connection" accessibilityRole={wrong ? "alert" : "text"} accessibilityLiveRegion="polite" style={{ color: wrong ? look.warn : look.quiet }}>
        {WORDS[state]}
      </Text>
    </View>
  );
}

const styles = StyleSheet.create({ line: { paddingHorizontal: 16, paddingVertical: 6 } });
