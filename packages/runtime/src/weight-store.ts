import { elementCount, QError, type TensorType, type TypedArray, type Weight } from '@q/ir';
import type { Heap } from './heap.ts';
import type { ConstantOperand, PackRequest } from './implementation.ts';
import { PlacedSlot, type Slot, TensorSlot } from './slot.ts';
import { type StorageArray, weightInStorage } from './storage.ts';

/** A weight whose data the host may have let go of. */
interface HostWeight {
  readonly type: TensorType;
  readonly data: TypedArray | undefined;
}

/**
 * Weights and folded constants of a graph, and every form of them that kernels asked for. Each form is made once and
 * lives until `dispose`. A store may lie over a parent: weights that it does not replace come from there.
 *
 * Until `releaseHostData` the store refers to the arrays that it was given; afterwards only to what lies in WASM memory, and
 * to own copies of the few weights that operators read on the host.
 */
export class WeightStore {
  readonly #weights: Map<string, HostWeight>;
  readonly #parent: WeightStore | undefined;
  readonly #heap: Heap;
  readonly #memory: WebAssembly.Memory;
  readonly #raw = new Map<string, TensorSlot>();
  readonly #forms = new Map<string, Slot>();
  /** Weights whose data operators asked for on the host, and may ask for again when they are prepared again. */
  readonly #readOnHost = new Set<string>();
  readonly #blocks: number[] = [];
  #bytes = 0;

  constructor(weights: ReadonlyMap<string, Weight>, heap: Heap, memory: WebAssembly.Memory, parent?: WeightStore) {
    this.#weights = new Map(weights);
    this.#heap = heap;
    this.#memory = memory;
    this.#parent = parent;
  }

  /** Bytes that this store holds in WASM memory. */
  get byteLength(): number {
    return this.#bytes;
  }

  has(name: string): boolean {
    return this.#weights.has(name) || (this.#parent?.has(name) ?? false);
  }

  names(): Set<string> {
    return new Set([...(this.#parent?.names() ?? []), ...this.#weights.keys()]);
  }

  /** Makes a computed value a constant. */
  add(name: string, weight: Weight): void {
    this.#weights.set(name, weight);
  }

  /** Host-side data in storage type. */
  operand(name: string): ConstantOperand | undefined {
    const weight = this.#weights.get(name);
    if (weight === undefined) return this.#parent?.operand(name);
    return this.#operandOf(name, weight, () => this.#readOnHost.add(name));
  }

  /**
   * Lets go of the arrays that weights came in, once every operator has been prepared: those may belong to a whole model
   * file. Preparing an operator again finds all forms that it asked for the first time.
   */
  releaseHostData(): void {
    for (const [name, { type, data }] of this.#weights) {
      const isNeeded = this.#readOnHost.has(name) && !this.#raw.has(name);
      this.#weights.set(name, { type, data: isNeeded && data !== undefined ? alone(data) : undefined });
    }
  }

  /** The weight's data as they are, in WASM memory. */
  raw(name: string): TensorSlot {
    if (!this.#weights.has(name) && this.#parent !== undefined) return this.#parent.raw(name);
    let slot = this.#raw.get(name);
    if (slot === undefined) {
      const operand = this.#existing(name);
      slot = new TensorSlot(name, operand.type, this.#memory);
      slot.ptr = this.#keep(this.#heap.place(operand.data), operand.data.byteLength);
      this.#raw.set(name, slot);
    }
    return slot;
  }

  /** A layout of a kernel, filled by a kernel from raw data that need not stay. */
  packed(name: string, request: PackRequest): Slot {
    return this.#form(
      name,
      request.layout,
      (parent) => parent.packed(name, request),
      () => {
        const kept = request.arrange === undefined ? this.#raw.get(name) : undefined;
        // The packed form first: what is given back then lies last, where the next block takes its place.
        const slot = this.#slot(this.#heap.allocate(request.byteLength), request.byteLength);
        const raw = kept?.ptr ?? this.#heap.place(this.#arranged(name, request));
        request.fill(raw, slot.ptr);
        if (kept === undefined) this.#heap.release(raw);
        return slot;
      },
    );
  }

  /** A form computed on the host. */
  derived(name: string, layout: string, make: (weight: ConstantOperand) => ArrayBufferView): Slot {
    return this.#form(
      name,
      layout,
      (parent) => parent.derived(name, layout, make),
      () => this.placed(make(this.#existing(name))),
    );
  }

  /** Read-only data that belong to no weight. */
  placed(data: ArrayBufferView): Slot {
    return this.#slot(this.#heap.place(data), data.byteLength);
  }

  dispose(): void {
    for (const ptr of this.#blocks) this.#heap.release(ptr);
    this.#blocks.length = 0;
    this.#raw.clear();
    this.#forms.clear();
  }

  #form(name: string, layout: string, above: (parent: WeightStore) => Slot, make: () => Slot): Slot {
    if (!this.#weights.has(name) && this.#parent !== undefined) return above(this.#parent);
    const key = `${layout}|${name}`;
    let slot = this.#forms.get(key);
    if (slot === undefined) {
      slot = make();
      this.#forms.set(key, slot);
    }
    return slot;
  }

  #arranged(name: string, request: PackRequest): ArrayBufferView {
    const operand = this.#existing(name);
    return request.arrange?.(operand) ?? operand.data;
  }

  #existing(name: string): ConstantOperand {
    const weight = this.#weights.get(name);
    const operand = weight === undefined ? this.#parent?.operand(name) : this.#operandOf(name, weight);
    if (operand !== undefined) return operand;
    throw new QError(`${name} is not a weight of the graph.`, { code: 'runtime.value.unknown', where: name });
  }

  #operandOf(name: string, { type, data }: HostWeight, note?: () => void): ConstantOperand {
    const fromMemory = () => this.#readBack(name);
    // Widening takes time, and most operators only ask whether there is a weight.
    return {
      type,
      get data() {
        note?.();
        return data === undefined ? fromMemory() : weightInStorage({ type, data }, elementCount(type.shape), name);
      },
    };
  }

  /** A copy of data that the host no longer has. */
  #readBack(name: string): StorageArray {
    const slot = this.#raw.get(name);
    if (slot !== undefined) return slot.view().slice();
    throw new QError(`The session has let go of the data of weight ${name}, of which it holds only packed forms.`, {
      code: 'runtime.weight.released',
      where: name,
      hint: 'read weights from the graph that the session was made of',
    });
  }

  #slot(ptr: number, byteLength: number): Slot {
    const slot = new PlacedSlot(byteLength);
    slot.ptr = this.#keep(ptr, byteLength);
    return slot;
  }

  #keep(ptr: number, byteLength: number): number {
    this.#blocks.push(ptr);
    this.#bytes += byteLength;
    return ptr;
  }
}

/** The data without the rest of the buffer that they lie in. */
function alone(data: TypedArray): TypedArray {
  return data.byteLength === data.buffer.byteLength ? data : data.slice();
}
