// The app: one client for its whole life, and which of two screens is shown.
import { SportsEdgeProvider } from "@sports-edge/sdk/react";
import { useEffect, useState } from "react";
import { BackHandler, Platform, useColorScheme } from "react-native";
import { SafeAreaProvider, SafeAreaView } from "react-native-safe-area-context";
import { BoardScreen } from "./src/BoardScreen";
import { client } from "./src/client";
import { FixtureScreen } from "./src/FixtureScreen";
import { Freshness } from "./src/Freshness";
import { colours, Colours } from "./src/look";

export default function App() {
  const [shown, show] = useState<number>();
  const look = colours(useColorScheme() === "dark");
  useEffect(() => {
    // Android's own way back; a browser has none that an app may take.
    if (Platform.OS === "web") return;
    const handler = BackHandler.addEventListener("hardwareBackPress", () => {
      show(undefined);
      return shown !== undefined;
    });
    return () => handler.remove();
  }, [shown]);
  return (
    <SportsEdgeProvider client={client}>
      <Colours.Provider value={look}>
        <SafeAreaProvider>
          <SafeAreaView style={{ flex: 1, backgroundColor: look.ground }}>
            <Freshness />
            {shown === undefined ? <BoardScreen open={show} /> : <FixtureScreen id={shown} back={() => show(undefined)} />}
          </SafeAreaView>
        </SafeAreaProvider>
      </Colours.Provider>
    </SportsEdgeProvider>
  );
}
