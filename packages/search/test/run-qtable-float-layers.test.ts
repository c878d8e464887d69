import { bm168x } from '@q/backend-bm1684x';
import type { Graph, KnownOp, Weight } from '@q/ir';
import { expect, it } from 'vitest';
import { runQtable } from '../src/index.ts';
import { toyNetwork, toyRanges, toySamples } from './toy-network.ts';

/** A LayerNorm, which runs in float whatever the plan says, between the first Conv and those that read it. */
function withNorm(graph: Graph): Graph {
  const at = graph.ops.findIndex(({ name }) => name === 'stem');
  const type = graph.values.get('stem')!;
  const norm = {
    type: 'top.LayerNorm',
    name: 'norm',
    inputs: ['stem', 'norm.w', 'norm.b'],
    outputs: ['norm'],
    attributes: { axis: 3, eps: 1e-5, normalizedShape: [6] },
  } as unknown as KnownOp;
  const later = graph.ops.slice(at + 1).map((op) => ({
    ...op,
    inputs: op.inputs.map((input) => (input === 'stem' ? 'norm' : input)),
  }));
  const weight = (value: number): Weight => ({
    type: { shape: [6], dtype: 'f32' },
    data: new Float32Array(6).fill(value),
  });
  return {
    ...graph,
    ops: [...graph.ops.slice(0, at + 1), norm, ...later] as Graph['ops'],
    values: new Map([...graph.values, ['norm', type]]),
    weights: new Map([...graph.weights, ['norm.w', weight(1)], ['norm.b', weight(0)]]),
  };
}

it('run_qtable walks on behind a layer that is in float in the INT8 network, too', async () => {
  const graph = withNorm(toyNetwork());
  const lowered = bm168x.lower(graph, {
    processor: 'bm1684x',
    precision: 'INT8',
    asymmetric: false,
    ops: new Map(),
    values: toyRanges(graph),
  });
  expect(lowered.values.get('norm')?.quantization?.kind).not.toBe('uniform');
  const outcome = await runQtable({
    target: bm168x,
    processor: 'bm1684x',
    graph,
    values: toyRanges(graph),
    samples: toySamples,
    expectedCos: 2,
    minLayerCos: 2,
  });
  if (outcome.kind !== 'searched') throw new Error(outcome.kind);
  expect(outcome.floatLayers.slice(0, 2)).toEqual(['stem', 'norm']);
  expect(outcome.layers.length).toBeGreaterThan(1);
  expect(outcome.end).toBe('too-many');
});
