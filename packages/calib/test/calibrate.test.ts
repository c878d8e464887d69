import type { Dataset } from '@q/dataset';
import { type Graph, printCalibrationTable, type QEvent } from '@q/ir';
import { createSession } from '@q/runtime';
import { describe, expect, it } from 'vitest';
import { type CalibrationOptions, calibrate } from '../src/index.ts';
import { observedValues } from '../src/observed-values.ts';
import { methodTable } from '../src/thresholds/method-table.ts';
import { randomDataset, smallNetwork } from './small-network.ts';
import { statisticsOf } from './statistics-of.ts';

const graph = smallNetwork();
const dataset = randomDataset(6);

/** What every value is in every sample, straight from inference. */
async function activations(): Promise<Map<string, Float32Array[]>> {
  const session = await createSession(graph, { retain: 'all' });
  const all = new Map<string, Float32Array[]>([...graph.values.keys()].map((name) => [name, []]));
  for (let i = 0; i < dataset.length; i++) {
    session.run(await dataset.sample(i));
    for (const [name, samples] of all) samples.push(session.read(name) as Float32Array);
  }
  return all;
}

describe('calibrate', () => {
  it('gives every value what the method says about its activations', async () => {
    const values = await activations();
    for (const method of ['kl', 'max', 'mse', 'percentile9999'] as const) {
      const calibration = await calibrate(graph, dataset, { method, tuneNum: 0 });
      expect([...calibration.values.keys()]).toEqual(['x', 'c1', 'c2', 'sum', 'flat', 'out']);
      // Neither an input nor among the last five, which `mse` treats in their own way.
      const opIndex = method === 'mse' ? 0 : 2;
      const name = method === 'mse' ? 'x' : 'c2';
      const statistics = statisticsOf(values.get(name)!, method, { opIndex, opCount: 6 });
      const expected = method === 'mse' ? { threshold: statistics.absMax } : methodTable[method].choose(statistics);
      expect(calibration.values.get(name)).toMatchObject(expected);
    }
  });

  it('keeps the full range of inputs and of trailing outputs with mse and aciq', async () => {
    for (const method of ['mse', 'aciq_laplace'] as const) {
      const { values } = await calibrate(graph, dataset, { method });
      // So few samples that each upper quantile is the maximum: the guard runs from `out`, a MatMul, and stops there.
      for (const name of ['x', 'out']) expect(values.get(name)!.threshold).toBe(values.get(name)!.absMax);
      if (method === 'mse') expect(values.get('c2')!.threshold).toBeLessThan(values.get('c2')!.absMax);
    }
  });

  it('writes the header of the era, and the tune number', async () => {
    const header = { time: '2026-01-02 03:04:05.000006', version: 'v1.9', mlirFile: 'small.mlir' };
    const lines = async (options: CalibrationOptions) =>
      printCalibrationTable((await calibrate(graph, dataset, { ...options, header })).table)
        .split('\n')
        .slice(0, 8);
    expect(await lines({ method: 'max' })).toEqual([
      '# mlir version: v1.9',
      '# mlir: small.mlir',
      '# genetated time: 2026-01-02 03:04:05.000006',
      '# histogram number: 2048',
      '# sample number: 6',
      '# tune number: 5',
      '###',
      '# op_name    threshold    min    max',
    ]);
    expect((await lines({ method: 'max', profile: '2023', tuneNum: 0, inputNum: 4 })).slice(0, 5)).toEqual([
      '# genetated time: 2026-01-02 03:04:05.000006',
      '# histogram number: 2048',
      '# sample number: 4',
      '###',
      '# op_name    threshold    min    max',
    ]);
  });

  it('tells its progress in the captions of the original', async () => {
    const events: QEvent[] = [];
    await calibrate(graph, dataset, { histogramBins: 256, emit: (event) => events.push(event) });
    const lines = events.flatMap((event) => (event.type === 'line' ? [event.text] : []));
    expect(lines.slice(0, 2)).toEqual(['input_num = 6, ref = 6', 'real input_num = 6']);
    expect(lines[2]).toMatch(/^auto tune end, run time:\d/);
    const labels = events.flatMap((event) => (event.type === 'progress' ? [event.label] : []));
    expect(labels).toContain('activation_collect_and_calc_th for sample: 5');
    expect(labels).toContain('[256] threshold: c2');
    expect(labels).toContain('tune op: c1');
  });

  it('raises thresholds only, never above the maximum', async () => {
    const tuned = await calibrate(graph, dataset, { tuneNum: 5, histogramBins: 256 });
    const plain = await calibrate(graph, dataset, { tuneNum: 0, histogramBins: 256 });
    let raised = 0;
    for (const [name, { threshold, untuned, absMax }] of tuned.values) {
      expect(untuned).toBe(plain.values.get(name)!.threshold);
      expect(threshold).toBeGreaterThanOrEqual(Number(untuned.toFixed(7)) - 1e-7);
      expect(threshold).toBeLessThanOrEqual(absMax * (1 + 1e-6));
      if (threshold > untuned) raised++;
    }
    expect(raised).toBeGreaterThan(0);
    expect(tuned.values.get('out')!.threshold).toBe(plain.values.get('out')!.threshold);
  });

  it('says so when a layer is all zeros', async () => {
    const zeros: Dataset = { ...dataset, sample: async () => new Map([['x', new Float32Array(3 * 12 * 12)]]) };
    const lines: string[] = [];
    const emit = (event: QEvent): void => void (event.type === 'line' && lines.push(event.text));
    const { table } = await calibrate(graph, zeros, { emit });
    expect(table.rows.get('x')).toEqual({ threshold: 1e-5, min: 0, max: 1e-5 });
    expect(lines).toContain('WARNING: layer x is all zeros. Please check the input data correctness.');
    expect(lines).toContain('WARNING: layer out threshold is zero. Please check the input data correctness.');
  });

  it('explains the threshold of mse when a sample is all zeros', async () => {
    const once: Dataset = {
      ...dataset,
      sample: async (i) => (i === 3 ? new Map([['x', new Float32Array(3 * 12 * 12)]]) : dataset.sample(i)),
    };
    const events: QEvent[] = [];
    const { table } = await calibrate(graph, once, { method: 'mse', emit: (event) => events.push(event) });
    expect(table.rows.get('c1')!.threshold).toBe(1e-5);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'warning', code: 'calib.mse.zero-sample', where: 'c1' }),
    );
  });
});

