import { type Emit, type Graph, type Op, QError, type TensorType, typeOf } from '@q/ir';
import type { Kernels } from '@q/kernels-wasm';
import { assignBuffers, type Buffer } from './buffers.ts';
import { fuseSteps } from './fusion.ts';
import { type Heap, heapOf } from './heap.ts';
import { FRESH, type OperandTypes, type RunOp, type Sharing } from './implementation.ts';
import { type Lifetime, planMemory } from './memory-plan.ts';
import { describeOp, OpContext, readsZeroPoints, type Surroundings } from './op-context.ts';
import { implementationOf } from './registry.ts';
import { type PlacedSlot, TensorSlot } from './slot.ts';
import type { WeightStore } from './weight-store.ts';

/** One operator, ready to run. */
export interface Step {
  readonly op: Op;
  readonly run: RunOp;
  /** What to do in a complete run that nobody observes: `run`, unless the step is fused with another. */
  readonly runUnobserved: RunOp;
  /** Present results, in order. */
  readonly outputs: readonly TensorSlot[];
}

export interface Assembly {
  readonly steps: readonly Step[];
  readonly slots: ReadonlyMap<string, TensorSlot>;
  readonly buffers: readonly Buffer[];
  readonly weights: WeightStore;
  /** Bytes of all values and scratch areas, after reuse. */
  readonly activationBytes: number;
  readonly block: number;
  /** Largest |sum| beyond 2^24 by operator, of all runs. */
  readonly accumulators: ReadonlyMap<string, number>;
}

export interface AssembleOptions {
  readonly kernels: Kernels;
  readonly weights: WeightStore;
  /** Values that stay readable after a run, network outputs included. */
  readonly kept: ReadonlySet<string>;
  readonly reuse: boolean;
  readonly emit?: Emit | undefined;
}

/** Prepares every operator and lays out the memory. Nothing is executed. */
export function assemble(graph: Graph, options: AssembleOptions): Assembly {
  const { kernels, weights } = options;
  const slots = valueSlots(graph, weights, kernels.memory);
  const accumulators = new Map<string, number>();
  const surroundings: Surroundings = {
    kernels,
    weights,
    chip: graph.chip,
    asymmetric: readsZeroPoints(graph),
    emit: options.emit,
    accumulators,
    valueSlot: (name) => slots.get(name),
  };
  const prepared = graph.ops.map((op) => {
    const context = new OpContext(op, surroundings);
    const isDone = op.type === 'top.Input' || isFolded(op, weights);
    return { op, context, run: isDone ? nothing : prepareOp(op, context) };
  });
  const buffers = assignBuffers(
    graph.ops.map((op) => ({ inputs: op.inputs, outputs: op.outputs, sharing: sharingOf(op, graph) })),
    {
      bytesOf: (value) => slots.get(value)!.byteLength,
      external: weights.names(),
      kept: options.kept,
      reuse: options.reuse,
    },
  );
  const scratch = prepared.map(({ context }) => context.scratchSlots);
  const placement = place({ buffers, scratch, slots, weights }, heapOf(kernels));
  const fused = fuseSteps(prepared, buffers);
  const steps = prepared.map(
    ({ op, run }, at): Step => ({
      op,
      run,
      runUnobserved: fused.get(at) ?? run,
      outputs: op.outputs.flatMap((name) => (name === null ? [] : [slots.get(name)!])),
    }),
  );
  return { steps, slots, buffers, weights, accumulators, ...placement };
}

/** Calls an implementation's `prepare`; the caller has checked that there is one. */
export function prepareOp(op: Op, context: OpContext): RunOp {
  const implementation = implementationOf(op);
  if (implementation === undefined || op.type === 'unknown') throw unsupported([op]);
  return implementation.prepare(op, context);
}

export function sharingOf(op: Op, graph: Graph): Sharing {
  const implementation = implementationOf(op);
  if (implementation?.sharing === undefined || op.type === 'unknown') return FRESH;
  return implementation.sharing(op, typesOf(op, graph));
}

export function typesOf(op: Op, graph: Graph): OperandTypes {
  const type = (name: string | null): TensorType | null => (name === null ? null : (typeOf(graph, name) ?? null));
  return { inputs: op.inputs.map(type), outputs: op.outputs.map(type) };
}

/** @throws one QError `runtime.operator.unsupported` that lists every operator without an implementation. */
export function checkExecutable(graph: Graph): void {
  const missing = graph.ops.filter((op) => op.type !== 'top.Input' && implementationOf(op) === undefined);
  if (missing.length > 0) throw unsupported(missing);
}

function unsupported(ops: readonly Op[]): QError {
  const issues = ops.map((op) => ({
    code: 'runtime.operator.unsupported',
    where: op.name,
    found: op.type === 'unknown' ? op.mnemonic : op.type,
    expected: 'an operator that the runtime executes',
  }));
  const kinds = [...new Set(issues.map((issue) => issue.found))];
  const message = `The runtime cannot execute ${kinds.join(', ')} (first: ${describeOp(ops[0]!)}).`;
  return new QError(message, issues[0]!, { issues });
}

/** True when all results of an op were computed beforehand. */
function isFolded(op: Op, weights: WeightStore): boolean {
  return op.outputs.every((name) => name === null || weights.has(name));
}

function valueSlots(graph: Graph, weights: WeightStore, memory: WebAssembly.Memory): Map<string, TensorSlot> {
  const slots = new Map<string, TensorSlot>();
  for (const op of graph.ops) {
    for (const name of op.outputs) {
      if (name === null) continue;
      const type = graph.values.get(name);
      if (type === undefined) {
        throw new QError(`${describeOp(op)} has a result ${name} without a type.`, {
          code: 'runtime.value.untyped',
          where: name,
          hint: 'run inferShapes on the graph first',
        });
      }
      slots.set(name, weights.has(name) ? weights.raw(name) : new TensorSlot(name, type, memory));
    }
  }
  return slots;
}

interface Unplaced {
  readonly buffers: readonly Buffer[];
  /** Scratch areas of every step. */
  readonly scratch: readonly (readonly PlacedSlot[])[];
  readonly slots: ReadonlyMap<string, TensorSlot>;
  readonly weights: WeightStore;
}

/** Allocates one block for everything that is not a weight, and gives every slot its address. */
function place({ buffers, scratch, slots, weights }: Unplaced, heap: Heap): { activationBytes: number; block: number } {
  const inside = buffers.filter((buffer) => buffer.external === undefined);
  const areas = scratch.flatMap((areasOfStep, at) => areasOfStep.map((slot) => ({ slot, at })));
  const lifetimes: Lifetime[] = [
    ...inside,
    ...areas.map(({ slot, at }) => ({ bytes: slot.byteLength, from: at, to: at })),
  ];
  const { offsets, totalBytes } = planMemory(lifetimes);
  const block = heap.allocate(totalBytes);
  inside.forEach((buffer, index) => {
    for (const value of buffer.values) slots.get(value)!.ptr = block + offsets[index]!;
  });
  areas.forEach(({ slot }, index) => {
    slot.ptr = block + offsets[inside.length + index]!;
  });
  for (const buffer of buffers) {
    if (buffer.external === undefined || buffer.values.length === 1) continue;
    const { ptr } = weights.raw(buffer.external);
    for (const value of buffer.values) if (value !== buffer.external) slots.get(value)!.ptr = ptr;
  }
  return { activationBytes: totalBytes, block };
}

function nothing(): void {}
