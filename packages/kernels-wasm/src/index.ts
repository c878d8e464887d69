/** Loading: one instance owns one memory. */

export { Arena } from './arena.ts';
export { type KernelBinary, supportsFastKernels } from './binary.ts';
/** Calls that check their arguments. */
export { checkedExports } from './checked.ts';
/** Errors. */
export { KernelError, type KernelErrorDetail } from './error.ts';

/** The interface of the binary. */
export type { CopyKernels, FloatKernels, KernelExports } from './exports.ts';
export { type CompileOptions, compileKernels, type Kernels, type LoadOptions, loadKernels } from './load.ts';
export type { LoweredKernels } from './lowered-exports.ts';
export {
  ActiveOp,
  type ActiveOpName,
  BiasMode,
  BinaryOp,
  type BinaryOpName,
  CastFloat,
  type CastFloatName,
  CastRounding,
  type CastRoundingName,
  CodeOp,
  type CodeOpName,
  CvBlend,
  type CvBlendName,
  CvTable,
  type CvTableName,
  GridMode,
  type GridModeName,
  LoweredReduce,
  type LoweredReduceName,
  NonFinite,
  ReduceOp,
  type ReduceOpName,
  ResizeCoord,
  type ResizeCoordName,
  Rounding,
  ScatterOp,
  type ScatterOpName,
  UnaryOp,
  type UnaryOpName,
} from './op-codes.ts';
/** Host-side plans for the N-d kernels. */
export { planBroadcast, planCopy, type StridedPlan } from './plan.ts';
/** Integer kernels and the scalar definitions that lowering and the runtime build tables with. */
export { AverageFinish, Finish, NormSteps, type QuantizedKernels } from './quantized-exports.ts';
export { roundBf16, roundF16 } from './scalar/float16.ts';
export { loweredDequantize } from './scalar/lowered-casts.ts';
export { tableIndex } from './scalar/lut.ts';
export { type CodeRange, qs8Add, qs8Mul, type ScaledOperand, scaledTerm } from './scalar/qs8-binary.ts';
export { type AccumulatorFinish, finishAccumulator } from './scalar/qs8-conv.ts';
export {
  type AveragePoolFinish,
  forEachWindow,
  type PoolGeometry,
  qs8AveragePool,
  qs8MaxPool,
  windowSpan,
} from './scalar/qs8-pool.ts';
export { type QuantizeParameters, quantizeValue } from './scalar/quantize.ts';
export {
  applyRequant,
  applyRequantCv18xx,
  multiplyByQuantizedMultiplier,
  multiplyShift,
  type Requant,
  type RequantMode,
  roundingShiftRight,
  roundingShiftRightSafe,
  type ShiftRounding,
} from './scalar/requant.ts';
export type { StatsKernels } from './stats-exports.ts';
