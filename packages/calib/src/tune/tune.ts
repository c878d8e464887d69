import type { Dataset } from '@q/dataset';
import { type Emit, type Graph, inputsOf, typeOf } from '@q/ir';
import { createSession } from '@q/runtime';
import { samplesAhead } from '../sample-source.ts';
import { measureScans } from './measure-scans.ts';
import {
  bestCandidate,
  planScans,
  refinedBest,
  refinedScan,
  type Scan,
  type ScanChoice,
  type ScanRange,
  type ScanRules,
} from './scan.ts';

export interface TuneJob {
  readonly graph: Graph;
  readonly dataset: Dataset;
  /** Samples to tune on. */
  readonly sampleCount: number;
  /** By value name. */
  readonly ranges: ReadonlyMap<string, ScanRange>;
  readonly rules: ScanRules;
  readonly choice: ScanChoice;
  readonly emit: Emit;
}

/** Measures the scans on every sample: distances by sample, scan and candidate. */
export type MeasureScans = (job: TuneJob, scans: readonly Scan[]) => Promise<(readonly Float64Array[])[]>;

/**
 * Raises thresholds where that brings the results of the ops that read them closer to the float ones (calibration.md 7).
 *
 * @returns the values whose thresholds are raised, with their new ones
 */
export async function tune(job: TuneJob, measure: MeasureScans = measureHere): Promise<ReadonlyMap<string, number>> {
  const scans = planScans(job.graph, job.ranges, job.rules);
  let records = (await distancesOf(scans)).map((distances, at) => bestCandidate(scans[at]!, distances, job.choice));
  if (job.rules.findLower) {
    const finer = scans.map((scan, at) => refinedScan(scan, records[at]!));
    records = (await distancesOf(finer)).map((distances, at) => refinedBest(finer[at]!, distances, records[at]!));
  }
  const raised = new Map<string, number>();
  scans.forEach(({ tuned, initial }, at) => {
    const { threshold } = records[at]!;
    if (threshold > (raised.get(tuned) ?? initial)) raised.set(tuned, threshold);
  });
  return raised;

  /** Mean over the samples, per scan and candidate. */
  async function distancesOf(all: readonly Scan[]): Promise<Float64Array[]> {
    const samples = all.length === 0 ? [] : await measure(job, all);
    return all.map((_, at) => meanOver(samples.map((distances) => distances[at]!)));
  }
}

/**
 * How many samples `tuneNum` entries of the sample list make: images fill batches, arrays are samples (7.1).
 *
 * @param available samples that may be used
 */
export function tuneSampleCount(graph: Graph, kind: Dataset['kind'], tuneNum: number, available: number): number {
  const batch = typeOf(graph, inputsOf(graph)[0]!.name)!.shape[0]!;
  return Math.min(kind === 'image' ? Math.ceil(tuneNum / batch) : tuneNum, available);
}

/** Mean over the samples, summed in sample order. */
function meanOver(samples: readonly Float64Array[]): Float64Array {
  return samples[0]!.map((_, i) => samples.reduce((sum, distances) => sum + distances[i]!, 0) / samples.length);
}

/** On this thread: one sample's activations are held at a time. */
async function measureHere(
  { graph, dataset, sampleCount, emit }: TuneJob,
  scans: readonly Scan[],
): Promise<Float64Array[][]> {
  const opCount = evaluatedOps(scans);
  const measured: Float64Array[][] = [];
  const session = await createSession(graph, { retain: 'all', nonFinite: 'allow' });
  let done = 0;
  try {
    for await (const { feeds } of samplesAhead(dataset, sampleCount)) {
      session.run(feeds);
      measured.push(
        measureScans(session, scans, (opName) => reportTuning(emit, opName, ++done, opCount * sampleCount)),
      );
    }
  } finally {
    session.dispose();
  }
  return measured;
}

export function evaluatedOps(scans: readonly Scan[]): number {
  return new Set(scans.map((scan) => scan.evaluated)).size;
}

/** Progress with the caption of the original (calibration.md 2.4). */
export function reportTuning(emit: Emit, opName: string, done: number, total: number): void {
  emit({ type: 'progress', task: 'tune', done, total, label: `tune op: ${opName}` });
}
