import { type Emit, type Graph, type Op, QError, type TensorType } from '@q/ir';
import type { KernelExports, Kernels } from '@q/kernels-wasm';
import type { ConstantOperand, ElementFunction, PackRequest, PrepareContext, RunOp } from './implementation.ts';
import { PlacedSlot, type Slot, type TensorSlot } from './slot.ts';
import type { WeightStore } from './weight-store.ts';

/** Where an operator's operands, results and weights are. */
export interface Surroundings {
  readonly kernels: Kernels;
  readonly weights: WeightStore;
  readonly chip: string;
  readonly asymmetric: boolean;
  readonly emit?: Emit | undefined;
  /** Largest |sum| beyond 2^24 by operator. */
  readonly accumulators?: Map<string, number>;
  /** The slot of a value (not of a weight). */
  valueSlot(name: string): TensorSlot | undefined;
}

/** The `PrepareContext` of one operator. Collects the scratch slots that the planner then places. */
export class OpContext implements PrepareContext {
  readonly scratchSlots: PlacedSlot[] = [];
  /** What the operator offered, if anything. */
  fusion: ((then: ElementFunction) => RunOp) | undefined;
  readonly #op: Op;
  readonly #at: Surroundings;

  constructor(op: Op, surroundings: Surroundings) {
    this.#op = op;
    this.#at = surroundings;
  }

  get kernels(): KernelExports {
    return this.#at.kernels.exports;
  }

  get memory(): WebAssembly.Memory {
    return this.#at.kernels.memory;
  }

  get chip(): string {
    return this.#at.chip;
  }

  get asymmetric(): boolean {
    return this.#at.asymmetric;
  }

  get winograd(): boolean {
    return this.#at.kernels.winograd;
  }

  warn(code: string, message: string): void {
    this.#at.emit?.({ type: 'warning', code, message, where: this.#op.name });
  }

  noteAccumulator(largest: number): void {
    const { accumulators } = this.#at;
    accumulators?.set(this.#op.name, Math.max(largest, accumulators.get(this.#op.name) ?? 0));
  }

  input(index: number): TensorSlot {
    return this.optionalInput(index) ?? this.#absent('operand', index);
  }

  optionalInput(index: number): TensorSlot | null {
    const name = this.#op.inputs[index];
    if (name == null) return null;
    const slot = this.#at.valueSlot(name);
    if (slot !== undefined) return slot;
    if (this.#at.weights.has(name)) return this.#at.weights.raw(name);
    throw new QError(`${this.#op.name} reads ${name}, which nothing produces.`, {
      code: 'runtime.value.unknown',
      where: this.#op.name,
      found: name,
    });
  }

  inputs(): readonly TensorSlot[] {
    return this.#op.inputs.map((_, index) => this.input(index));
  }

  output(index = 0): TensorSlot {
    return this.optionalOutput(index) ?? this.#absent('result', index);
  }

  optionalOutput(index: number): TensorSlot | null {
    const name = this.#op.outputs[index];
    return name == null ? null : (this.#at.valueSlot(name) ?? null);
  }

  constant(index: number): ConstantOperand | undefined {
    const name = this.#op.inputs[index];
    return name == null ? undefined : this.#at.weights.operand(name);
  }

  scratch(byteLength: number): Slot {
    const slot = new PlacedSlot(byteLength);
    this.scratchSlots.push(slot);
    return slot;
  }

  place(data: ArrayBufferView): Slot {
    return this.#at.weights.placed(data);
  }

  pack(index: number, request: PackRequest): Slot {
    return this.#at.weights.packed(this.#weightName(index), request);
  }

  offerFusion(prepare: (then: ElementFunction) => RunOp): void {
    this.fusion = prepare;
  }

  derive(index: number, layout: string, make: (weight: ConstantOperand) => ArrayBufferView): Slot {
    return this.#at.weights.derived(this.#weightName(index), layout, make);
  }

  #weightName(index: number): string {
    return this.#op.inputs[index] ?? this.#absent('operand', index);
  }

  #absent(what: string, index: number): never {
    throw new QError(`${describeOp(this.#op)} lacks its ${what} ${index}.`, {
      code: 'runtime.operand.missing',
      where: this.#op.name,
      expected: `${what} ${index}`,
    });
  }
}

/** Whether the sums and products of a graph read zero points; only a lowered module says that they do not. */
export function readsZeroPoints(graph: Graph): boolean {
  const attribute = graph.moduleAttributes['module.asymmetric'];
  return attribute?.kind !== 'bool' || attribute.value;
}

/** `top.Conv relu1_Relu`: how errors name an operator. */
export function describeOp(op: Op): string {
  return `${op.type === 'unknown' ? op.mnemonic : op.type} ${op.name}`;
}

/** `1x3x8x8 f32, 4x3x3x3 f32`: how errors show operands. */
export function describeTypes(types: readonly (TensorType | null | undefined)[]): string {
  return types.map((type) => (type == null ? 'none' : `${type.shape.join('x')} ${type.dtype}`)).join(', ');
}
