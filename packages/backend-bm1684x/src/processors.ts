import type { Precision } from '@q/ir';

/** What differs between the processors of the BM1684X lowering (numerics.md 1.1, 7.7, 11, 12). */
export interface Processor {
  readonly name: string;
  /** bm1688 and cv186x count as one predicate upstream. */
  readonly isBm1688: boolean;
  /** Top operators that run in F32 where F16 is asked for, beyond those that always do. */
  readonly f16Refused: ReadonlySet<string>;
  /** A `tpu.RequantIntAxis` has three columns, or two with shift and zero point packed. */
  readonly requantColumns: 2 | 3;
  /** A MatMul's bias is stored in the operator's float type; otherwise it stays f32. */
  readonly matMulBiasNarrowed: boolean;
  /** Some Conv and MatMul results are 16-bit codes where a float operator reads them. */
  readonly hasInt16Outputs: boolean;
  /** Cast(int8 → float) + Active becomes a float look-up table. */
  readonly fusesFloatTables: boolean;
}

const BM1684X: Processor = {
  name: 'bm1684x',
  isBm1688: false,
  f16Refused: new Set(['top.Div', 'top.Erf', 'top.GELU', 'top.HardSigmoid', 'top.SiLU']),
  requantColumns: 3,
  matMulBiasNarrowed: true,
  hasInt16Outputs: true,
  fusesFloatTables: true,
};

const BM1688: Processor = {
  name: 'bm1688',
  isBm1688: true,
  f16Refused: new Set(['top.SiLU']),
  requantColumns: 2,
  matMulBiasNarrowed: false,
  hasInt16Outputs: true,
  fusesFloatTables: true,
};

const BM1690: Processor = {
  name: 'bm1690',
  isBm1688: false,
  f16Refused: new Set(['top.Div', 'top.Erf', 'top.GELU', 'top.HardSigmoid', 'top.Arg']),
  requantColumns: 2,
  matMulBiasNarrowed: true,
  hasInt16Outputs: false,
  fusesFloatTables: false,
};

export const PROCESSORS: ReadonlyMap<string, Processor> = new Map(
  [BM1684X, BM1688, { ...BM1688, name: 'cv186x' }, BM1690].map((processor) => [processor.name, processor]),
);

/** Precisions that the lowering defines so far; the plan may name others, which are then refused. */
export const PRECISIONS: readonly Precision[] = ['INT8', 'F16', 'F32'];

/** `top.*` operators that run in F32 on every processor of the family when F16 is asked for (numerics.md 12). */
export const F16_RUNS_F32: ReadonlySet<string> = new Set(
  [
    'Arccos',
    'Arctanh',
    'AvgPool',
    'Cos',
    'Cosh',
    'CumSum',
    'DeformConv2D',
    'Elu',
    'InstanceNorm',
    'LRN',
    'Mish',
    'Mod',
    'Nms',
    'Pow',
    'Pow2',
    'Pow3',
    'Reciprocal',
    'Remainder',
    'Reverse',
    'RoiAlign',
    'Rsqrt',
    'Sigmoid',
    'Sin',
    'Sinh',
    'Softplus',
    'Softsign',
    'Sqrt',
    'Swish',
    'Tan',
    'Tanh',
    'TopK',
    'Trilu',
  ].map((name) => `top.${name}`),
);

/** `top.*` operators without an integer form: the float type that they run in when INT8 is asked for. */
export const INT8_RUNS_FLOAT: ReadonlyMap<string, 'F16' | 'F32'> = new Map([
  ...['Clip', 'Gather', 'GatherElements', 'GridSampler', 'Interp', 'LayerNorm', 'PixelNorm', 'RMSNorm', 'Reduce'].map(
    (name) => [`top.${name}`, 'F16'] as const,
  ),
  ...[
    'Arccos',
    'Arctanh',
    'Arg',
    'ConstantFill',
    'CumSum',
    'Div',
    'GatherND',
    'GroupNorm',
    'GRU',
    'InstanceNorm',
    'LRN',
    'LSTM',
    'MaskedFill',
    'Mod',
    'Nms',
    'Pow3',
    'Range',
    'Remainder',
    'Reverse',
    'RoiAlign',
    'ScatterND',
    'Tan',
    'TopK',
  ].map((name) => [`top.${name}`, 'F32'] as const),
]);
