import type { Kernels } from '@q/kernels-wasm';

interface Block {
  ptr: number;
  bytes: number;
}

const ALIGNMENT = 16;
const heaps = new WeakMap<Kernels, Heap>();

/** The heap over a kernel instance's memory; sessions that share an instance share it. */
export function heapOf(kernels: Kernels): Heap {
  let heap = heaps.get(kernels);
  if (heap === undefined) {
    heap = new Heap(kernels);
    heaps.set(kernels, heap);
  }
  return heap;
}

/**
 * Blocks over the arena that can be given back, for what sessions, operator benches and observers hold. The arena itself
 * only grows; freed blocks are merged and reused, smallest fitting first.
 */
export class Heap {
  readonly #kernels: Kernels;
  readonly #used = new Map<number, number>();
  #free: Block[] = [];

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  get usedBytes(): number {
    let sum = 0;
    for (const bytes of this.#used.values()) sum += bytes;
    return sum;
  }

  /** Address of `bytes` bytes (at least 16), 16-byte aligned, contents unspecified. May grow the memory. */
  allocate(bytes: number): number {
    // What is no size, the arena refuses under its code.
    if (!(bytes >= 0)) return this.#kernels.arena.alloc(bytes);
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    const ptr = this.#takeFree(size) ?? this.#extendLast(size) ?? this.#kernels.arena.alloc(size);
    this.#used.set(ptr, size);
    return ptr;
  }

  /** Copies `data` into a new block. */
  place(data: ArrayBufferView): number {
    const ptr = this.allocate(data.byteLength);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    new Uint8Array(this.#kernels.memory.buffer, ptr, data.byteLength).set(bytes);
    return ptr;
  }

  /** Gives a block back. Addresses that are not in use are ignored. */
  release(ptr: number): void {
    const bytes = this.#used.get(ptr);
    if (bytes === undefined) return;
    this.#used.delete(ptr);
    const at = this.#free.findIndex((block) => block.ptr > ptr);
    this.#free.splice(at < 0 ? this.#free.length : at, 0, { ptr, bytes });
    this.#free = mergeNeighbours(this.#free);
  }

  #takeFree(size: number): number | undefined {
    let best: Block | undefined;
    for (const block of this.#free) {
      if (block.bytes >= size && (best === undefined || block.bytes < best.bytes)) best = block;
    }
    if (best === undefined) return undefined;
    const { ptr } = best;
    best.ptr += size;
    best.bytes -= size;
    if (best.bytes === 0) this.#free = this.#free.filter((block) => block !== best);
    return ptr;
  }

  /** A free block at the end of the arena is made long enough, instead of leaving a hole there. */
  #extendLast(size: number): number | undefined {
    const last = this.#free.at(-1);
    if (last === undefined || last.ptr + last.bytes !== this.#kernels.arena.mark()) return undefined;
    this.#kernels.arena.alloc(size - last.bytes);
    this.#free.pop();
    return last.ptr;
  }
}

function mergeNeighbours(blocks: readonly Block[]): Block[] {
  const merged: Block[] = [];
  for (const block of blocks) {
    const last = merged.at(-1);
    if (last !== undefined && last.ptr + last.bytes === block.ptr) last.bytes += block.bytes;
    else merged.push({ ...block });
  }
  return merged;
}
