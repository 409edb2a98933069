// Colours of the light and the dark theme; text on each ground has a contrast of 4.5 to 1 or more.
import { createContext, useContext } from "react";

const LIGHT = { ground: "#ffffff", raised: "#f2f4f7", text: "#14181f", quiet: "#556070", home: "#1668c7", draw: "#9aa4b2", away: "#b4530a", warn: "#8a1c1c" };
const DARK: typeof LIGHT = { ground: "#0f1318", raised: "#1a2029", text: "#eef1f5", quiet: "#a3adba", home: "#6cb2ff", draw: "#6b7684", away: "#ffab66", warn: "#ff9c9c" };

export const colours = (dark: boolean) => (dark ? DARK : LIGHT);
export const Colours = createContext(LIGHT);
export const useColours = () => useContext(Colours);
