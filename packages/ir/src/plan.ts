import type { CalibrationSections } from './tables/calibration-table.ts';

/** Precisions of `model_deploy --quantize` and of quantize tables. */
export type Precision =
  | 'INT8'
  | 'UINT8'
  | 'INT4'
  | 'F16'
  | 'BF16'
  | 'F32'
  | 'W8F16'
  | 'W8BF16'
  | 'W4F16'
  | 'W4BF16'
  | 'W4INT8';

/** Why an op runs in the precision it has, with the evidence. */
export type Reason =
  | { readonly code: 'default' }
  | { readonly code: 'user'; readonly rule: string }
  | { readonly code: 'unsupported'; readonly processor: string }
  | { readonly code: 'shape-computation' }
  | { readonly code: 'sensitivity'; readonly loss: number }
  | { readonly code: 'neighbour'; readonly of: string }
  | { readonly code: 'budget'; readonly maxFloatLayers: number };

/** What calibration says of one value: a row of the calibration table. */
export interface ValueRange {
  /** Symmetric clip bound T > 0, in the value's own unit. */
  readonly threshold: number;
  /** Observed extremes (or the asymmetric bounds of methods that define them). */
  readonly min: number;
  readonly max: number;
  /** Method that chose the threshold, e.g. `kl`. */
  readonly method?: string;
}

export interface OpPlan {
  readonly precision: Precision;
  readonly reason: Reason;
  /** Weights that share a scale, of weight-only precisions: third column of a quantize table. */
  readonly groupSize?: number;
}

/**
 * Choices for a whole network that only some processors know (cli.md 6.1). An absent one is TPU-MLIR's default; a target
 * refuses the ones that it has no definition for (`lower.plan.option`).
 */
export interface PlanOptions {
  /** Weights that share a scale in W4F16, W8F16, W4BF16, W8BF16 (`--q_group_size`); 0: one scale per channel. Default 64. */
  readonly groupSize?: number;
  /** Group scales without zero point (`--q_symmetric`). */
  readonly symmetricGroups?: boolean;
  /** A scale per output column of MatMul weights in INT8 (`--matmul_perchannel`). */
  readonly matmulPerChannel?: boolean;
  /** AvgPool and Softmax in F32 unless `ops` names them (`--high_precision`). */
  readonly highPrecision?: boolean;
  /** Form of GELU (`--gelu_mode`). */
  readonly gelu?: 'normal' | 'tanh' | 'sigm';
}

/** The decision per op and per value. Serialises to `cali_table` + `qtable`, and to JSON with the reasons. */
export interface Plan {
  readonly processor: string;
  /** Precision of every op that `ops` does not name. */
  readonly precision: Precision;
  /** Asymmetric activations (`--asymmetric`). */
  readonly asymmetric: boolean;
  readonly ops: ReadonlyMap<string, OpPlan>;
  /** By value name (`graph.values`). */
  readonly values: ReadonlyMap<string, ValueRange>;
  readonly options?: PlanOptions;
  /** INT4 ranges, layers to quantize asymmetrically, given weight scales: the sections of a calibration table. */
  readonly sections?: CalibrationSections;
}
