import type { DType } from './dtype.ts';

/** Range known from a calibration table; the data are still float (`!quant.calibrated<f32<min:max>>`). */
export interface Calibrated {
  readonly kind: 'calibrated';
  readonly min: number;
  readonly max: number;
}

/** Integers that stand for reals: real = scale · (q − zeroPoint) (`!quant.uniform<i8:f32, scale:zeroPoint>`). */
export interface Uniform {
  readonly kind: 'uniform';
  /** Float type that the reals are computed in around this tensor; it changes how casts round (numerics.md 6.2). */
  readonly expressed: 'f32' | 'f16' | 'bf16';
  readonly scale: number;
  readonly zeroPoint: number;
  /** Narrower than the storage type, e.g. int4 in int8: [−8, 7]. */
  readonly storageRange?: readonly [number, number];
}

/** One scale and zero point per index of `axis`. */
export interface UniformPerAxis {
  readonly kind: 'uniformPerAxis';
  readonly expressed: 'f32' | 'f16' | 'bf16';
  readonly axis: number;
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly storageRange?: readonly [number, number];
}

export type Quantization = Calibrated | Uniform | UniformPerAxis;

export interface TensorType {
  /** Static dimensions, outermost first; rank 0 does not occur in a finished graph (scalars are `[1]`). */
  readonly shape: readonly number[];
  /** Storage type: `f32` for float and calibrated tensors, `i8`/`u8`/… for quantized ones. */
  readonly dtype: DType;
  readonly quantization?: Quantization;
  /** How `.mlir` spells the integers of a weight (`i8`, `si16`), where TPU-MLIR departs from its own habit. */
  readonly spelling?: string;
}
