import type { Graph } from '@q/ir';

/** One search for the clip bound of a value: as an input of one op (calibration.md 7.3, 7.4). Plain data. */
export interface Scan {
  /** The value whose threshold is looked for. */
  readonly tuned: string;
  /** The op whose result is compared, and its first result. */
  readonly evaluated: string;
  readonly result: string;
  /** The op's activation inputs: all of them are quantized with the candidate. */
  readonly inputs: readonly string[];
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

/** Ranges shorter than this are not worth a scan. */
const MIN_TUNED_DIFFERENCE = 0.01;

/**
 * The scans in program order. Each op tunes those of its inputs that no earlier op has tuned, or, when there are none,
 * its first input once more.
 */
export function planScans(graph: Graph, ranges: ReadonlyMap<string, ScanRange>, steps: number): Scan[] {
  const visited = new Set<string>();
  return graph.ops.flatMap((op) => {
    const inputs = [...new Set(op.inputs)].filter((name): name is string => name !== null && graph.values.has(name));
    const [first] = inputs;
    const result = op.outputs.find((name) => name !== null);
    if (first === undefined || result == null) return [];
    const fresh = inputs.filter((name) => !visited.has(name));
    const chosen = fresh.length > 0 ? fresh : [first];
    for (const name of chosen) visited.add(name);
    return chosen.flatMap((tuned): Scan[] => {
      const { start, limit } = ranges.get(tuned)!;
      if (!(limit - start > MIN_TUNED_DIFFERENCE)) return [];
      return [{ tuned, evaluated: op.name, result, inputs, start, step: (limit - start) / steps, steps }];
    });
  });
}

/** Clip bound of candidate i. */
export function candidateOf({ start, step }: Scan, i: number): number {
  return start + step * i;
}

/** The candidate of least distance, the first one on ties; the start where distances are no numbers. */
export function bestCandidate(scan: Scan, distances: Float64Array): number {
  let best = 0;
  for (let i = 1; i <= scan.steps; i++) if (distances[i]! < distances[best]!) best = i;
  return candidateOf(scan, best);
}
