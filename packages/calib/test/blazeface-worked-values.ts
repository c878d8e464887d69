import type { Dataset } from '@q/dataset';
import type { Graph } from '@q/ir';
import { createSession } from '@q/runtime';
import { expect } from 'vitest';
import type { Calibration } from '../src/index.ts';
import type { EraValue } from '../src/saved/saved-statistics.ts';
import { searchKl } from '../src/thresholds/kl-search.ts';
import { measureScans } from '../src/tune/measure-scans.ts';
import { bestCandidate, planScans, type Scan } from '../src/tune/scan.ts';

/** Of calibration.md 13.7: winner of the histogram search, threshold before tuning, absolute maximum, final threshold. */
const values = [
  ['80_Relu', 11, 4.1280932, 5.5014367, 4.1280932],
  ['87_Conv', 6, 8.5946512, 19.6353245, 9.6987185],
  ['89_Relu', 7, 10.9377766, 21.864872, 13.1231957],
  ['85_Pad', undefined, 6.4971356, 9.4457645, 9.4457645],
  ['84_Relu', undefined, 6.4971356, 9.4457645, 6.4971356],
] as const;

/** Tuned value, the op it is tuned for, the winning candidate, how the distances go, and some of them in units of 1e-4. */
const scans = [
  ['80_Relu', '81_Conv', 0, 'rising', { 0: 1.80226, 1: 1.81875, 2: 1.83567, 20: 2.30228 }],
  ['87_Conv', '89_Relu', 2, 'valley', { 0: 1.67326, 1: 1.63085, 2: 1.62969, 3: 1.66261, 20: 3.05859 }],
  ['89_Relu', '91_MaxPool', 4, 'valley', { 0: 2.68268, 1: 2.47129, 2: 2.32822, 3: 2.2424, 4: 2.21628, 5: 2.2167 }],
  ['89_Relu', '93_Conv', 0, 'rising', { 0: 1.5785 }],
  ['85_Pad', '89_Relu', 20, 'falling', { 0: 2.4791, 20: 1.6234 }],
] as const;

/** Of 80_Relu, by candidate. */
const workedDivergences = [
  0.553337, 0.17074, 0.069826, 0.02755, 0.014438, 0.007673, 0.004275, 0.002845, 0.002015, 0.001728, 0.001708, 0.001678,
  0.002313, 0.002068, 0.002137, 0.002117,
];

/** Relative differences that the order of float32 sums in inference makes; for distances, the specification's. */
const CLOSE = { threshold: 1e-6, distance: 1e-5, divergence: 2e-5 };

export function expectWorkedValues({ statistics, values: found }: Calibration): void {
  const collected = statistics!.values as ReadonlyMap<string, EraValue>;
  for (const [name, winner, untuned, absMax, threshold] of values) {
    const { counts, width } = collected.get(name)!.histogram!;
    if (winner !== undefined) expect(searchKl(counts, width).winner, name).toBe(winner);
    const ours = found.get(name)!;
    expectClose(ours.untuned, untuned, CLOSE.threshold, `${name} before tuning`);
    expectClose(ours.absMax, absMax, CLOSE.threshold, `${name} at most`);
    expectClose(ours.threshold, threshold, CLOSE.threshold, name);
  }
  const { counts, width } = collected.get('80_Relu')!.histogram!;
  // A value at the very end of its bin may change sides.
  [10450, 23214, 23182, 23794].forEach((count, bin) => {
    expect(Math.abs(counts[bin]! - count), `bin ${bin}`).toBeLessThanOrEqual(1);
  });
  expect(counts.reduce((sum, count) => sum + count)).toBe(5783988);
  const { divergences } = searchKl(counts, width);
  expect(divergences).toHaveLength(workedDivergences.length);
  workedDivergences.forEach((expected, i) => {
    const tolerance = 1e-6 + CLOSE.divergence * expected;
    expect(Math.abs(divergences[i]! - expected), `divergence ${i}: ${divergences[i]}`).toBeLessThan(tolerance);
  });
}

/** @param dataset the five samples of the tuner */
export async function expectWorkedScans(graph: Graph, dataset: Dataset, calibration: Calibration): Promise<void> {
  const ranges = new Map(
    [...calibration.values].map(([name, { untuned, absMax }]) => [
      name,
      { start: Number(untuned.toFixed(7)), limit: absMax },
    ]),
  );
  const planned = planScans(graph, ranges, { steps: 20, minDifference: 0.01, findLower: false });
  const wanted = scans.map(
    ([tuned, evaluated]) => planned.find((scan) => scan.tuned === tuned && scan.evaluated === evaluated)!,
  );
  const means = await meanDistances(graph, dataset, wanted);
  scans.forEach(([tuned, evaluated, winner, course, expected], at) => {
    const [scan, distances, where] = [wanted[at]!, means[at]!, `${tuned} for ${evaluated}`];
    for (const [i, distance] of Object.entries(expected)) {
      expectClose(distances[Number(i)]! * 1e4, distance, CLOSE.distance, `${where}, ${i}`);
    }
    expect(distances.indexOf(Math.min(...distances)), where).toBe(winner);
    expect(bestCandidate(scan, distances).threshold, where).toBe(scan.start + scan.step * winner);
    if (course === 'rising') expect([...distances], where).toEqual([...distances].toSorted((a, b) => a - b));
  });
}

async function meanDistances(graph: Graph, dataset: Dataset, wanted: readonly Scan[]): Promise<Float64Array[]> {
  expect(dataset.length).toBe(5);
  const session = await createSession(graph, { retain: 'all' });
  const means = wanted.map(({ steps }) => new Float64Array(steps + 1));
  for (let i = 0; i < dataset.length; i++) {
    session.run(await dataset.sample(i));
    measureScans(session, wanted, () => {}).forEach((distances, at) => {
      distances.forEach((distance, k) => {
        means[at]![k]! += distance / dataset.length;
      });
    });
  }
  session.dispose();
  return means;
}

function expectClose(found: number, expected: number, tolerance: number, where: string): void {
  expect(Math.abs(found / expected - 1), `${where}: ${found} for ${expected}`).toBeLessThan(tolerance);
}
