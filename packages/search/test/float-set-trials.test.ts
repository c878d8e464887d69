import { bm168x } from '@q/backend-bm1684x';
import { describe, expect, it } from 'vitest';
import {
  type FloatSetMeasure,
  FloatSetTrials,
  findFloatSets,
  goalDocument,
  goalReport,
  paretoCells,
  paretoCounts,
  paretoCsv,
  paretoDocument,
  rankLayers,
  runSensitiveLayer,
  sqnrMeasure,
  type UserMetric,
  userMeasure,
} from '../src/index.ts';
import { int8Plan, toyNetwork, toyRanges, toySamples } from './toy-network.ts';

const graph = toyNetwork();
const values = toyRanges(graph);
const common = { target: bm168x, processor: 'bm1684', graph, values, samples: toySamples };
const thresholds = new Map([...values].map(([name, { threshold }]) => [name, threshold]));

async function searched() {
  const found = await runSensitiveLayer({ ...common, methods: [{ method: 'KL', thresholds }], expectedCos: 2 });
  if (found.kind !== 'searched') throw new Error(found.kind);
  return { ranking: rankLayers(found.layers), plan: { ...found.plan, ops: new Map() } };
}
const tensors = graph.outputs.map((name) => ({ name, shape: graph.values.get(name)!.shape as readonly number[] }));
const user = (metric: UserMetric): FloatSetMeasure =>
  userMeasure({ ...metric, where: 'own.mjs', tensors, filesOf: (index) => [`cat${index}.jpg`] });

