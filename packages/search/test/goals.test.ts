import { describe, expect, it } from 'vitest';
import { explainPlan, type FloatSetSearch, paretoFloatSets, smallestFloatSet, withFloatOps } from '../src/index.ts';
import { int8Plan, toyNetwork, toyRanges } from './toy-network.ts';

const graph = toyNetwork();
const ranking = ['gate', 'stem', 'head', 'deep'].map((layer, index) => {
  const best = { method: 'KL', threshold: 1, loss: 0.4 - index / 10, samples: 1 };
  return { layer, type: 'top.Conv', trials: [best], best, isDecided: true };
});
const worth: Readonly<Record<string, number>> = { gate: 0, stem: 3, head: 1, deep: 0 };
const search: FloatSetSearch = {
  graph,
  ranking,
  measure: async (layers) => layers.reduce((sum, layer) => sum + worth[layer]!, 0),
};

describe('goals', () => {
  it('are met with the smallest float set', async () => {
    expect(await smallestFloatSet(search, 0)).toMatchObject({ count: 0, floatMacs: 0 });
    expect(await smallestFloatSet(search, 3)).toMatchObject({ floatLayers: ['stem'], value: 3 });
    // Without what the goal can do without.
    expect(await smallestFloatSet(search, 4)).toMatchObject({ count: 3, floatLayers: ['stem', 'head'] });
    expect(await smallestFloatSet(search, 5)).toBeUndefined();
  });

  it('trade accuracy against float MACs', async () => {
    const sets = await paretoFloatSets(search, [0, 1, 2, 3, 4]);
    expect(sets.map(({ value }) => value)).toEqual([0, 3, 4]);
    const macs = sets.map(({ floatMacs }) => floatMacs);
    expect(macs).toEqual(macs.toSorted((a, b) => a - b));
    // 4 × 4 channels, 3 × 3 window, 6 × 6 places.
    expect(macs[1]).toBe(4 * 4 * 9 * 36);
  });
});

describe('an explanation', () => {
  it('says what statistics show of every float layer', () => {
    const uneven = toyNetwork();
    const weights = uneven.weights.get('deep.w')!.data as Float32Array;
    for (let i = 36; i < 72; i++) weights[i]! *= 40;
    const values = toyRanges(graph);
    values.set('gated', { threshold: 1, min: 0, max: 7 });
    values.set('residual', { threshold: 1, min: 0, max: 1 });
    values.set('deep', { threshold: 90, min: -90, max: 90 });
    const plan = withFloatOps(int8Plan('bm1684', values), ['deep', 'residual', 'gated', 'gate'], 'F32', () => ({
      code: 'sensitivity',
      loss: 0.125,
    }));
    const { floatLayers, thresholds } = explainPlan(uneven, plan);
    const causes = new Map(floatLayers.map(({ layer, cause }) => [layer, cause]));
    expect([...causes.keys()]).toEqual(['deep', 'residual', 'gate', 'gated']);
    expect(causes.get('deep')).toMatchObject({ code: 'uneven-channels', channel: 1 });
    expect(causes.get('residual')?.code).toBe('uneven-operands');
    expect(causes.get('gated')).toEqual({ code: 'clipped', largest: 7, threshold: 1 });
    expect(causes.get('gate')).toEqual({ code: 'accumulated' });
    expect(floatLayers[0]!.explanation).toMatch(/costs 0.1250 in INT8: channel 1 of its weights spans/);
    expect(floatLayers[0]!.int8Loss).toBe(0.125);
    expect(thresholds.deep).toBe(90);
  });
});
