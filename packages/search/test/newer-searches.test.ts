import { bm168x } from '@q/backend-bm1684x';
import { beforeAll, describe, expect, it } from 'vitest';
import { fastSearch, mixSearch, type NewerSearchOptions, searchScreenedQtable } from '../src/index.ts';
import { openObjectsCnn, type RecordedSubject, facts as recorded } from './objects-cnn.ts';

/** Recorded with TPU-MLIR itself on the images of test-models/objects-cnn. */
interface Facts {
  readonly samples: readonly string[];
  readonly fast: {
    readonly inferenceNum: number;
    readonly expectedCos: number;
    readonly int8Score: number;
    readonly mixedScore: number;
    readonly similarities: Readonly<Record<string, number>>;
    readonly firstRound: Readonly<Record<string, readonly [cosine: number, noise: number]>>;
    readonly floatLayers: readonly string[];
  };
  readonly mix: {
    readonly expectedCos: number;
    readonly minLayerCos: number;
    readonly maxFloatLayers: number;
    readonly int8Score: number;
    readonly floatLayers: readonly string[];
    readonly cosines: Readonly<Record<string, number>>;
  };
  readonly cluster: {
    readonly samples: readonly string[];
    readonly expectedCos: number;
    readonly int8Score: number;
    readonly table: Readonly<Record<string, readonly [threshold: number, min: number, max: number]>>;
    readonly thresholds: Readonly<Record<string, Readonly<Record<string, number>>>>;
    readonly best: Readonly<Record<string, readonly [method: string, loss: number]>>;
    readonly similarities: Readonly<Record<string, number>>;
    readonly selected: readonly string[];
  };
}

const facts = recorded('objects-cnn-newer-searches.json') as Facts;
let common: Omit<NewerSearchOptions, 'samples'>;
let samplesNamed: RecordedSubject['samplesNamed'];

beforeAll(async () => {
  const subject = await openObjectsCnn();
  samplesNamed = subject.samplesNamed;
  common = { target: bm168x, processor: 'bm1684', graph: subject.graph, values: subject.values };
});

describe('searches of TPU-MLIR v1.30.2', () => {
  it('fast_search: the same similarities of types, losses, layers in the same order and scores', async () => {
    const { fast } = facts;
    const samples = samplesNamed(facts.samples.slice(0, fast.inferenceNum));
    const found = await fastSearch({ ...common, samples, expectedCos: fast.expectedCos });
    if (found.kind !== 'searched') throw new Error(found.kind);
    for (const { type, similarity } of found.screening.types) {
      expect(Math.abs(similarity - fast.similarities[type]!), type).toBeLessThan(5e-7);
    }
    expect(found.screening.types).toHaveLength(Object.keys(fast.similarities).length);
    const [first] = found.rounds;
    expect(first!.losses.map(({ layer }) => layer)).toEqual(Object.keys(fast.firstRound));
    // Two of the 28 layers differ in the fourth digit, for a reason that is not known.
    const far = first!.losses.filter(({ layer, cosine, noise }) => {
      const [theirCosine, theirNoise] = fast.firstRound[layer]!;
      expect(Math.abs(cosine - theirCosine), layer).toBeLessThan(7e-5);
      return Math.abs(cosine - theirCosine) > 5e-7 || Math.abs(noise - theirNoise) > 5e-6;
    });
    expect(far.length).toBeLessThanOrEqual(2);
    expect(found.floatLayers).toEqual(fast.floatLayers);
    expect(found.int8Score).toBeCloseTo(fast.int8Score, 6);
    expect(found.mixedScore).toBeCloseTo(fast.mixedScore, 6);
  });

  it('mix_search: the same layers; likenesses differ behind what became float, where the original feeds float activations', async () => {
    const { expectedCos, minLayerCos, maxFloatLayers, int8Score, floatLayers, cosines } = facts.mix;
    const samples = samplesNamed(facts.samples);
    const found = await mixSearch({ ...common, samples, expectedCos, minLayerCos, maxFloatLayers });
    if (found.kind !== 'searched') throw new Error(found.kind);
    expect(found.int8Score).toBeCloseTo(int8Score, 6);
    expect([...found.floatLayers].sort()).toEqual([...floatLayers].sort());
    const judged = found.layers.filter(({ layer }) => layer in cosines);
    const firstFloat = judged.findIndex(({ layer }) => found.floatLayers.includes(layer));
    for (const { layer, cosine } of judged.slice(0, firstFloat + 1)) {
      expect(Math.abs(cosine - cosines[layer]!), layer).toBeLessThan(2e-6);
    }
    expect(firstFloat).toBeGreaterThan(5);
  });

  it('search_qtable --cluster: the same types, losses and group of layers', async () => {
    const { samples: files, expectedCos, int8Score, table, thresholds, best, similarities, selected } = facts.cluster;
    const rows = Object.entries(table).map(([name, [threshold, min, max]]) => [name, { threshold, min, max }] as const);
    const methods = Object.entries(thresholds).map(([method, found]) => ({
      method,
      thresholds: new Map(Object.entries(found)),
    }));
    const search = {
      ...common,
      values: new Map(rows),
      samples: samplesNamed(files),
      methods,
      expectedCos,
      isClustered: true,
    };
    const found = await searchScreenedQtable(search);
    if (found.kind !== 'searched') throw new Error(found.kind);
    expect(found.int8Score).toBeCloseTo(int8Score, 6);
    for (const { type, similarity } of found.screening.types) {
      expect(Math.abs(similarity - similarities[type]!), type).toBeLessThan(1e-6);
    }
    expect(found.layers.map(({ layer }) => layer)).toEqual(Object.keys(best));
    expect(found.layers.map(({ best: own }) => own.method)).toEqual(Object.values(best).map(([method]) => method));
    // One of the 28 layers differs by 4 %, as two do in fast_search, for a reason that is not known.
    const far = found.layers.filter(({ layer, best: own }) => {
      const difference = Math.abs(own.loss - best[layer]![1]);
      expect(difference, layer).toBeLessThan(7e-6);
      return difference > 5e-8;
    });
    expect(far.length).toBeLessThanOrEqual(1);
    expect(found.cluster).toEqual(selected);
    expect(found.trials).toEqual([{ count: 1, floatLayers: selected, score: expect.any(Number) }]);
  });
});
