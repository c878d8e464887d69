import type { KnownOp } from '@q/ir';
import type { Rewrite } from './rewrite.ts';

/**
 * A Clip from 0 behind an operator that can have a Relu is absorbed by it: the operator takes the Clip's name, and the
 * Clip's bound as threshold where that is the smaller one. Only with calibration.
 */
export const absorbClip: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Clip' || op.attributes.min !== 0) return false;
  const { graph, ranges } = state;
  const input = op.inputs[0]!;
  const range = ranges.get(input);
  const at = graph.ops.findIndex((candidate) => candidate.outputs[0] === input);
  const producer = graph.ops[at] as KnownOp | undefined;
  if (range === undefined || producer === undefined || !('doRelu' in producer.attributes)) return false;
  if (graph.outputs.includes(input) || producer.outputs.length !== 1) return false;
  const max = Math.min(op.attributes.max, range.max);
  ranges.set(op.name, { min: -max, max });
  ranges.delete(input);
  graph.values.set(op.name, graph.values.get(input)!);
  graph.values.delete(input);
  const attributes = { ...producer.attributes, doRelu: true };
  graph.ops[at] = { ...producer, name: op.name, outputs: [op.name], attributes } as KnownOp;
  graph.ops = graph.ops.map((other) =>
    other !== op && other.inputs.includes(input)
      ? ({ ...other, inputs: other.inputs.map((name) => (name === input ? op.name : name)) } as KnownOp)
      : other,
  );
  graph.replace(index, undefined);
  return true;
};
