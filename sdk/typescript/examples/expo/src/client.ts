// The app's one client: what is known outlives the app in AsyncStorage, and a phone in a pocket asks
// for nothing.
import AsyncStorage from "@react-native-async-storage/async-storage";
import NetInfo from "@react-native-community/netinfo";
import { createClient } from "@sports-edge/sdk";
import { asyncStorage, deviceCache, native } from "@sports-edge/sdk/device";
import { AppState } from "react-native";

/** Where the server is, as the phone reaches it; Expo puts `EXPO_PUBLIC_…` of `.env` in. */
const baseUrl = process.env.EXPO_PUBLIC_SPORTS_EDGE_URL ?? "http://127.0.0.1:8080";

// With react-native-mmkv: `driver: mmkv(createMMKV())`.
export const client = createClient({
  baseUrl,
  device: deviceCache({ driver: asyncStorage(AsyncStorage) }),
  surroundings: native(AppState, NetInfo),
});
