import { readKernelBytes } from '#wasm-bytes';
import { Arena } from './arena.ts';
import { KernelError } from './error.ts';
import type { KernelExports } from './exports.ts';

/** One instance of the kernel binary with a memory of its own. Instances share nothing but compiled code. */
export interface Kernels {
  readonly exports: KernelExports;
  readonly memory: WebAssembly.Memory;
  /** The host's allocator over `memory`, starting at `heapBase()`. */
  readonly arena: Arena;
  /** The compiled code; post it to workers and pass it to `loadKernels({ module })` there. */
  readonly module: WebAssembly.Module;
}

export interface LoadOptions {
  /** Compiled code from `compileKernels()`; without it the binary is read and compiled. */
  readonly module?: WebAssembly.Module;
  /** Bytes of the binary, for hosts where neither a file nor `fetch` beside the package works. */
  readonly bytes?: BufferSource;
  /** Memory to reserve at the start, in 64 KiB pages, when the model's need is known. */
  readonly initialPages?: number;
}

/** Compiles the kernel binary once. The result can be posted to workers. */
export async function compileKernels(bytes?: BufferSource): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes ?? (await readKernelBytes()));
  } catch (cause) {
    throw new KernelError(
      `The kernel binary could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        code: 'kernels.binary.load',
        where: 'wasm/kernels.wasm',
        expected: 'a WebAssembly binary and an engine with 128-bit SIMD',
        hint: 'in a checkout, build @q/kernels-wasm first; elsewhere pass { bytes } or { module }',
      },
      { cause },
    );
  }
}

/** Makes a fresh instance with its own memory. */
export async function loadKernels(options: LoadOptions = {}): Promise<Kernels> {
  const module = options.module ?? (await compileKernels(options.bytes));
  const instance = await WebAssembly.instantiate(module, {});
  const exports = instance.exports as unknown as KernelExports;
  const memory = exports.memory;
  if (!(memory instanceof WebAssembly.Memory) || typeof exports.heapBase !== 'function') {
    throw new KernelError('The module is not a kernel binary', {
      code: 'kernels.binary.stale',
      where: 'loadKernels',
      found: Object.keys(exports).slice(0, 5).join(', '),
      expected: 'exports `memory` and `heapBase`',
    });
  }
  const arena = new Arena(memory, exports.heapBase() >>> 0);
  const reserve = (options.initialPages ?? 0) * 65536 - arena.mark();
  if (reserve > 0) {
    // Claimed and given back: the arena grows the memory and reports the limit, if there is one, under its own code.
    arena.alloc(reserve);
    arena.reset();
  }
  return { exports, memory, arena, module };
}
