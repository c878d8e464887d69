import type { Graph } from '@q/ir';
import { preferKernels } from '@q/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import {
  calibrate,
  decodeStatistics,
  encodeStatistics,
  mergeSavedStatistics,
  type ProfileName,
  type SavedStatistics,
} from '../src/index.ts';
import { randomDataset, smallNetwork } from './small-network.ts';

const graph = smallNetwork();
const dataset = randomDataset(5);

async function saved(profile: ProfileName): Promise<SavedStatistics> {
  const { statistics } = await calibrate(graph, dataset, { profile, keepStatistics: true, tuneNum: 0 });
  return decodeStatistics(encodeStatistics(statistics!));
}

afterEach(() => preferKernels({}));

describe('statistics as a file', () => {
  it('save another pass for every method of the era', async () => {
    for (const [profile, methods] of [
      ['v1.9', ['kl', 'mse', 'max', 'percentile9999', 'aciq_gauss', 'aciq_laplace', 'symkl', 'jsd']],
      ['2026', ['kl', 'mse']],
      ['2023', ['kl', 'percentile9999']],
    ] as const) {
      const statistics = await saved(profile);
      const blind = { ...dataset, sample: () => Promise.reject(new Error('no pass is needed')) };
      for (const method of methods) {
        const direct = await calibrate(graph, dataset, { profile, method, tuneNum: 0 });
        const again = await calibrate(graph, blind, { profile, method, statistics, tuneNum: 0 });
        expect(again.values, `${profile} ${method}`).toEqual(direct.values);
      }
    }
  });

  it('of some methods serve those, and no other', async () => {
    const keepStatistics = ['max', 'percentile9999', 'kl'] as const;
    const first = await calibrate(graph, dataset, { method: 'max', keepStatistics, tuneNum: 0 });
    const numbers = [...first.statistics!.values.values()].map((value) =>
      'numbers' in value ? value.numbers : undefined,
    );
    expect(numbers.every((own) => own === undefined || Object.keys(own).length === 0)).toBe(true);
    for (const method of keepStatistics) {
      const direct = await calibrate(graph, dataset, { method, tuneNum: 0 });
      const again = await calibrate(graph, dataset, { method, statistics: first.statistics!, tuneNum: 0 });
      expect(again.values, method).toEqual(direct.values);
    }
    await refused(first.statistics!, graph, { method: 'mse' }).toMatchObject({ code: 'calib.statistics.lacking' });
  });

  it('serve int4 tables too', async () => {
    const statistics = await saved('v1.9');
    const direct = await calibrate(graph, dataset, { method: 'mse', int4: true });
    const again = await calibrate(graph, dataset, { method: 'mse', int4: true, statistics });
    expect(again.table).toEqual(direct.table);
  });

  const refused = (statistics: SavedStatistics, on: Graph, options: object = {}) =>
    expect(calibrate(on, dataset, { statistics, tuneNum: 0, ...options })).rejects;

  it('of another model are refused, with the first layer that differs', async () => {
    const statistics = await saved('v1.9');
    const renamed: Graph = {
      ...graph,
      ops: graph.ops.map((op) => (op.name === 'out' ? { ...op, name: 'end', outputs: ['end'] } : op)) as Graph['ops'],
      values: new Map([...graph.values].map(([name, type]) => [name === 'out' ? 'end' : name, type])),
      outputs: ['end'],
    };
    await refused(statistics, renamed).toMatchObject({
      code: 'calib.statistics.model',
      found: expect.stringMatching(/^out top.MatMul/),
      expected: expect.stringMatching(/^end top.MatMul/),
    });
  });

  it('of the same layers with other weights are refused', async () => {
    const statistics = await saved('v1.9');
    const weight = graph.weights.get('w1')!;
    const data = (weight.data as Float32Array).map((value, i) => (i === 7 ? value * 2 : value));
    const other = { ...graph, weights: new Map(graph.weights).set('w1', { ...weight, data }) };
    await refused(statistics, other).toMatchObject({ code: 'calib.statistics.model' });
  });

  it('of other kernels are refused, by the names of both', async () => {
    const plain = await saved('pooled');
    expect(encodeStatistics(plain)).not.toContain('kernels');
    preferKernels({ winograd: true });
    const winograd = await saved('pooled');
    expect(winograd.fingerprint).toEqual({ ...plain.fingerprint, kernels: 'winograd' });
    await calibrate(graph, dataset, { profile: 'pooled', statistics: winograd, tuneNum: 0 });
    const code = 'calib.statistics.model';
    await refused(plain, graph, { profile: 'pooled' }).toMatchObject({
      ...{ code, message: expect.stringMatching(/default kernels.*winograd ones/) },
      hint: expect.stringContaining('Q_KERNELS=default'),
    });
    preferKernels({});
    await refused(winograd, graph, { profile: 'pooled' }).toMatchObject({
      ...{ code, message: expect.stringMatching(/winograd kernels.*default ones/) },
      hint: expect.stringContaining('Q_KERNELS=winograd'),
    });
    expect(() => mergeSavedStatistics(plain, winograd)).toThrow(expect.objectContaining({ code }));
    expect(() => decodeStatistics(encodeStatistics(winograd).replace('"winograd"', '"quick"'))).toThrow(
      expect.objectContaining({ code: 'calib.statistics.format' }),
    );
  });

  it('that lack what the method needs are refused', async () => {
    const statistics = await saved('v1.9');
    await refused(statistics, graph, { method: 'admm' }).toMatchObject({ code: 'calib.statistics.lacking' });
    await refused(statistics, graph, { method: 'xquant_mse' }).toMatchObject({ code: 'calib.statistics.lacking' });
    await refused(statistics, graph, { profile: '2026' }).toMatchObject({ code: 'calib.statistics.lacking' });
  });

  it('that are no such file are refused', () => {
    for (const text of ['', '{', '[]', 'null', '{"format":"other"}', '{"format":"q-statistics","version":2}']) {
      expect(() => decodeStatistics(text, 'file.json')).toThrow(
        expect.objectContaining({ code: 'calib.statistics.format', where: 'file.json' }),
      );
    }
    expect(() => decodeStatistics('{"format":"q-statistics","version":1,"profile":"v1.9"}')).toThrow(
      expect.objectContaining({ code: 'calib.statistics.format' }),
    );
  });
});
