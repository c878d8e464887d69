import { KernelError } from './error.ts';

const ALIGNMENT = 16;
const PAGE_BYTES = 65536;
const MAX_PAGES = 65536;

/**
 * A bump allocator over one WebAssembly memory. It hands out byte addresses, never views: growing the memory detaches
 * every existing view, so make a view where you use it (`f32(ptr, n)`) and drop it.
 *
 * A session allocates what lives long first, takes a `mark()`, and calls `reset(mark)` to drop everything after it.
 */
export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly #base: number;
  #top: number;
  #peak: number;

  /** @param base first byte the host may use: the `heapBase()` of the instance that owns the memory. */
  constructor(memory: WebAssembly.Memory, base: number) {
    this.memory = memory;
    this.#base = alignUp(base);
    this.#top = this.#base;
    this.#peak = this.#base;
  }

  /** Bytes handed out and not yet reset. */
  get usedBytes(): number {
    return this.#top - this.#base;
  }

  /** The largest `usedBytes` so far. */
  get peakBytes(): number {
    return this.#peak - this.#base;
  }

  /** Address of `bytes` fresh bytes, 16-byte aligned, contents unspecified. Grows the memory when needed. */
  alloc(bytes: number): number {
    // Beyond 2^53 sums are not exact, but far beyond the limit, too.
    if (!Number.isInteger(bytes) || bytes < 0) {
      throw new KernelError('An allocation needs a whole, non-negative number of bytes', {
        code: 'kernels.memory.size',
        where: 'Arena.alloc',
        found: String(bytes),
        expected: 'an integer >= 0',
      });
    }
    const start = this.#top;
    const end = alignUp(start + bytes);
    this.#ensure(end, bytes);
    this.#top = end;
    if (end > this.#peak) this.#peak = end;
    return start;
  }

  /** Room for `count` float32 values. */
  allocF32(count: number): number {
    return this.alloc(count * 4);
  }

  /** Copies `data` into fresh memory and returns its address. */
  place(data: ArrayBufferView): number {
    const ptr = this.alloc(data.byteLength);
    this.u8(ptr, data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return ptr;
  }

  /** A position to come back to. */
  mark(): number {
    return this.#top;
  }

  /** Forgets every allocation made since `mark` (all of them without one). The memory itself never shrinks. */
  reset(mark: number = this.#base): void {
    if (!Number.isInteger(mark) || mark < this.#base || mark > this.#top) {
      throw new KernelError('A mark must come from this arena and must not be newer than its last reset', {
        code: 'kernels.memory.size',
        where: 'Arena.reset',
        found: String(mark),
        expected: `${this.#base}..${this.#top}`,
      });
    }
    this.#top = mark;
  }

  f32(ptr: number, count: number): Float32Array {
    return this.#view(Float32Array, ptr, count);
  }

  f64(ptr: number, count: number): Float64Array {
    return this.#view(Float64Array, ptr, count);
  }

  i32(ptr: number, count: number): Int32Array {
    return this.#view(Int32Array, ptr, count);
  }

  i16(ptr: number, count: number): Int16Array {
    return this.#view(Int16Array, ptr, count);
  }

  u16(ptr: number, count: number): Uint16Array {
    return this.#view(Uint16Array, ptr, count);
  }

  i8(ptr: number, count: number): Int8Array {
    return this.#view(Int8Array, ptr, count);
  }

  u8(ptr: number, count: number): Uint8Array {
    return this.#view(Uint8Array, ptr, count);
  }

  #view<T>(type: ViewType<T>, ptr: number, count: number): T {
    const bytes = count * type.BYTES_PER_ELEMENT;
    const have = this.memory.buffer.byteLength;
    const isInside = Number.isInteger(count) && count >= 0 && ptr >= 0 && ptr + bytes <= have;
    if (isInside && ptr % type.BYTES_PER_ELEMENT === 0) return new type(this.memory.buffer, ptr, count);
    throw new KernelError(`No ${type.name} of ${count} elements can be seen at address ${ptr}`, {
      code: 'kernels.memory.view',
      where: 'Arena',
      found: `${count} elements at ${ptr}`,
      expected: `a multiple of ${type.BYTES_PER_ELEMENT}, and an end within ${have} bytes`,
    });
  }

  #ensure(end: number, bytes: number): void {
    const have = this.memory.buffer.byteLength;
    if (end <= have) return;
    const pages = Math.ceil((end - have) / PAGE_BYTES);
    const limit = (): KernelError =>
      new KernelError('The kernel memory cannot grow any further', {
        code: 'kernels.memory.limit',
        where: 'Arena.alloc',
        found: `${bytes} more bytes on top of ${this.usedBytes}`,
        expected: `at most ${MAX_PAGES * PAGE_BYTES} bytes in all (wasm32)`,
        hint: 'use a smaller batch, fewer samples held at once, or split the model',
      });
    if (have / PAGE_BYTES + pages > MAX_PAGES) throw limit();
    // Growing by a quarter at least keeps the number of growths (and of detached views) small.
    const generous = Math.min(Math.max(pages, Math.ceil(have / PAGE_BYTES / 4)), MAX_PAGES - have / PAGE_BYTES);
    for (const ask of [generous, pages]) {
      try {
        this.memory.grow(ask);
        return;
      } catch {
        // The engine may refuse the generous request and grant the exact one.
      }
    }
    throw limit();
  }
}

interface ViewType<T> {
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
}

function alignUp(value: number): number {
  return Math.ceil(value / ALIGNMENT) * ALIGNMENT;
}
