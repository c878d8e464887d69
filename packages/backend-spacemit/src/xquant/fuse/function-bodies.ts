import { type ModelWire, type NodeWire, onnxNode } from '@q/ir/onnx';
import type { FusedGroup } from './fused-group.ts';

export type OnnxFunction = NonNullable<ModelWire['functions']>[number];

export const DOMAIN = 'spacemit_functions';

const INT = 2;
const INTS = 7;

/**
 * What a fused operator computes, in standard operators of opset 13 and later, for runtimes without the vendor's operator. No
 * constant has a float type, so that the same body serves half floats.
 */
export function functionBody(opType: FusedGroup['opType'], opset: number): OnnxFunction {
  const { attribute, input, node } = opType === 'YoloDecode' ? yoloDecode() : windowing();
  const opsetImport = [{ domain: '', version: opset }];
  return { name: opType, domain: DOMAIN, input, output: ['output'], attribute, node, opsetImport };
}

type Body = { attribute: string[]; input: string[]; node: NodeWire[] };

const make = (
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: Parameters<typeof onnxNode>[4] = {},
) => onnxNode(opType, output, inputs, [output], attributes);
const ints = (output: string, values: readonly number[]) => make('Constant', [], output, { value_ints: values });

/** A one-element list with an attribute of the call. */
function attributeList(name: string): NodeWire[] {
  const scalar: NodeWire = make('Constant', [], `${name}_scalar`);
  scalar.attribute = [{ name: 'value_int', type: INT, refAttrName: name }];
  return [scalar, make('Mul', [`${name}_scalar`, 'one'], `${name}_list`)];
}

/** [b, 4 · reg_max + num_class, n] to boxes (centre, size) and scores [b, 4 + num_class, n]. */
function yoloDecode(): Body {
  const shapes = [
    ints('one', [1]),
    ints('four', [4]),
    ints('rest', [-1]),
    ints('batch_four', [0, 4]),
    ints('corners', [2, 2]),
    ints('sides_shape', [0, 4, -1]),
    ints('filter_shape', [1, -1, 1, 1]),
    ...attributeList('reg_max'),
    ...attributeList('num_class'),
    make('Mul', ['reg_max_list', 'four'], 'box_channels'),
    make('Concat', ['box_channels', 'num_class_list'], 'channels', { axis: 0 }),
    make('Concat', ['batch_four', 'reg_max_list', 'rest'], 'bins_shape', { axis: 0 }),
  ];
  const split = onnxNode('Split', 'split', ['input', 'channels'], ['box', 'score'], { axis: 1 });
  const sides = [
    make('Reshape', ['box', 'bins_shape'], 'bins'),
    make('Transpose', ['bins'], 'bins_first', { perm: [0, 2, 1, 3] }),
    make('Softmax', ['bins_first'], 'distribution', { axis: 1 }),
    make('Reshape', ['flat_weight', 'filter_shape'], 'filter'),
    make('Conv', ['distribution', 'filter'], 'expectation', { kernel_shape: [1, 1] }),
    make('Reshape', ['expectation', 'sides_shape'], 'sides'),
    onnxNode('Split', 'sides_split', ['sides', 'corners'], ['left_top', 'right_bottom'], { axis: 1 }),
  ];
  const boxes = [
    make('Sub', ['sub_const', 'left_top'], 'first'),
    make('Add', ['add_const', 'right_bottom'], 'second'),
    make('Mean', ['first', 'second'], 'centre'),
    make('Sub', ['second', 'first'], 'size'),
    make('Concat', ['centre', 'size'], 'cells', { axis: 1 }),
    make('Mul', ['cells', 'mul_const'], 'pixels'),
    make('Sigmoid', ['score'], 'probability'),
    make('Concat', ['pixels', 'probability'], 'output', { axis: 1 }),
  ];
  const input = ['input', 'flat_weight', 'sub_const', 'add_const', 'mul_const'];
  return { attribute: ['num_class', 'reg_max'], input, node: [...shapes, split, ...sides, ...boxes] };
}

function windowing(): Body {
  const turn = make('Transpose', ['apart'], 'turned');
  turn.attribute = [{ name: 'perm', type: INTS, refAttrName: 'perm' }];
  const [first, last] = ['shape_before_transpose', 'shape_after_transpose'];
  const node = [make('Reshape', ['x', first], 'apart'), turn, make('Reshape', ['turned', last], 'output')];
  return { attribute: ['window_size', 'perm'], input: ['x', first, last], node };
}
