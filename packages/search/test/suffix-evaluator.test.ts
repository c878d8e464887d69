import { bm168x } from '@q/backend-bm1684x';
import type { Graph, OpPlan, Plan } from '@q/ir';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  allFloatNetwork,
  evaluateInFull,
  type FullEvaluation,
  joinedScores,
  loweredScores,
  measureLayers,
  type NetworkScores,
  referenceOutputs,
  type SuffixEvaluation,
  SuffixEvaluator,
} from '../src/index.ts';
import { int8Plan, toyNetwork, toyRanges, toySamples } from './toy-network.ts';

const graph = toyNetwork();
const layers = graph.ops.map(({ name }) => name);

describe.each([
  ['bm1684', 'F32'],
  ['bm1684x', 'F16'],
] as const)('scores on %s', (processor, floatType) => {
  const plan = int8Plan(processor, toyRanges(graph));
  let evaluation: FullEvaluation;
  let base: Graph;

  beforeAll(async () => {
    const float: Plan = { ...plan, precision: floatType, values: new Map() };
    evaluation = { samples: toySamples, reference: await referenceOutputs(bm168x.lower(graph, float), toySamples) };
    base = allFloatNetwork(bm168x, { graph, plan, floatType, layers });
  });

  /** The layers named in INT8, all others in float; thresholds scaled by `factor`. */
  const only = (int8: readonly string[], factor = 1): Graph => {
    const ops = layers
      .filter((name) => !int8.includes(name))
      .map((name): [string, OpPlan] => [name, { precision: floatType, reason: { code: 'default' } }]);
    return bm168x.lower(graph, { ...plan, values: toyRanges(graph, factor), ops: new Map(ops) });
  };
  const suffix = (options: Partial<SuffixEvaluation> = {}) => SuffixEvaluator.open({ ...evaluation, base, ...options });
  const inFull = (candidates: readonly Graph[], options: Partial<FullEvaluation> = {}) =>
    Promise.all(candidates.map((candidate) => evaluateInFull(candidate, { ...evaluation, ...options })));

  it('equal those of whole runs bit for bit, layer after layer', async () => {
    const evaluator = await suffix();
    for (const layer of layers) {
      const candidates = [only([layer]), only([layer], 0.4)];
      expect(await evaluator.scores(candidates), layer).toEqual(await inFull(candidates));
    }
    evaluator.dispose();
  });

  it('do not depend on the order of calls, on what memory allows to keep, or on what is asked together', async () => {
    const candidates = layers.map((layer) => only([layer], 0.7));
    const expected = await inFull(candidates);
    const together = await suffix();
    expect(await together.scores(candidates)).toEqual(expected);
    const backwards = await suffix();
    const found: Float64Array[] = [];
    for (const candidate of candidates.toReversed()) found.unshift((await backwards.scores([candidate]))[0]!);
    expect(found).toEqual(expected);
    const forgetful = await suffix({ frontierBytes: 0 });
    for (const [index, candidate] of candidates.entries()) {
      expect(await forgetful.scores([candidate])).toEqual([expected[index]]);
    }
    for (const evaluator of [together, backwards, forgetful]) evaluator.dispose();
  });

  it('are right for any set of INT8 layers', async () => {
    const evaluator = await suffix();
    await fc.assert(
      fc.asyncProperty(fc.subarray(layers), fc.constantFrom(0.3, 1, 2), async (int8, factor) => {
        const candidate = only(int8, factor);
        expect(await evaluator.scores([candidate])).toEqual(await inFull([candidate]));
      }),
      { numRuns: 25 },
    );
    evaluator.dispose();
  });

  it('compare the layers that are asked for', async () => {
    const compared = ['gated', 'head'];
    const float: Plan = { ...plan, precision: floatType, values: new Map() };
    const reference = await referenceOutputs(bm168x.lower(graph, float), toySamples, compared);
    const evaluator = await suffix({ compared, reference });
    for (const layer of ['stem', 'gate', 'head']) {
      const candidate = only([layer], 0.5);
      expect(await evaluator.scores([candidate]), layer).toEqual(await inFull([candidate], { compared, reference }));
    }
    evaluator.dispose();
  });

  it('cost less than whole runs, and the same network is run once', async () => {
    const evaluator = await suffix();
    for (const layer of layers) {
      const candidate = only([layer]);
      const [first, second] = await evaluator.scores([candidate, candidate]);
      expect(second).toEqual(first);
    }
    const { baseOperators, candidateOperators, fullOperators } = evaluator.cost;
    // Once for the base's own score, once layer by layer; a parallel branch may be computed again.
    expect(baseOperators).toBeLessThanOrEqual(2.25 * base.ops.length * toySamples.length);
    expect(baseOperators + candidateOperators).toBeLessThan(fullOperators / 2);
    evaluator.dispose();
  });

  it('are the same however the samples are divided', async () => {
    const part = (from: number, to: number) =>
      suffix({
        samples: { length: to - from, sample: (index) => toySamples.sample(from + index) },
        reference: evaluation.reference.slice(from, to),
      });
    const parts = [await part(0, 1), await part(1, 3)];
    const whole = await suffix();
    const [divided, undivided] = [parts, [whole]].map((evaluators) =>
      joinedScores(evaluators.map((evaluator) => loweredScores(bm168x, graph, evaluator))),
    );
    const plans = [1, 0.5].map((factor) => ({ ...plan, values: toyRanges(graph, factor) }));
    expect(await divided!.scores(plans)).toEqual(await undivided!.scores(plans));
    for (const evaluator of [...parts, whole]) evaluator.dispose();
  });

  it('lead to the same sensitivities as whole runs', async () => {
    const methods = ['a', 'b', 'c'].map((method, index) => ({
      method,
      thresholds: new Map([...toyRanges(graph, [1, 0.45, 1][index]!)].map(([name, row]) => [name, row.threshold])),
    }));
    const search = { graph, plan, floatType, layers, methods };
    const evaluator = await suffix();
    const full: NetworkScores = { scores: (candidates) => inFull(candidates) };
    const [fast, naive] = [
      await measureLayers({ ...search, scorer: loweredScores(bm168x, graph, evaluator) }),
      await measureLayers({ ...search, scorer: loweredScores(bm168x, graph, full) }),
    ];
    expect(fast).toEqual(naive);
    // Of equal losses the first method counts.
    expect(fast.layers.every(({ best }) => best.method !== 'c')).toBe(true);
    evaluator.dispose();
  });
});
