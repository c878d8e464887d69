import { bm168x } from '@q/backend-bm1684x';
import { describe, expect, it } from 'vitest';
import {
  FloatSetTrials,
  findFloatSets,
  goalDocument,
  goalReport,
  rankLayers,
  refinePlan,
  runSensitiveLayer,
  sqnrMeasure,
  withThresholds,
} from '../src/index.ts';
import { toyNetwork, toyRanges, toySamples } from './toy-network.ts';

const graph = toyNetwork();
const values = toyRanges(graph);
const common = { target: bm168x, processor: 'bm1684', graph, values, samples: toySamples };
const shareOf = (share: number) => ({
  method: `KL:${share}`,
  thresholds: new Map([...values].map(([name, { threshold }]) => [name, share * threshold])),
});
const methods = [shareOf(1), shareOf(0.8), shareOf(0.6)];

async function searched() {
  const found = await runSensitiveLayer({ ...common, methods, expectedCos: 2 });
  if (found.kind !== 'searched') throw new Error(found.kind);
  const plan = { ...found.plan, values: new Map(values), ops: new Map() };
  return { ranking: rankLayers(found.layers), plan };
}

describe('a plan that is refined', () => {
  it('measures more, as one network, and no single change betters it', async () => {
    const trials = await FloatSetTrials.open({ ...common, measure: sqnrMeasure() });
    const { ranking, plan } = await searched();
    const floatLayers = [ranking.at(-1)!.layer];
    const refined = await refinePlan({ graph, trials, ranking, plan, floatLayers });
    expect(refined.before).toBe((await trials.trial(plan, floatLayers)).value);
    expect(refined.set.value).toBeGreaterThan(refined.before);
    expect(refined.set).toMatchObject({
      count: 1,
      value: (await trials.trial(refined.plan, refined.set.floatLayers)).value,
    });
    for (const { layer } of ranking) {
      for (const { thresholds } of methods) {
        const changed = withThresholds(refined.plan, new Map([[layer, thresholds.get(layer)!]]));
        const { value } = await trials.trial(changed, refined.set.floatLayers);
        expect(value, layer).toBeLessThanOrEqual(refined.set.value);
      }
      const { value } = await trials.trial(refined.plan, [layer]);
      expect(value, `${layer} in float`).toBeLessThanOrEqual(refined.set.value);
    }
  });

  it('takes float layers as far as they may grow, and none where none may be', async () => {
    const trials = await FloatSetTrials.open({ ...common, measure: sqnrMeasure() });
    const { ranking, plan } = await searched();
    const counts: number[] = [];
    for (const limit of [0, 2]) {
      const { set } = await refinePlan({ graph, trials, ranking, plan, floatLayers: [], limit });
      counts.push(set.floatLayers.length);
    }
    expect(counts).toEqual([0, 2]);
  });

  it('ends with the best so far when the budget is spent', async () => {
    const { ranking, plan } = await searched();
    const trials = await FloatSetTrials.open({ ...common, measure: sqnrMeasure(), budgetMilliseconds: 0 });
    const { set, stopped, tried } = await refinePlan({ graph, trials, ranking, plan, floatLayers: [] });
    expect([set.floatLayers, stopped, tried]).toEqual([[], 'budget', 0]);
  });

  it('is what the goal is judged by', async () => {
    const trials = await FloatSetTrials.open({ ...common, measure: sqnrMeasure() });
    const { ranking, plan } = await searched();
    const found = await findFloatSets({ graph, trials, ranking: [], plan, goal: 1000 });
    const refined = await refinePlan({ graph, trials, ranking, plan, floatLayers: [], limit: 1 });
    const outcome = { found, measure: { name: 'sqnr', unit: ' dB' }, expected: refined.set.value, refined };
    expect(goalDocument(outcome)).toMatchObject({
      isMet: true,
      value: refined.set.value,
      floatMacs: refined.set.floatMacs,
    });
    expect(goalDocument({ ...outcome, expected: 1000 }).isMet).toBe(false);
    const lines = goalReport(outcome).map(({ text }) => text);
    expect(lines.at(-1)).toMatch(/^refined: sqnr from [\d.]+ dB to [\d.]+ dB with 1 layers, \d+ networks$/);
  });
});
