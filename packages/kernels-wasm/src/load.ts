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
  const instance = await WebAssembly.instantiate(module, { env: { abort: trapAbort } });
  const exports = instance.exports as unknown as KernelExports;
  const memory = exports.memory;
  const missing = (options.initialPages ?? 0) - memory.buffer.byteLength / 65536;
  const arena = new Arena(memory, exports.heapBase() >>> 0);
  if (missing > 0) {
    const mark = arena.mark();
    arena.alloc((options.initialPages ?? 0) * 65536 - mark);
    arena.reset(mark);
  }
  return { exports, memory, arena, module };
}

/** Kernels carry no assertions; this import exists only so that a debug build instantiates too. */
function trapAbort(): never {
  throw new KernelError('A kernel aborted', { code: 'kernels.binary.stale', where: 'wasm/kernels.wasm' });
}
