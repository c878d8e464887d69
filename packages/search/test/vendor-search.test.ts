import { bm168x } from '@q/backend-bm1684x';
import type { Graph, ValueRange } from '@q/ir';
import { beforeAll, describe, expect, it } from 'vitest';
import { runQtable, runSensitiveLayer, searchQtable, searchThreshold } from '../src/index.ts';
import { facts, openObjectsCnn, type RecordedSubject } from './objects-cnn.ts';

/** Recorded with TPU-MLIR itself (its files say the version) on the images of test-models/objects-cnn. */
interface SensitiveLayerFacts {
  readonly samples: readonly string[];
  readonly expectedCos: number;
  readonly maxFloatLayers: number;
  readonly int8Score: number;
  readonly mixedScore: number;
  readonly layers: readonly {
    readonly layer: string;
    readonly thresholds: Readonly<Record<string, number>>;
    readonly bestMethod: string;
    readonly loss: number;
  }[];
  readonly floatLayers: readonly string[];
}

interface QtableFacts {
  readonly samples: readonly string[];
  readonly runs: readonly {
    readonly minLayerCos: number;
    readonly expectedCos: number;
    readonly int8Score: number;
    readonly mixedScore: number;
    readonly cosines: Readonly<Record<string, number>>;
    readonly floatLayers: readonly string[];
  }[];
}

interface SearchQtableFacts {
  readonly samples: readonly string[];
  readonly methods: readonly string[];
  /** Threshold, min and max per layer. */
  readonly baseTable: Readonly<Record<string, readonly [number, number, number]>>;
  readonly int8Score: number;
  readonly layers: SensitiveLayerFacts['layers'];
  readonly runs: readonly {
    readonly expectedCos: number;
    readonly maxFloatLayers: number;
    readonly trials: readonly { readonly count: number; readonly score: number }[];
    readonly floatLayers: readonly string[];
  }[];
}

interface SearchThresholdFacts {
  readonly samples: readonly string[];
  readonly scores: Readonly<Record<string, number>>;
  readonly best: string;
  readonly thresholds: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly minima: Readonly<Record<string, number>>;
}

let graph: Graph;
let values: ReadonlyMap<string, ValueRange>;
let samplesNamed: RecordedSubject['samplesNamed'];

beforeAll(async () => {
  ({ graph, values, samplesNamed } = await openObjectsCnn());
});

describe('run_sensitive_layer of TPU-MLIR v1.17', () => {
  it('has the same losses, methods, float layers and scores', async () => {
    const theirs = facts('objects-cnn-sensitive-layers.json') as SensitiveLayerFacts;
    const methods = ['MAX', 'Percentile9999', 'KL'].map((method) => ({
      method,
      thresholds: new Map(theirs.layers.map(({ layer, thresholds }) => [layer, thresholds[method]!])),
    }));
    const outcome = await runSensitiveLayer({
      target: bm168x,
      processor: 'bm1684',
      graph,
      values,
      methods,
      samples: samplesNamed(theirs.samples),
      expectedCos: theirs.expectedCos,
      maxFloatLayers: theirs.maxFloatLayers,
    });
    if (outcome.kind !== 'searched') throw new Error(outcome.kind);
    expect(outcome.int8Score).toBeCloseTo(theirs.int8Score, 6);
    expect(outcome.layers.map(({ layer, best }) => [layer, best.method])).toEqual(
      theirs.layers.map(({ layer, bestMethod }) => [layer, bestMethod]),
    );
    for (const [index, { layer, best }] of outcome.layers.entries()) {
      // Their sums are f32, and their KL thresholds have more digits than the table shows.
      expect(Math.abs(best.loss - theirs.layers[index]!.loss), layer).toBeLessThan(5e-7);
    }
    expect(outcome.floatLayers).toEqual(theirs.floatLayers);
    expect(outcome.mixedScore).toBeCloseTo(theirs.mixedScore, 5);
    expect([...outcome.plan.ops.keys()]).toEqual(theirs.floatLayers);
    const { baseOperators, candidateOperators, fullOperators } = outcome.cost;
    expect(fullOperators / (baseOperators + candidateOperators)).toBeGreaterThan(1.4);
  });
});

