import type { Graph, Op } from '@q/ir';

/** One search for the clip bound of a value: as an input of one op (calibration.md 7.3, 7.4). Plain data. */
export interface Scan {
  /** The value whose threshold is looked for. */
  readonly tuned: string;
  /** The op whose result is compared, and its first result. */
  readonly evaluated: string;
  readonly result: string;
  /** The op's activation inputs: all of them are quantized with the candidate. */
  readonly inputs: readonly string[];
  /** The threshold that is kept when no candidate is better than the first. */
  readonly initial: number;
  /** Candidates: start + i * step for i = 0 .. steps. */
  readonly start: number;
  readonly step: number;
  readonly steps: number;
}

/** Where the scans of one value begin and end. */
export interface ScanRange {
  /** Threshold as a table with seven decimals says it. */
  readonly start: number;
  /** Absolute maximum, in full precision. */
  readonly limit: number;
}

/** How values are scanned. */
export interface ScanRules {
  readonly steps: number;
  /** Ranges that are not longer are not worth a scan. */
  readonly minDifference: number;
  /** Begin at a third of the threshold. */
  readonly findLower: boolean;
}

/** Which candidate of a scan wins (calibration.md 7.4). */
export type ScanChoice = 'least' | 'last-decrease';

/** A value that is tuned as an input of an op. */
export interface TunedInput {
  readonly op: Op;
  readonly tuned: string;
  /** The op's activation inputs. */
  readonly inputs: readonly string[];
}

/**
 * What is tuned where, in program order. Each op tunes those of its inputs that no earlier op has tuned, or, when there are
 * none, its first input once more.
 */
export function tunedInputs(graph: Graph): TunedInput[] {
  const visited = new Set<string>();
  return graph.ops.flatMap((op) => {
    const inputs = [...new Set(op.inputs)].filter((name): name is string => name !== null && graph.values.has(name));
    const [first] = inputs;
    if (first === undefined || op.outputs.every((name) => name === null)) return [];
    const fresh = inputs.filter((name) => !visited.has(name));
    const chosen = fresh.length > 0 ? fresh : [first];
    for (const name of chosen) visited.add(name);
    return chosen.map((tuned) => ({ op, tuned, inputs }));
  });
}

/** The scans in program order. */
export function planScans(graph: Graph, ranges: ReadonlyMap<string, ScanRange>, rules: ScanRules): Scan[] {
  return tunedInputs(graph).flatMap((place) => scanOf(place, ranges, rules) ?? []);
}

/** The scan of one value; undefined where its range is too short for one. */
export function scanOf(
  { op, tuned, inputs }: TunedInput,
  ranges: ReadonlyMap<string, ScanRange>,
  { findLower, minDifference, steps }: ScanRules,
): Scan | undefined {
  const { start: initial, limit } = ranges.get(tuned)!;
  const start = findLower ? initial / 3 : initial;
  if (!(limit - start > minDifference)) return undefined;
  const result = op.outputs.find((name) => name !== null)!;
  return { tuned, evaluated: op.name, result, inputs, initial, start, step: (limit - start) / steps, steps };
}

/** Clip bound of candidate i. */
export function candidateOf({ start, step }: Scan, i: number): number {
  return start + step * i;
}

/** A threshold and the distance that it leaves. */
export interface ScanRecord {
  readonly threshold: number;
  readonly distance: number;
}

/**
 * The candidate of least distance, the first one on ties; or, as until 2023, the last one that is nearer than the one before
 * it. The initial threshold where distances are no numbers.
 */
export function bestCandidate(scan: Scan, distances: Float64Array, choice: ScanChoice = 'least'): ScanRecord {
  let best = 0;
  for (let i = 1; i <= scan.steps; i++) {
    const before = choice === 'least' ? best : i - 1;
    if (distances[i]! < distances[before]!) best = i;
  }
  return { threshold: best === 0 ? scan.initial : candidateOf(scan, best), distance: distances[best]! };
}

/** A finer scan around the best candidate of another: half as many steps, its ends left out. */
export function refinedScan(scan: Scan, { threshold }: ScanRecord): Scan {
  const steps = Math.floor(scan.steps / 2);
  return { ...scan, initial: threshold, start: threshold - scan.step, step: (2 * scan.step) / steps, steps };
}

/** The best of a refined scan, where it beats what is known. */
export function refinedBest(scan: Scan, distances: Float64Array, known: ScanRecord): ScanRecord {
  let best = known;
  for (let i = 1; i < scan.steps; i++) {
    if (distances[i]! < best.distance) best = { threshold: candidateOf(scan, i), distance: distances[i]! };
  }
  return best;
}
