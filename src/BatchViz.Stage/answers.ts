/** What the server recomputes or has measured and answers in JSON (docs/wire-format.md). */
import type { Refusal, UnderWay } from "./contracts.ts";

export type { Boundary, Example, Examples, Keyframes, Line, Points, ProbePoint, Probes, UnderWay } from "./contracts.ts";

export type Answer<T> = T | UnderWay | Refusal;
