/**
 * Where each Top operator runs on bm1684 (numerics.md 8, 12; tpu-mlir: lib/Conversion/TopToTpu/BM1684). An operator in
 * none of these lists has no definition there.
 */
const named = (...names: readonly string[]): ReadonlySet<string> => new Set(names.map((name) => `top.${name}`));

/** A table of 256 codes. */
export const TABLES = named(
  'Abs',
  'Cos',
  'Elu',
  'Exp',
  'Floor',
  'GELU',
  'HardSigmoid',
  'HardSwish',
  'Log',
  'Mish',
  'Pow',
  'Pow2',
  'Reciprocal',
  'SiLU',
  'Sigmoid',
  'Sign',
  'Sin',
  'Softplus',
  'Softsign',
  'Sqrt',
  'Tanh',
);

/** Codes are chosen or moved, never changed. Squeeze and Unsqueeze are views there, as Reshape. */
export const MOVES = named(
  'Depth2Space',
  'Max',
  'Min',
  'Permute',
  'Relu',
  'Reshape',
  'ShuffleChannel',
  'Slice',
  'Squeeze',
  'SwapDimInner',
  'Tile',
  'Unsqueeze',
  'Upsample',
);

/** A rule of its own each. */
export const RULES = named(
  'Add',
  'AddConst',
  'AvgPool',
  'Compare',
  'CompareConst',
  'Concat',
  'Conv',
  'Deconv',
  'LeakyRelu',
  'MatMul',
  'MaxConst',
  'MaxPool',
  'MinConst',
  'Mul',
  'MulConst',
  'PRelu',
  'Pad',
  'Scale',
  'Sub',
  'SubConst',
  'Where',
);

/** Always F32. */
export const FLOAT_ONLY = named(
  'Arccos',
  'Arctanh',
  'Arg',
  'Clip',
  'ConstantFill',
  'DeformConv2D',
  'Div',
  'GRU',
  'Gather',
  'GatherElements',
  'GatherND',
  'GridSampler',
  'GroupNorm',
  'InstanceNorm',
  'Interp',
  'LRN',
  'LSTM',
  'LayerNorm',
  'MaskedFill',
  'Mod',
  'Nms',
  'Pow3',
  'RMSNorm',
  'Reduce',
  'Remainder',
  'Reverse',
  'RoiAlign',
  'ScatterND',
  'Softmax',
  'TopK',
);

/** Is there a definition at all? */
export function isDefined(type: string): boolean {
  return [TABLES, MOVES, RULES, FLOAT_ONLY].some((list) => list.has(type));
}
