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
}
