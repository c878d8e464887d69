import type { Graph, Op } from '@q/ir';
import type { Kernels } from '@q/kernels-wasm';
import { OpBench } from './op-bench.ts';
import type { WeightStore } from './weight-store.ts';

/**
 * Computes, once, every op whose operands are all known, and adds the results to `weights`: `DequantizeLinear` of integer
 * weights in a quantized-dequantized model, shape arithmetic that an importer left.
 */
export function foldConstants(graph: Graph, kernels: Kernels, weights: WeightStore): void {
  for (const op of graph.ops) {
    if (!isConstant(op, weights)) continue;
    const bench = new OpBench(op, { graph, kernels, weights });
    bench.run();
    for (const slot of bench.outputs) {
      weights.add(slot.name, { type: { ...slot.type, dtype: slot.dtype }, data: slot.view().slice() });
    }
    bench.dispose();
  }
}

function isConstant(op: Op, weights: WeightStore): boolean {
  if (op.type === 'top.Input') return false;
  return op.inputs.every((name) => name === null || weights.has(name));
}