describe('run_qtable of TPU-MLIR v1.17', () => {
  const { samples, runs } = facts('objects-cnn-qtable.json') as QtableFacts;

  it.each(runs)('min_layer_cos $minLayerCos: the same cosines, float layers and score', async (theirs) => {
    const outcome = await runQtable({
      target: bm168x,
      processor: 'bm1684',
      graph,
      values,
      samples: samplesNamed(samples),
      minLayerCos: theirs.minLayerCos,
      expectedCos: theirs.expectedCos,
    });
    if (outcome.kind !== 'searched') throw new Error(outcome.kind);
    const cosines = Object.entries(theirs.cosines);
    expect(outcome.layers).toHaveLength(cosines.length);
    const ours = new Map(outcome.layers.map(({ layer, cosine }) => [layer, cosine]));
    // Printed with six decimals.
    for (const [layer, cosine] of cosines) expect(Math.abs(ours.get(layer)! - cosine), layer).toBeLessThan(1e-6);
    expect(outcome.floatLayers).toEqual(theirs.floatLayers);
    expect(outcome.int8Score).toBeCloseTo(theirs.int8Score, 5);
    expect(outcome.mixedScore).toBeCloseTo(theirs.mixedScore, 5);
    expect(outcome.end).toBe(theirs.floatLayers.length > Math.floor(graph.ops.length / 4) ? 'too-many' : 'walked');
  });
});

describe('search_qtable of TPU-MLIR v1.17', () => {
  const theirs = facts('objects-cnn-search-qtable.json') as SearchQtableFacts;

  it.each(theirs.runs)('expected_cos $expectedCos: the same losses, methods, trials and float layers', async (run) => {
    const base = Object.entries(theirs.baseTable).map(([name, [threshold, min, max]]): [string, ValueRange] => [
      name,
      { threshold, min, max },
    ]);
    const methods = theirs.methods.map((method) => ({
      method,
      thresholds: new Map(theirs.layers.map(({ layer, thresholds }) => [layer, thresholds[method]!])),
    }));
    const outcome = await searchQtable({
      target: bm168x,
      processor: 'bm1684',
      graph,
      values: new Map(base),
      methods,
      samples: samplesNamed(theirs.samples),
      expectedCos: run.expectedCos,
      maxFloatLayers: run.maxFloatLayers,
    });
    if (outcome.kind !== 'searched') throw new Error(outcome.kind);
    expect(outcome.int8Score).toBeCloseTo(theirs.int8Score, 6);
    // The network's input is searched by run_sensitive_layer, not here: it is not in integers.
    expect(outcome.layers.map(({ layer, best }) => [layer, best.method])).toEqual(
      theirs.layers.map(({ layer, bestMethod }) => [layer, bestMethod]),
    );
    for (const [index, { layer, best }] of outcome.layers.entries()) {
      expect(Math.abs(best.loss - theirs.layers[index]!.loss), layer).toBeLessThan(5e-7);
    }
    expect(outcome.trials.map(({ count }) => count)).toEqual(run.trials.map(({ count }) => count));
    for (const [index, { score }] of outcome.trials.entries()) expect(score).toBeCloseTo(run.trials[index]!.score, 6);
    expect(outcome.trials.at(-1)!.floatLayers).toEqual(run.floatLayers);
    const passing = outcome.trials.filter(({ score }) => score > run.expectedCos).map(({ count }) => count);
    expect(outcome.smallestPassing?.count).toBe(passing.length === 0 ? undefined : Math.min(...passing));
  });
});

describe('search_threshold of TPU-MLIR v1.17', () => {
  it('has the same scores and the same best method', async () => {
    const theirs = facts('objects-cnn-search-threshold.json') as SearchThresholdFacts;
    const tables = Object.keys(theirs.scores).map((method) => ({
      method,
      values: new Map(
        Object.entries(theirs.thresholds).map(([name, byMethod]): [string, ValueRange] => {
          const threshold = byMethod[method]!;
          return [name, { threshold, min: theirs.minima[name]!, max: threshold }];
        }),
      ),
    }));
    const samples = samplesNamed(theirs.samples);
    const outcome = await searchThreshold({ target: bm168x, processor: 'bm1684', graph, tables, samples });
    for (const { method, score } of outcome.scores) expect(score, method).toBeCloseTo(theirs.scores[method]!, 6);
    expect(outcome.best.method).toBe(theirs.best);
  });
});
