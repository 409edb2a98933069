// Whether somebody looks and whether there is a network, as React Native says it.
import type { Surroundings } from "../surroundings.js";

/** What is used of React Native's `AppState`. */
export interface AppStateLike {
  readonly currentState: string | null | undefined;
  addEventListener(type: "change", listener: (state: string) => void): { remove(): void };
}

/** What is used of `@react-native-community/netinfo`. */
export interface NetInfoLike {
  addEventListener(listener: (state: { isConnected: boolean | null }) => void): () => void;
}

/** An app on React Native. Without `netInfo` it counts as online until a request fails. */
export function native(appState: AppStateLike, netInfo?: NetInfoLike): Surroundings {
  let connected = true;
  return {
    online: () => connected,
    visible: () => appState.currentState !== "background",
    subscribe(changed) {
      const app = appState.addEventListener("change", changed);
      const net = netInfo?.addEventListener((state) => {
        connected = state.isConnected !== false;
        changed();
      });
      return () => {
        app.remove();
        net?.();
      };
    },
  };
}
