/** Loading: one instance owns one memory. */

export { Arena } from './arena.ts';
/** Errors. */
export { KernelError, type KernelErrorDetail } from './error.ts';

/** The interface of the binary. */
export type { CopyKernels, FloatKernels, KernelExports, StatsKernels } from './exports.ts';
export { compileKernels, type Kernels, type LoadOptions, loadKernels } from './load.ts';
export {
  BiasMode,
  BinaryOp,
  type BinaryOpName,
  NonFinite,
  ReduceOp,
  type ReduceOpName,
  ResizeCoord,
  type ResizeCoordName,
  Rounding,
  UnaryOp,
  type UnaryOpName,
} from './op-codes.ts';
/** Host-side plans for the N-d kernels. */
export { planBroadcast, planCopy, type StridedPlan } from './plan.ts';
