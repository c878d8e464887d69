import { bm168x } from '@q/backend-bm1684x';
import { emptyCalibrationTable, type ValueRange } from '@q/ir';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FourBitSearchOptions, fourBitSearchReport, type SearchEvent, searchFourBits } from '../src/index.ts';
import { densityGroups } from '../src/newer-searches/density-groups.ts';
import { facts, openObjectsCnn, type RecordedSubject } from './objects-cnn.ts';
import { expectResumable } from './test-journal.ts';
import { toyNetwork, toyRanges, toySamples } from './toy-network.ts';

type Row = readonly [threshold: number, min: number, max: number];

interface Searched {
  readonly int8Score: number;
  readonly fourBitScore: number;
  readonly mixedScore: number;
  readonly keptInt8: number;
  readonly losses: Readonly<Record<string, readonly [cosine: number, noise: number]>>;
}

/** Recorded with TPU-MLIR itself. */
interface FourBitFacts {
  readonly samples: readonly string[];
  readonly expectedCos: number;
  readonly table: Readonly<Record<string, Row>>;
  readonly int4: Readonly<Record<string, Row>>;
  readonly INT4: Searched;
  readonly W4INT8: Searched;
}

const rangesOf = (rows: Readonly<Record<string, Row>>): Map<string, ValueRange> =>
  new Map(Object.entries(rows).map(([name, [threshold, min, max]]) => [name, { threshold, min, max }]));

describe('search_qtable --mix_mode of TPU-MLIR v1.30.2', () => {
  const theirs = facts('objects-cnn-four-bits.json') as FourBitFacts;
  let subject: RecordedSubject;
  beforeAll(async () => {
    subject = await openObjectsCnn();
  });
  const search = (precision: 'INT4' | 'W4INT8') => {
    const sections = { ...emptyCalibrationTable().sections, int4: rangesOf(theirs.int4) };
    const subjectOf = { target: bm168x, processor: 'bm1688', graph: subject.graph, sections };
    const samples = subject.samplesNamed(theirs.samples);
    const { expectedCos, table } = theirs;
    return searchFourBits({ ...subjectOf, precision, samples, expectedCos, values: rangesOf(table) });
  };

  it('wi4ai8_wi8ai8: the same scores, losses and layers', async () => {
    const found = await search('W4INT8');
    const { losses, int8Score, fourBitScore, mixedScore, keptInt8 } = theirs.W4INT8;
    expect(found.int8Score).toBeCloseTo(int8Score, 6);
    expect(found.fourBitScore).toBeCloseTo(fourBitScore, 6);
    expect(found.mixedScore).toBeCloseTo(mixedScore, 6);
    expect(found.losses.map(({ layer }) => layer)).toEqual(Object.keys(losses));
    for (const { layer, cosine, noise } of found.losses) {
      expect(Math.abs(cosine - losses[layer]![0]), layer).toBeLessThan(5e-8);
      expect(Math.abs(noise - losses[layer]![1]), layer).toBeLessThan(5e-7);
    }
    expect(found.int8Layers).toHaveLength(keptInt8);
    // One group, which is taken whole.
    expect(found.trials).toEqual([{ layers: found.fourBitLayers, score: found.mixedScore, isTaken: true }]);
  });

  it('wi4ai4_wi8ai8: the same losses but for signed results, whose codes v1.30.2 scales as INT8 does and v1.17 does not', async () => {
    const found = await search('INT4');
    const { losses, int8Score, keptInt8 } = theirs.INT4;
    expect(found.int8Score).toBeCloseTo(int8Score, 6);
    expect(found.losses.map(({ layer }) => layer)).toEqual(Object.keys(losses));
    const isSigned = (layer: string): boolean => subject.values.get(layer)!.min < 0 && layer.endsWith('_Conv');
    const alike = found.losses.filter(({ layer }) => !isSigned(layer));
    expect(alike.length).toBeGreaterThan(18);
    for (const { layer, cosine, noise } of alike) {
      expect(Math.abs(cosine - losses[layer]![0]), layer).toBeLessThan(5e-8);
      expect(Math.abs(noise - losses[layer]![1]), layer).toBeLessThan(5e-7);
    }
    // As there, the first group costs more than a hundredth: nothing is taken.
    expect(found.trials.map(({ isTaken }) => isTaken)).toEqual([false]);
    expect([found.fourBitLayers, found.int8Layers.length]).toEqual([[], keptInt8]);
    expect(found.mixedScore).toBe(found.int8Score);
  });
});

