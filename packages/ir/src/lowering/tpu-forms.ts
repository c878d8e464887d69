import type { KnownOp } from '../graph.ts';
import type { OpType } from '../operators/index.ts';
import { Refusal } from './context.ts';

/** The `tpu.*` operator that stands for a `top.*` one: its type, operands and the attributes that both have. */
export interface TpuForm {
  readonly type: OpType;
  readonly inputs: readonly (string | null)[];
  readonly attributes: object;
}

/** Top operators whose operands and attributes carry over under the same names. */
const SAME: readonly string[] = [
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Max',
  'Min',
  'AddConst',
  'SubConst',
  'MulConst',
  'MaxConst',
  'MinConst',
  'Reciprocal',
  'Pow',
  'Pow2',
  'Pow3',
  'Relu',
  'LeakyRelu',
  'Clip',
  'Softmax',
  'Compare',
  'CompareConst',
  'Where',
  'Scale',
  'LayerNorm',
  'GroupNorm',
  'InstanceNorm',
  'PixelNorm',
  'RMSNorm',
  'Reduce',
  'Concat',
  'Permute',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Pad',
  'Depth2Space',
  'ShuffleChannel',
  'SwapChannel',
  'SwapDimInner',
  'Reverse',
  'Upsample',
  'Gather',
  'TopK',
  'Arg',
  'MatMul',
];

/** Modes of `tpu.Active`. */
const ACTIVE: Readonly<Record<string, string>> = {
  'top.Tanh': 'TANH',
  'top.Exp': 'EXP',
  'top.Sqrt': 'SQRT',
  'top.Rsqrt': 'RSQRT',
  'top.Abs': 'ABSVAL',
  'top.Log': 'LN',
  'top.Round': 'ROUND',
  'top.Ceil': 'CEIL',
  'top.Floor': 'FLOOR',
  'top.Sin': 'SIN',
  'top.Cos': 'COS',
  'top.Mish': 'MISH',
  'top.HardSwish': 'HSWISH',
  'top.SiLU': 'SILU',
  'top.Arccos': 'ARCCOS',
  'top.Arctanh': 'ARCTANH',
  'top.Sinh': 'SINH',
  'top.Cosh': 'COSH',
  'top.Tan': 'TAN',
  'top.Sign': 'SIGN',
  'top.Erf': 'ERF',
  'top.Softplus': 'SOFT_PLUS',
  'top.Softsign': 'SOFT_SIGN',
};

const GELU_MODES: Readonly<Record<string, string>> = { normal: 'GELU', tanh: 'TGELU', sigm: 'QGELU' };

function active(op: KnownOp): TpuForm | undefined {
  const form = (mode: string, coeffs?: readonly number[]): TpuForm => ({
    type: 'tpu.Active',
    inputs: op.inputs,
    attributes: { mode, ...(coeffs === undefined ? {} : { coeffs }) },
  });
  switch (op.type) {
    case 'top.Sigmoid':
      return form(op.attributes.log ? 'LOG_SIGMOID' : 'SIGMOID');
    case 'top.GELU':
      return form(GELU_MODES[op.attributes.approxMode] ?? 'GELU');
    case 'top.Elu':
      return form('ELU', [op.attributes.alpha]);
    case 'top.Swish':
      return form('SWISH', [op.attributes.beta]);
    case 'top.HardSigmoid':
      return form('HSIGMOID', [op.attributes.beta, op.attributes.alpha]);
    default:
      return ACTIVE[op.type] === undefined ? undefined : form(ACTIVE[op.type]!);
  }
}

function pool(op: KnownOp, poolMode: string): TpuForm {
  const { kernelShape } = op.attributes as { kernelShape: readonly number[] };
  if (kernelShape.length > 2) refuseOp(op, `pooling in ${kernelShape.length} dimensions`, 'one or two dimensions');
  const type = kernelShape.length === 1 ? 'tpu.Pool1D' : 'tpu.Pool2D';
  return { type, inputs: op.inputs, attributes: { ...op.attributes, poolMode } };
}

function convolution(op: KnownOp, type: 'tpu.Conv2D' | 'tpu.Deconv'): TpuForm {
  const { kernelShape } = op.attributes as { kernelShape: readonly number[] };
  if (kernelShape.length > 2) refuseOp(op, `convolution in ${kernelShape.length} dimensions`, 'one or two dimensions');
  return { type, inputs: op.inputs, attributes: { ...op.attributes, withBias: op.inputs[2] != null } };
}

/** Throws the refusal of an operator that has no form here. */
export function refuseOp(op: KnownOp, found: string, expected: string): never {
  throw new Refusal({ code: 'lower.unsupported-operator', where: `${op.type} ${op.name}`, found, expected });
}

/** The form of any operator that the lowering knows. */
export function tpuFormOf(op: KnownOp): TpuForm {
  switch (op.type) {
    case 'top.Conv':
      return convolution(op, 'tpu.Conv2D');
    case 'top.Deconv':
      return convolution(op, 'tpu.Deconv');
    case 'top.MaxPool':
      return pool(op, 'Max');
    case 'top.AvgPool':
      return pool(op, 'Avg');
    case 'top.PRelu':
      return { type: 'tpu.PReluOp', inputs: op.inputs, attributes: {} };
    case 'top.Reshape':
    case 'top.Tile':
      // A shape or repeat count that was an operand is an attribute by now.
      return {
        type: op.type === 'top.Tile' ? 'tpu.Tile' : 'tpu.Reshape',
        inputs: [op.inputs[0]!],
        attributes: op.attributes,
      };
    case 'top.Interp':
      return { type: 'tpu.Interp', inputs: [op.inputs[0]!], attributes: op.attributes };
    default:
      break;
  }
  const activation = active(op);
  if (activation) return activation;
  const name = op.type.slice('top.'.length);
  if (SAME.includes(name)) return { type: `tpu.${name}` as OpType, inputs: op.inputs, attributes: op.attributes };
  return refuseOp(op, 'no definition in this lowering', 'an operator of the documented list');
}

/** Operators that only float lowerings of some families have; attributes and operands are those of the Top dialect. */
const FLOAT_ONLY: readonly string[] = [
  'CumSum',
  'DeformConv2D',
  'GatherElements',
  'GatherND',
  'GridSampler',
  'GRU',
  'LogB',
  'LRN',
  'LSTM',
  'MaskedFill',
  'Mod',
  'Remainder',
  'RoiAlign',
  'ScatterElements',
  'ScatterND',
  'Trilu',
];

/**
 * `tpuFormOf`, and beyond it what processors with a general float unit execute: recurrent networks, samplers, indexed
 * reads and writes, convolutions and pools in three dimensions.
 */
export function extendedFormOf(op: KnownOp): TpuForm {
  const name = op.type.slice('top.'.length);
  if (FLOAT_ONLY.includes(name)) return { type: `tpu.${name}` as OpType, inputs: op.inputs, attributes: op.attributes };
  const isVolume = 'kernelShape' in op.attributes && (op.attributes.kernelShape as readonly number[]).length === 3;
  if (isVolume && op.type === 'top.Conv') {
    return { type: 'tpu.Conv3D', inputs: op.inputs, attributes: { ...op.attributes, withBias: op.inputs[2] != null } };
  }
  if (isVolume && (op.type === 'top.MaxPool' || op.type === 'top.AvgPool')) {
    const poolMode = op.type === 'top.MaxPool' ? 'Max' : 'Avg';
    return { type: 'tpu.Pool3D', inputs: op.inputs, attributes: { ...op.attributes, poolMode } };
  }
  return tpuFormOf(op);
}
