import { createSession } from '@q/runtime';
import { describe, expect, it } from 'vitest';
import { calibrate } from '../src/index.ts';
import { measureScans } from '../src/tune/measure-scans.ts';
import { bestCandidate, candidateOf, planScans, refinedBest, refinedScan, type ScanRange } from '../src/tune/scan.ts';
import { tuneSampleCount } from '../src/tune/tune.ts';
import { channelWorker } from './channel-worker.ts';
import { randomDataset, smallNetwork } from './small-network.ts';
import { kernels } from './statistics-of.ts';

const graph = smallNetwork();
const rules = (steps: number) => ({ steps, minDifference: 0.01, findLower: false });
const wide = new Map<string, ScanRange>(
  ['x', 'c1', 'c2', 'sum', 'flat', 'out'].map((name) => [name, { start: 1, limit: 2 }]),
);

describe('the tuner (calibration.md 7)', () => {
  it('fake-quantizes as the specification computes it (13.6)', () => {
    const pointer = kernels.arena.place(Float32Array.of(0.05, -1.3, 2.0, 0.985, -2.4));
    kernels.exports.fakequant_symmetric(pointer, pointer, 5, Math.fround(127 / 1.9));
    const expected = [0.04488189, -1.3015748, 1.9, 0.98740157, -1.91496063];
    kernels.arena.f32(pointer, 5).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6);
    });
  });

  it('tunes the inputs that no earlier op tuned, else the first one again', () => {
    const scans = planScans(graph, wide, rules(21)).map(
      ({ evaluated, tuned, inputs }) => `${evaluated}(${inputs}): ${tuned}`,
    );
    // `sum` reads c1 (tuned for c2) and c2 (new); `flat` and `out` have one input each; nothing reads `out`.
    expect(scans).toEqual(['c1(x): x', 'c2(c1): c1', 'sum(c1,c2): c2', 'flat(sum): sum', 'out(flat): flat']);
    const again = { ...graph, ops: [...graph.ops, { ...graph.ops[3]!, name: 'sum2', outputs: ['sum2'] }] };
    expect(planScans(again, wide, rules(21)).at(-1)).toMatchObject({ evaluated: 'sum2', tuned: 'c1' });
  });

  it('leaves out ranges of a hundredth or less, and thresholds that are no numbers', () => {
    const of = (start: number, limit: number) =>
      planScans(graph, new Map([...wide, ['x', { start, limit }]]), rules(20)).filter(({ tuned }) => tuned === 'x');
    expect(of(1, 1.0099)).toHaveLength(0);
    expect(of(1, 0.5)).toHaveLength(0);
    expect(of(Number.NaN, 1)).toHaveLength(0);
    const [scan] = of(1, 1.5);
    expect(scan).toMatchObject({ start: 1, steps: 20, step: 0.025 });
    expect(candidateOf(scan!, 20)).toBeCloseTo(1.5, 12);
  });

  it('counts images in batches and arrays as samples', () => {
    const batched = (batch: number) => ({
      ...graph,
      values: new Map([['x', { shape: [batch, 3], dtype: 'f32' as const }]]),
    });
    expect(tuneSampleCount(batched(1), 'image', 5, 100)).toBe(5);
    expect(tuneSampleCount(batched(4), 'image', 5, 100)).toBe(2);
    expect(tuneSampleCount(batched(4), 'npz', 5, 100)).toBe(5);
    expect(tuneSampleCount(batched(1), 'image', 5, 3)).toBe(3);
  });

  it('takes the first of equal distances, and the start where they are no numbers', () => {
    const scan = planScans(graph, wide, rules(4))[0]!;
    expect(bestCandidate(scan, Float64Array.of(3, 2, 1, 1, 5)).threshold).toBe(1.5);
    expect(bestCandidate(scan, new Float64Array(5).fill(Number.NaN)).threshold).toBe(1);
  });

  it('took the last candidate that is nearer than its predecessor until 2023', () => {
    const scan = planScans(graph, wide, rules(4))[0]!;
    expect(bestCandidate(scan, Float64Array.of(3, 1, 2, 1.5, 4), 'last-decrease').threshold).toBe(1.75);
    expect(bestCandidate(scan, Float64Array.of(1, 2, 3, 4, 5), 'last-decrease').threshold).toBe(1);
  });

  it('begins at a third with find_lower_th, and refines around the best', () => {
    const [scan] = planScans(graph, wide, { ...rules(4), findLower: true });
    expect(scan).toMatchObject({ initial: 1, start: 1 / 3, steps: 4 });
    const record = bestCandidate(scan!, Float64Array.of(5, 4, 1, 2, 3));
    expect(record.threshold).toBeCloseTo(1 / 3 + (2 * 5) / 12, 12);
    const finer = refinedScan(scan!, record);
    expect(finer.steps).toBe(2);
    expect(candidateOf(finer, 1)).toBeCloseTo(record.threshold, 12);
    expect(refinedBest(finer, Float64Array.of(0, 2, 0), record)).toBe(record);
    expect(refinedBest(finer, Float64Array.of(9, 0.5, 9), record).distance).toBe(0.5);
  });

  it('measures what fake quantization of all inputs does to the result', async () => {
    const session = await createSession(graph, { retain: 'all' });
    session.run(await randomDataset(1).sample(0));
    const scans = planScans(graph, wide, rules(3)).filter(({ evaluated }) => evaluated === 'sum');
    const [distances] = measureScans(session, scans, () => {});
    const read = (name: string) => session.read(name) as Float32Array;
    const [c1, c2, sum] = [read('c1'), read('c2'), read('sum')];
    const expected = [0, 1, 2, 3].map((i) => {
      const factor = Math.fround(127 / (1 + i / 3));
      const fake = (v: number) =>
        Math.fround(Math.min(127, Math.max(-128, roundHalfEven(Math.fround(v * factor)))) / factor);
      let squares = 0;
      let magnitudes = 0;
      for (let k = 0; k < sum.length; k++) {
        squares += (sum[k]! - Math.max(0, fake(c1[k]!) + fake(c2[k]!))) ** 2;
        magnitudes += Math.abs(sum[k]!);
      }
      return Math.sqrt(squares) / magnitudes;
    });
    distances!.forEach((distance, i) => {
      expect(Math.abs(distance / expected[i]! - 1)).toBeLessThan(1e-5);
    });
    session.dispose();
  });
});

