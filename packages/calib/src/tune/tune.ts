import type { Dataset } from '@q/dataset';
import { type Emit, type Graph, inputsOf, typeOf } from '@q/ir';
import { createSession } from '@q/runtime';
import { samplesAhead } from '../sample-source.ts';
import { measureScans } from './measure-scans.ts';
import { bestCandidate, planScans, type Scan, type ScanRange } from './scan.ts';

export interface TuneJob {
  readonly graph: Graph;
  readonly dataset: Dataset;
  /** Samples to tune on. */
  readonly sampleCount: number;
  /** By value name. */
  readonly ranges: ReadonlyMap<string, ScanRange>;
  readonly steps: number;
  readonly emit: Emit;
}

/**
 * Raises thresholds where that brings the results of the ops that read them closer to the float ones (calibration.md 7).
 *
 * @returns the values whose thresholds are raised, with their new ones
 */
export async function tune(job: TuneJob): Promise<ReadonlyMap<string, number>> {
  const began = performance.now();
  const scans = planScans(job.graph, job.ranges, job.steps);
  const distances = await meanDistances(job, scans);
  const raised = new Map<string, number>();
  scans.forEach((scan, at) => {
    const best = bestCandidate(scan, distances[at]!);
    if (best > (raised.get(scan.tuned) ?? scan.start)) raised.set(scan.tuned, best);
  });
  job.emit({ type: 'line', text: `auto tune end, run time:${(performance.now() - began) / 1000}` });
  return raised;
}

/** How many samples `tuneNum` entries of the sample list make: images fill batches, arrays are samples (7.1). */
export function tuneSampleCount(graph: Graph, dataset: Dataset, tuneNum: number): number {
  const batch = typeOf(graph, inputsOf(graph)[0]!.name)!.shape[0]!;
  return Math.min(dataset.kind === 'image' ? Math.ceil(tuneNum / batch) : tuneNum, dataset.length);
}

/** Mean over the samples, summed in sample order. One sample's activations are held at a time. */
async function meanDistances({ graph, dataset, sampleCount, emit }: TuneJob, scans: readonly Scan[]): Promise<Float64Array[]> {
  const total = scans.map((scan) => new Float64Array(scan.steps + 1));
  if (scans.length === 0) return total;
  const opCount = new Set(scans.map((scan) => scan.evaluated)).size;
  const session = await createSession(graph, { retain: 'all', nonFinite: 'allow' });
  try {
    let done = 0;
    for await (const { feeds } of samplesAhead(dataset, sampleCount)) {
      session.run(feeds);
      const onOp = (opName: string): void =>
        emit({ type: 'progress', task: 'tune', done: ++done, total: opCount * sampleCount, label: `tune op: ${opName}` });
      measureScans(session, scans, onOp).forEach((distances, at) => {
        distances.forEach((value, i) => {
          total[at]![i]! += value;
        });
      });
    }
  } finally {
    session.dispose();
  }
  return total.map((sums) => sums.map((sum) => sum / sampleCount));
}
