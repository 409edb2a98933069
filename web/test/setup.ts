// uPlot asks for the density of the screen when it is loaded; jsdom has none.
import { vi } from "vitest";

vi.stubGlobal("matchMedia", () => ({ addEventListener() {}, removeEventListener() {} }));
