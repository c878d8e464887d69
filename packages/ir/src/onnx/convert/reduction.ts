import { axesOf } from '../fold/movement.ts';
import { intAttribute } from '../onnx-graph.ts';
import { type Converter, unsupported } from './conversion.ts';

const reduce: Converter = (node, to) => {
  const axesInput = node.inputs[1];
  if (axesInput && to.constant(axesInput) === undefined)
    throw unsupported(node, 'axes computed at run time', 'constant axes');
  const axes = axesOf(node, to.constant(axesInput)) ?? [];
  if (axes.length === 0 && intAttribute(node, 'noop_with_empty_axes', 0) !== 0) return to.skip(node);
  to.finish(node, 'top.Reduce', {
    inputs: [to.operand(node.inputs[0])],
    attributes: { axes, keepdims: intAttribute(node, 'keepdims', 1) !== 0, mode: node.opType },
  });
};

const arg: Converter = (node, to) => {
  to.finish(node, 'top.Arg', {
    inputs: [to.operand(node.inputs[0])],
    outputs: [`${node.outputs[0]}_${node.opType}`, null],
    attributes: {
      axis: intAttribute(node, 'axis', 0),
      keepdims: intAttribute(node, 'keepdims', 1) !== 0,
      mode: node.opType,
      selectLastIndex: intAttribute(node, 'select_last_index', 0) !== 0,
    },
  });
};

const modes = ['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSum', 'ReduceProd', 'ReduceL1', 'ReduceL2'];

export const reductionConverters: Readonly<Record<string, Converter>> = {
  ...Object.fromEntries(modes.map((mode) => [mode, reduce])),
  ArgMax: arg,
  ArgMin: arg,
};
