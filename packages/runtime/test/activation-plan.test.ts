import { readFileSync } from 'node:fs';
import { importOnnx } from '@q/ir/onnx';
import { describe, expect, it } from 'vitest';
import { createSession, planActivations } from '../src/index.ts';
import { GraphBuilder } from './graph-builder.ts';

function chain(): ReturnType<GraphBuilder['graph']> {
  const builder = new GraphBuilder();
  builder.input('x', [1, 4, 4]);
  // Permutations read and write different places: no result may live in its operand's memory.
  const a = builder.add({ type: 'top.Permute', name: 'a', inputs: ['x'], attributes: { order: [0, 2, 1] } });
  const b = builder.add({ type: 'top.Permute', name: 'b', inputs: [a], attributes: { order: [0, 2, 1] } });
  builder.add({ type: 'top.Permute', name: 'c', inputs: [b], attributes: { order: [0, 2, 1] } });
  return builder.graph(['c']);
}

describe('planActivations', () => {
  it('gives the bytes of a session without preparing one', async () => {
    const graph = chain();
    const plan = planActivations(graph);
    // Two of the four 64-byte values are alive at any step.
    expect(plan).toEqual({ peakBytes: 128, lowerBoundBytes: 128, unsharedBytes: 256 });
    const session = await createSession(graph);
    expect(session.activationBytes).toBe(plan.peakBytes);
    session.dispose();
  });

  it('counts operators that cannot be executed as ones with memory of their own', () => {
    const graph = chain();
    const ops = graph.ops.map((op) =>
      op.name === 'b' ? { ...op, type: 'unknown' as const, mnemonic: 'top.Strange', attributes: {} } : op,
    );
    expect(planActivations({ ...graph, ops }).peakBytes).toBe(128);
  });

  // A transformer has many small values that live through several layers, which placing by size scatters.
  it.each(['objects-vit', 'objects-mobilenetv3', 'scenes-yolov8'])('needs no more than the lower bound: %s', (name) => {
    const file = new URL(`../../../test-models/${name}/${name}.onnx`, import.meta.url);
    const { peakBytes, lowerBoundBytes, unsharedBytes } = planActivations(importOnnx(readFileSync(file), { name }));
    expect(peakBytes).toBe(lowerBoundBytes);
    expect(peakBytes).toBeLessThan(unsharedBytes / 4);
  });
});
