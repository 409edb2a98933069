// The core: `@sports-edge/sdk`. Client, typed calls, what is kept in memory, the live feed.
export { board, edges, fixture, key, prediction, type Answer, type Args, type CallOptions, type Key, type PathOf, type Query, type Schemas, type Verb, type Where } from "./api.js";
export { Client, createClient, type ClientOptions, type Dehydrated, type LoadOptions } from "./client.js";
export type { Connection, State } from "./connection.js";
export { SHAPE, type ProblemSlug } from "./facts.gen.js";
export { Problem, SportsEdgeError, type Failure } from "./problem.js";
export { supersedes, type Entry, type Source } from "./store.js";
export { page, type Surroundings } from "./surroundings.js";
export type { paths, components } from "./schema.gen.js";