describe('searchFourBits', () => {
  const graph = toyNetwork();
  const options = {
    ...{ target: bm168x, processor: 'bm1688', graph, values: toyRanges(graph), samples: toySamples },
    ...({ precision: 'W4INT8', expectedCos: 0.999 } as const),
  };
  const search = (more: Partial<FourBitSearchOptions> = {}) => searchFourBits({ ...options, ...more });

  it('takes what keeps the score, and deploys', async () => {
    const found = await search();
    const names = ['stem', 'deep', 'side', 'head'];
    expect(found.losses.map(({ layer }) => layer)).toEqual(names);
    expect([...found.fourBitLayers, ...found.int8Layers].sort()).toEqual([...names].sort());
    expect(found.mixedScore).toBeGreaterThanOrEqual(0.999 * found.int8Score);
    for (const name of names) {
      const isTaken = found.fourBitLayers.includes(name);
      expect(found.plan.ops.get(name)!.precision).toBe(isTaken ? 'W4INT8' : 'INT8');
    }
    expect(bm168x.lower(graph, found.plan).state).toBe('TPU_LOWERED');
    const all = await search({ expectedCos: 0 });
    expect([all.fourBitLayers, all.int8Layers, all.mixedScore]).toEqual([names, [], all.fourBitScore]);
    const none = await search({ expectedCos: 2 });
    expect([none.fourBitLayers, none.int8Layers, none.mixedScore]).toEqual([[], names, none.int8Score]);
  });

  it('tries the layers of a group that costs too much one by one, if asked', async () => {
    const { trials, groups } = await search({ isOneByOne: true, expectedCos: 0.9999999 });
    const [first] = trials;
    expect(first).toMatchObject({ layers: groups[0], isTaken: false });
    expect(trials.slice(1).map(({ layers }) => layers.length)).toEqual(
      groups[0]!.length > 1 ? groups[0]!.map(() => 1) : [],
    );
  });

  it('leaves layers alone that are float anyway', async () => {
    const { losses, plan } = await search({ fixedFloat: ['stem'] });
    expect(losses.map(({ layer }) => layer)).toEqual(['deep', 'side', 'head']);
    expect(plan.ops.get('stem')!.precision).toBe('F16');
  });

  it('goes on from its journal, stops, and answers the same from workers', async () => {
    await expectResumable((more) =>
      search({ ...more, processor: more.processor === undefined ? 'bm1688' : 'bm1684x' }),
    );
    const events: SearchEvent[] = [];
    const stopping = new AbortController();
    const stopped = await search({
      signal: stopping.signal,
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'work') stopping.abort();
      },
    });
    expect(stopped).toMatchObject({ stopped: 'aborted', fourBitLayers: [] });
    expect(events.at(-1)).toEqual({ type: 'stopped', reason: 'aborted' });
    expect(await search({ workers: 2 })).toEqual(await search());
  });

  it('says who runs four bits, and what a table lacks', async () => {
    await expect(search({ processor: 'bm1684' })).rejects.toMatchObject({ code: 'search.no-four-bits' });
    await expect(search({ processor: 'bm1684x', precision: 'INT4' })).rejects.toMatchObject({
      code: 'search.no-four-bits',
    });
    await expect(search({ precision: 'INT4' })).rejects.toMatchObject({ code: 'search.four-bit-ranges' });
  });
});

describe('the log of v1.30.2', () => {
  it('has its lines, of a search that took everything', () => {
    const loss = (layer: string, cosine: number, noise: number) => ({ layer, type: 'top.Conv', cosine, noise });
    const outcome = {
      ...{ int8Score: 0.9994722645499362, fourBitScore: 0.9944770998897119, mixedScore: 0.9944770998897119 },
      losses: [loss('stem', 0.0006163691260953064, 0.0024792242121980048), loss('head', 0.0003237889369879232, 0.001)],
      ...{ groups: [['stem', 'head']], fourBitLayers: ['stem', 'head'], int8Layers: [] },
      trials: [{ layers: ['stem', 'head'], score: 0.9944770998897119, isTaken: true }],
      plan: { processor: 'bm1688', precision: 'INT8', asymmetric: false, ops: new Map(), values: new Map() },
    } as const;
    const said = { mlirFile: 'net.mlir', quantizeTable: 'qtable', expectedCos: 0.99, fixedFloat: [] };
    const lines = fourBitSearchReport(outcome, { ...said, graph: toyNetwork(), precision: 'W4INT8' });
    expect(lines.filter(({ shown }) => !shown).map(({ text }) => text)).toEqual([
      'run float mode: net.mlir',
      'run int8 mode: net.mlir',
      'current int8 cos:0.9994722645499362',
      'run int8 mode: net.mlir',
      'run int8 mode: net.mlir',
      'current w4a8 cos:0.9944770998897119',
      'start to handle layer: stem, type: top.Conv',
      'run int8 mode: net.mlir',
      'layer stem, outputs_cos:0.0006163691260953064, outputs_snr:0.0024792242121980048',
      'start to handle layer: head, type: top.Conv',
      'run int8 mode: net.mlir',
      'layer head, outputs_cos:0.0003237889369879232, outputs_snr:0.001',
      'Layer: head, outputs_cos: 0.0003237889369879232, outputs_snr: 0.001',
      'Layer: stem, outputs_cos: 0.0006163691260953064, outputs_snr: 0.0024792242121980048',
      "sorted_clusters = [['stem', 'head']]",
      'run int8 mode: net.mlir',
    ]);
    expect(lines.filter(({ shown }) => shown).map(({ text }) => text)).toEqual([
      '>>>final int4/w4a8 search statistics:',
      'cos change vs int8:-0.004995',
      'final INT8 keep layers:0',
      'w4a8 outputs_cos:0.994477 old',
      'final W4A8 layers:2',
      '>>>run result:',
      'float layer number: 0, mix model outputs_cos: 0.994477',
      'int8 outputs_cos:0.999472 old',
      'mix model outputs_cos:0.994477',
      'Output mix quantization table to qtable',
    ]);
  });
});

describe('densityGroups', () => {
  it('holds together what hangs together, and all that is alone', () => {
    expect(
      densityGroups([
        [0, 0],
        [0.5, 0],
        [0.009, 0],
        [0.018, 0],
        [0.7, 0.2],
      ]),
    ).toEqual([
      [0, 2, 3],
      [1, 4],
    ]);
    expect(
      densityGroups([
        [0, 0],
        [0.006, 0.009],
      ]),
    ).toEqual([[0, 1]]);
    expect(
      densityGroups([
        [0, 0],
        [0.004, 0.009],
      ]),
    ).toEqual([[0, 1]]);
    expect(densityGroups([])).toEqual([]);
  });
});