describe('goals from one sensitivity run', () => {
  it('the smallest float set that has an SQNR is measured as a whole, and nothing can be left out of it', async () => {
    const trials = await FloatSetTrials.open({ ...common, measure: sqnrMeasure() });
    const { ranking, plan } = await searched();
    const int8 = await trials.trial(plan, []);
    const goal = int8.value + 6;
    const found = await findFloatSets({ graph, trials, ranking, plan, goal });
    const { smallest } = found;
    expect(smallest!.value).toBeGreaterThanOrEqual(goal);
    expect(smallest!.count).toBeGreaterThan(0);
    expect(smallest!.count).toBe(smallest!.floatLayers.length);
    for (const layer of smallest!.floatLayers) {
      const others = smallest!.floatLayers.filter((name) => name !== layer);
      expect((await trials.trial(plan, others)).value, layer).toBeLessThan(goal);
    }
    expect(await findFloatSets({ graph, trials, ranking, plan, goal: int8.value })).toMatchObject({
      smallest: { count: 0, floatMacs: 0 },
    });
    const none = await findFloatSets({ graph, trials, ranking: ranking.slice(0, 1), plan, goal: 900 });
    expect(none.smallest).toBeUndefined();
  });

  it('a list of accuracy against float MACs holds no set that another one beats', async () => {
    const trials = await FloatSetTrials.open(common);
    const { ranking, plan } = await searched();
    const counts = paretoCounts(ranking.length);
    const found = await findFloatSets({ graph, trials, ranking, plan, counts });
    expect(found.tried).toHaveLength(new Set(counts).size);
    const macs = found.pareto.map(({ floatMacs }) => floatMacs);
    const accuracies = found.pareto.map(({ value }) => value);
    expect(macs).toEqual([...new Set(macs)].toSorted((a, b) => a - b));
    expect(accuracies).toEqual([...new Set(accuracies)].toSorted((a, b) => a - b));
    expect([macs[0], found.pareto.at(-1)!.value]).toEqual([0, Math.max(...found.tried.map(({ value }) => value))]);
    const outcome = { found, measure: { name: 'cos', unit: '' }, expected: 0.5 };
    expect(paretoCells(outcome)).toHaveLength(found.pareto.length);
    expect(paretoDocument(outcome)[0]).toMatchObject({ floatMacs: 0, floatLayers: [] });
    const [head, first] = paretoCsv(outcome).split('\n');
    expect(head).toBe('float_layers,float_macs,float_macs_share,cos,layers');
    expect(first).toMatch(/^0,0,0,0\.\d+,""$/);
  });

  it('a metric over the data set gets what was answered for each image', async () => {
    const seen: unknown[] = [];
    const measure = user({
      metric: (float, quantized, { index, files }) => {
        const [name] = Object.keys(float) as [string];
        expect(float[name]!.shape).toEqual(tensors[0]!.shape);
        const values = quantized[name]!.data as Float32Array;
        values.fill(0);
        return { index, file: files[0] };
      },
      summarize: (answers) => {
        seen.push(answers);
        return answers.length;
      },
    });
    const trials = await FloatSetTrials.open({ ...common, measure });
    const before = await trials.trial(int8Plan('bm1684', values), []);
    expect(before).toMatchObject({ value: toySamples.length, floatLayers: [] });
    // What the metric overwrote was a copy.
    expect(before.score).toBeGreaterThan(0.9);
    expect(seen[0]).toEqual(
      Array.from({ length: toySamples.length }, (_, index) => ({ index, file: `cat${index}.jpg` })),
    );
  });

  it.each([
    [
      'throws',
      {
        metric: (_: unknown, __: unknown, { index }: { index: number }) => {
          if (index === 1) throw new RangeError('no boxes');
          return 1;
        },
      },
      /metric of own.mjs failed on image 1 \(cat1.jpg\): no boxes/,
    ],
    ['answers nothing', { metric: () => undefined }, /metric of own.mjs for image 0 \(cat0.jpg\) is no finite number/],
    ['answers NaN', { metric: () => Number.NaN }, /is no finite number/],
    ['is asynchronous', { metric: async () => 1 }, /is no finite number/],
    [
      'sums up nothing',
      { metric: () => 1, summarize: () => Number.NaN },
      /summarize of own.mjs for \d+ images is no finite/,
    ],
  ])('a metric that %s is named with the image', async (_, metric, message) => {
    const trials = await FloatSetTrials.open({ ...common, measure: user(metric as UserMetric) });
    const measuring = trials.trial(int8Plan('bm1684', values), []);
    await expect(measuring).rejects.toMatchObject({ code: 'search.metric', where: 'own.mjs' });
    await expect(trials.trial(int8Plan('bm1684', values), [])).rejects.toThrow(message);
  });

  it('a journal knows what was measured; another measure or recipe is another matter', async () => {
    const lines: string[] = [];
    const journal = { lines, append: (added: readonly string[]) => void lines.push(...added) };
    const plan = int8Plan('bm1684', values);
    const open = async (recipe: string, metric: UserMetric) => {
      const trials = await FloatSetTrials.open({ ...common, recipe, measure: user(metric) });
      return { trials, known: trials.recordIn({ ...journal, lines: [...lines] }) };
    };
    const first = await open('a', { metric: () => 0.25 });
    await first.trials.trial(plan, []);
    expect([first.known, lines.length]).toEqual([0, 1]);
    const never: UserMetric = {
      metric: () => {
        throw new Error('measured again');
      },
    };
    const again = await open('a', never);
    expect([again.known, (await again.trials.trial(plan, [])).value]).toEqual([1, 0.25]);
    await expect((await open('b', never)).trials.trial(plan, [])).rejects.toThrow('measured again');
    expect(lines).toHaveLength(1);
  });

  it('a budget ends it with what is known', async () => {
    const trials = await FloatSetTrials.open({ ...common, budgetMilliseconds: 0 });
    const { ranking, plan } = await searched();
    const found = await findFloatSets({ graph, trials, ranking, plan, goal: 0.5 });
    expect(found).toMatchObject({ stopped: 'budget', tried: [], pareto: [] });
    expect(found.smallest).toBeUndefined();
    const outcome = { found, measure: { name: 'sqnr', unit: ' dB' }, expected: 30 };
    expect(goalReport(outcome).at(-1)!.text).toBe('no float set of this ranking has a sqnr of at least 30.0 dB so far');
    expect(goalDocument(outcome)).toMatchObject({ measure: 'sqnr', expected: 30, isMet: false });
  });

  it('equal outputs are infinitely near, and outputs that are no numbers are refused', () => {
    const same = sqnrMeasure().start();
    same.add([{ name: 'a', data: [1, 2] }], [{ name: 'a', data: [1, 2] }], 0);
    expect(same.value()).toBe(Number.POSITIVE_INFINITY);
    const two = sqnrMeasure().start();
    two.add(
      [
        { name: 'a', data: [10] },
        { name: 'b', data: [3] },
      ],
      [
        { name: 'a', data: [9] },
        { name: 'b', data: [2] },
      ],
      0,
    );
    two.add(
      [
        { name: 'a', data: [0] },
        { name: 'b', data: [1] },
      ],
      [
        { name: 'a', data: [0] },
        { name: 'b', data: [1] },
      ],
      1,
    );
    expect(two.value()).toBeCloseTo(10, 12);
    expect(() =>
      sqnrMeasure()
        .start()
        .add([{ name: 'a', data: [Number.NaN] }], [{ name: 'a', data: [1] }], 0),
    ).toThrow(/no finite/);
    expect(() =>
      sqnrMeasure()
        .start()
        .add([{ name: 'a', data: [1] }], [], 0),
    ).toThrow(/Calc loss fail/);
  });
});
