import type { Precision } from '@q/ir';

/** What differs between the processors of the BM1684X lowering (numerics.md 1.1, 7.7, 11, 12). */
export interface Processor {
  readonly name: string;
  /** bm1688 and cv186x count as one predicate upstream. */
  readonly isBm1688: boolean;
  /** Top operators that run in F32 where F16 is asked for, beyond those that always do. */
  readonly f16Refused: ReadonlySet<string>;
  /** The same where BF16 is asked for. */
  readonly bf16Refused: ReadonlySet<string>;
  /** Has INT4 activations. */
  readonly hasInt4: boolean;
  /** INT8 products can have one weight scale per column (`--matmul_perchannel`). */
  readonly hasPerChannelMatMul: boolean;
  /** Lanes that channels are spread over; weight-only products are split at multiples of it (numerics.md 13). */
  readonly lanes: number;
  readonly cores: number;
  /** A 16-bit Softmax reaches over at most half of it. */
  readonly localMemoryBankBytes: number;
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
  bf16Refused: new Set(['top.Div', 'top.Erf', 'top.GELU', 'top.SiLU']),
  hasInt4: false,
  hasPerChannelMatMul: true,
  lanes: 64,
  cores: 1,
  localMemoryBankBytes: 16384,
  requantColumns: 3,
  matMulBiasNarrowed: true,
  hasInt16Outputs: true,
  fusesFloatTables: true,
};

const BM1688: Processor = {
  name: 'bm1688',
  isBm1688: true,
  f16Refused: new Set(['top.SiLU']),
  bf16Refused: new Set(['top.LayerNorm', 'top.SiLU']),
  hasInt4: true,
  hasPerChannelMatMul: true,
  lanes: 32,
  cores: 2,
  localMemoryBankBytes: 8192,
  requantColumns: 2,
  matMulBiasNarrowed: false,
  hasInt16Outputs: true,
  fusesFloatTables: true,
};

const BM1690: Processor = {
  name: 'bm1690',
  isBm1688: false,
  f16Refused: new Set(['top.Div', 'top.Erf', 'top.GELU', 'top.HardSigmoid', 'top.Arg']),
  bf16Refused: new Set(['top.Div', 'top.Erf', 'top.GELU']),
  hasInt4: false,
  hasPerChannelMatMul: false,
  lanes: 64,
  cores: 8,
  localMemoryBankBytes: 16384,
  requantColumns: 2,
  matMulBiasNarrowed: true,
  hasInt16Outputs: false,
  fusesFloatTables: false,
};

export const PROCESSORS: ReadonlyMap<string, Processor> = new Map(
  [BM1684X, BM1688, { ...BM1688, name: 'cv186x' }, BM1690].map((processor) => [processor.name, processor]),
);

/** Precisions that every processor of the family has. */
const COMMON: readonly Precision[] = ['INT8', 'W4INT8', 'F16', 'BF16', 'F32', 'W8F16', 'W8BF16', 'W4F16', 'W4BF16'];

/** Precisions that the lowering defines on a processor; the plan may name others, which are then refused. */
export function precisionsOf(processor: Processor): readonly Precision[] {
  return processor.hasInt4 ? [...COMMON, 'INT4'] : COMMON;
}

/** Precisions whose activations are integers. */
export function isIntegerPrecision(precision: Precision): boolean {
  return precision === 'INT8' || precision === 'INT4' || precision === 'W4INT8';
}

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

/** The same when BF16 is asked for. */
export const BF16_RUNS_F32: ReadonlySet<string> = new Set(
  [
    'Arg',
    'DeformConv2D',
    'GridSampler',
    'GRU',
    'LRN',
    'LSTM',
    'Mish',
    'Mod',
    'Nms',
    'Reciprocal',
    'Remainder',
    'Reverse',
    'Rsqrt',
    'Sigmoid',
    'Softplus',
    'Softsign',
    'Sqrt',
    'Swish',
    'Tan',
    'TopK',
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
