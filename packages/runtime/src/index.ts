/** Sessions: one graph, one memory, many runs. */

/** Memory planning, for reports and tests. */
export { type ActivationPlan, planActivations } from './activation-plan.ts';
export { assignBuffers, type Buffer, type BufferRules, type BufferStep } from './buffers.ts';
export type { Feeds, InputFeeds, WriteInput } from './feeds.ts';
/** What runs: the operator table, and the contract for adding to it. */
export type {
  ConstantOperand,
  ElementFunction,
  Implementations,
  OperandTypes,
  OpImplementation,
  PackRequest,
  PrepareContext,
  RunOp,
  Sharing,
} from './implementation.ts';
/** What a program's user may choose for all of its sessions, and its name for records of their results. */
export { isKernelVariant, type KernelVariant, kernelVariant } from './kernel-variant.ts';
export { type Lifetime, lowerBound, type MemoryPlan, planMemory } from './memory-plan.ts';
/** Where an element of a tensor is, for messages about non-finite values. */
export { addressOf, type ElementAddress } from './non-finite.ts';
export { OpBench, type OpBenchOptions } from './op-bench.ts';
export type { InferenceInit } from './pool/inference-task.ts';
/** Workers: data-parallel over samples. */
export { createPool, Pool, type PoolOptions, type SampleReply } from './pool/pool.ts';
export type { Port, WorkerPort } from './pool/protocol.ts';
export type { TaskFactory, WorkerTask } from './pool/task.ts';
export { type PageWorker, wrapWorker } from './pool/wrap-worker.ts';
export { type KernelPreference, preferKernels, preferredKernels } from './preferred-kernels.ts';
export { executableTypes, implementationOf } from './registry.ts';
export { createSession, type Observer, type Outputs, Session, type SessionOptions } from './session.ts';
export type { Slot, TensorSlot } from './slot.ts';
export { bytesPerElement, type StorageArray, type StorageDType, storageOf } from './storage.ts';
/** Networks that differ in part: of each only the difference is executed. */
export { differenceOf, type GraphDifference } from './variants/difference.ts';
export type { Variant } from './variants/variant.ts';
export { openWorkbench, type VariantOptions, type Workbench, type WorkbenchOptions } from './variants/workbench.ts';