function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

describe('the tuner alone', () => {
  const small = smallNetwork();
  const samples = randomDataset(6);
  const options = { histogramBins: 256 } as const;

  it('raises the thresholds of a given table as it raises those of statistics', async () => {
    const { table: untuned } = await calibrate(small, samples, { ...options, tuneNum: 0 });
    const { table: tuned } = await calibrate(small, samples, options);
    const { table: again } = await calibrate(small, samples, { ...options, startTable: untuned });
    expect([...again.rows.keys()]).toEqual([...tuned.rows.keys()]);
    for (const [name, { threshold, min, max }] of tuned.rows) {
      const row = again.rows.get(name)!;
      expect(row.threshold).toBeCloseTo(threshold, 5);
      expect([row.min, row.max].map((value) => value.toFixed(6))).toEqual([min, max].map((value) => value.toFixed(6)));
    }
    const raised = [...tuned.rows].filter(([name, row]) => row.threshold > untuned.rows.get(name)!.threshold + 1e-6);
    expect(raised.length).toBeGreaterThan(0);
  });

  it('refuses a table that lacks layers', async () => {
    const { table } = await calibrate(small, samples, { ...options, tuneNum: 0 });
    const rows = new Map([...table.rows].filter(([name]) => name !== 'c2'));
    await expect(calibrate(small, samples, { startTable: { ...table, rows } })).rejects.toMatchObject({
      code: 'calib.start-table',
      where: 'c2',
    });
  });

  it('on accumulated codes raises only, with any number of workers', async () => {
    const other = await calibrate(small, samples, { ...options, tuner: { accumulate: true } });
    const shared = await calibrate(small, samples, {
      ...options,
      tuner: { accumulate: true },
      workers: 2,
      spawnWorker: channelWorker,
    });
    expect(shared.values).toEqual(other.values);
    for (const { threshold, untuned, absMax } of other.values.values()) {
      expect(threshold).toBeGreaterThanOrEqual(Number(untuned.toFixed(7)) - 1e-7);
      expect(threshold).toBeLessThanOrEqual(absMax * (1 + 1e-6));
    }
  });
});