describe('refusals', () => {
  const refused = (options: object, on: Graph = graph) =>
    expect(calibrate(on, dataset, options as CalibrationOptions)).rejects;

  it('of options that this version does not compute', async () => {
    await refused({ profile: '1999' }).toMatchObject({ code: 'calib.profile', found: '1999' });
    await refused({ method: 'entropy' }).toMatchObject({ code: 'calib.option', where: 'method' });
    await refused({ method: 'mse', profile: '2023' }).toMatchObject({
      code: 'calib.option',
      expected: 'kl, max, percentile9999, torch_observer',
    });
    await refused({ histogramBins: 1.5 }).toMatchObject({ code: 'calib.option', where: 'histogramBins' });
    await refused({ workers: 0 }).toMatchObject({ code: 'calib.option', where: 'workers' });
    await refused({ tuneNum: -1 }).toMatchObject({ code: 'calib.option', where: 'tuneNum' });
  });

  it('of lowered networks', async () => {
    await refused({}, { ...graph, state: 'TPU_LOWERED' }).toMatchObject({ code: 'calib.graph', found: 'TPU_LOWERED' });
  });
});

describe('observedValues (calibration.md 4)', () => {
  it('leaves out results that nothing reads, but only beside results that are read', () => {
    const split = (outputs: readonly string[], reader: string) =>
      observedValues({
        ...graph,
        ops: [
          { ...graph.ops[0]!, outputs },
          { ...graph.ops[1]!, inputs: [reader] },
        ] as Graph['ops'],
        values: new Map(['x', 'y', 'z', 'c1'].map((name) => [name, { shape: [2], dtype: 'f32' }])),
        outputs: ['c1'],
      }).values.map(({ name }) => name);
    expect(split(['x', 'y', 'z'], 'y')).toEqual(['y', 'c1']);
    expect(split(['x', 'y'], 'elsewhere')).toEqual(['x', 'y', 'c1']);
  });
});
