// The feed's ways by name: `@sports-edge/sdk/live`, for those who choose among them.
export { WAYS } from "./live/feed.js";
export type { Ask, Change, Frame } from "./live/frames.js";
export type { Way } from "./live/ladder.js";
export { poll, sse, ws, type Rung } from "./live/rungs.js";
export { afterFrame, afterPaint, Latency, type LatencyAnswer } from "./live/latency.js";
