import { bm168x } from '@q/backend-bm1684x';
import { describe, expect, it } from 'vitest';
import { runQtable, runSensitiveLayer, type SensitiveLayerOptions } from '../src/index.ts';
import { toyNetwork, toyRanges, toySamples } from './toy-network.ts';

const graph = toyNetwork();
const thresholds = new Map([...toyRanges(graph)].map(([name, row]) => [name, row.threshold]));
const options: SensitiveLayerOptions = {
  target: bm168x,
  processor: 'bm1684',
  graph,
  values: toyRanges(graph),
  methods: [{ method: 'MAX', thresholds }],
  samples: toySamples,
  expectedCos: 2,
};

describe('a search that cannot be done', () => {
  it.each([runSensitiveLayer, runQtable])('needs samples', async (search) => {
    await expect(search({ ...options, samples: { ...toySamples, length: 0 } })).rejects.toMatchObject({
      code: 'search.samples-missing',
    });
  });

  it('names layers without a threshold, and what the table has instead', async () => {
    const renamed = new Map(
      [...thresholds].map(([name, value]) => [name === 'residual' ? 'residual_Add' : name, value]),
    );
    await expect(
      runSensitiveLayer({ ...options, methods: [{ method: 'KL', thresholds: renamed }] }),
    ).rejects.toMatchObject({ code: 'search.threshold-missing', where: 'residual', hint: /residual_Add/ });
    const dead = new Map([...thresholds, ['head', 0]]);
    await expect(
      runSensitiveLayer({ ...options, methods: [{ method: 'KL', thresholds: dead }] }),
    ).rejects.toMatchObject({ code: 'search.threshold-missing', where: 'head' });
    await expect(runSensitiveLayer({ ...options, methods: [] })).rejects.toMatchObject({
      code: 'search.method-missing',
    });
  });

  it.each([runSensitiveLayer, runQtable])('says which output is not a number', async (search) => {
    const broken = toyNetwork();
    (broken.weights.get('head.b')!.data as Float32Array)[0] = Number.NaN;
    await expect(search({ ...options, graph: broken })).rejects.toMatchObject({
      code: 'search.not-a-number',
      where: 'flat',
    });
  });

  it('passes on what a metric throws', async () => {
    const score = (): number => {
      throw new RangeError('no boxes');
    };
    await expect(runSensitiveLayer({ ...options, score })).rejects.toThrow('no boxes');
  });
});

describe('a search that need not be done', () => {
  it.each([runSensitiveLayer, runQtable])('answers the score of INT8', async (search) => {
    const outcome = await search({ ...options, expectedCos: 0.5 });
    expect(outcome.kind).toBe('sufficient');
    expect(outcome.int8Score).toBeGreaterThan(0.5);
  });
});

describe('runQtable', () => {
  it('stops when the expected score is reached, and when more than a quarter of the layers are float', async () => {
    const reached = await runQtable({ ...options, expectedCos: 0.99999, minLayerCos: 0.9999999 });
    expect(reached).toMatchObject({ kind: 'searched', end: expect.stringMatching(/reached|too-many/) });
    const limited = await runQtable({ ...options, expectedCos: 1.1, minLayerCos: 1.1 });
    expect(limited).toMatchObject({ kind: 'searched', end: 'too-many' });
  });

  it('judges only what lies before the layers that are compared', async () => {
    const outcome = await runQtable({ ...options, expectedCos: 1.1, minLayerCos: 0, compared: ['gate'] });
    if (outcome.kind !== 'searched') throw new Error(outcome.kind);
    expect(outcome.layers.map(({ layer }) => layer)).toEqual(['side']);
    expect(outcome.end).toBe('walked');
  });
});
