import { readKernelBytes } from '#wasm-bytes';
import { Arena } from './arena.ts';
import { type KernelBinary, supportsFastKernels } from './binary.ts';
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
  /** Which of the two binaries this is. */
  readonly binary: KernelBinary;
  /** Whether the owner of this instance may have convolutions computed by `f32_winograd`, whose sums are not `f32_conv2d`'s. */
  readonly winograd: boolean;
}

export interface CompileOptions {
  /**
   * `fast` wants relaxed SIMD and trades equal bits on all machines for speed; nothing chooses it by itself. Default:
   * `default`.
   */
  readonly binary?: KernelBinary;
  /** Bytes of the binary, for hosts where neither a file nor `fetch` beside the package works. */
  readonly bytes?: BufferSource;
}

export interface LoadOptions extends CompileOptions {
  /** Compiled code from `compileKernels()`, of either binary; without it a binary is read and compiled. */
  readonly module?: WebAssembly.Module;
  /** `Kernels.winograd`. Default: in the fast binary. The memory of the filters that it is used for is four times as large. */
  readonly winograd?: boolean;
  /** Memory to reserve at the start, in 64 KiB pages, when the model's need is known. */
  readonly initialPages?: number;
}

/**
 * Compiles a kernel binary once. The result can be posted to workers.
 *
 * @throws KernelError `kernels.engine.relaxed-simd` (the fast binary in an engine without relaxed SIMD: ask
 * `supportsFastKernels()` before), `kernels.binary.load`.
 */
export async function compileKernels({ binary = 'default', bytes }: CompileOptions = {}): Promise<WebAssembly.Module> {
  if (binary !== 'default' && binary !== 'fast') {
    throw new KernelError(`There is no kernel binary ${String(binary)}`, {
      code: 'kernels.binary.load',
      where: 'compileKernels',
      found: String(binary),
      expected: "'default' or 'fast'",
    });
  }
  if (binary === 'fast' && !supportsFastKernels()) {
    throw new KernelError('The fast kernels need relaxed SIMD, which this engine does not have', {
      code: 'kernels.engine.relaxed-simd',
      where: 'compileKernels',
      expected: 'Node 22 or newer, or a browser with relaxed SIMD',
      hint: "load the default binary, or choose by supportsFastKernels(): 'fast' : 'default'",
    });
  }
  try {
    return await WebAssembly.compile(bytes ?? (await readKernelBytes(binary)));
  } catch (cause) {
    throw new KernelError(
      `The kernel binary could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        code: 'kernels.binary.load',
        where: binary === 'fast' ? 'wasm/kernels-fast.wasm' : 'wasm/kernels.wasm',
        expected: 'a WebAssembly binary and an engine with 128-bit SIMD',
        hint:
          'in a checkout, build @q/kernels-wasm first; in a page whose bundler does not copy the file, pass { bytes } of ' +
          '@q/kernels-wasm/kernels.wasm, or { module }',
      },
      { cause },
    );
  }
}

/**
 * Makes a fresh instance with its own memory.
 *
 * @throws KernelError what `compileKernels` throws, `kernels.binary.stale` (the module is another one), `kernels.memory.limit`
 * (`initialPages`, or the engine gives no more memories).
 */
export async function loadKernels(options: LoadOptions = {}): Promise<Kernels> {
  const module = options.module ?? (await compileKernels(options));
  const exports = await instantiate(module);
  const { memory } = exports;
  const arena = new Arena(memory, exports.heapBase() >>> 0);
  const reserve = (options.initialPages ?? 0) * 65536 - arena.mark();
  if (reserve > 0) {
    // Claimed and given back: the arena grows the memory and reports the limit, if there is one, under its own code.
    arena.alloc(reserve);
    arena.reset();
  }
  const binary = exports.usesRelaxedSimd() === 1 ? 'fast' : 'default';
  return { exports, memory, arena, module, binary, winograd: options.winograd ?? binary === 'fast' };
}

async function instantiate(module: WebAssembly.Module): Promise<KernelExports> {
  if (Object.prototype.toString.call(module) !== '[object WebAssembly.Module]') {
    throw new KernelError('The module is no compiled WebAssembly', {
      code: 'kernels.binary.stale',
      where: 'loadKernels',
      found: Object.prototype.toString.call(module),
      expected: 'a WebAssembly.Module from compileKernels()',
      hint: 'bytes of the binary go to { bytes }',
    });
  }
  const imports = WebAssembly.Module.imports(module).length;
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  const missing = ['memory', 'heapBase', 'usesRelaxedSimd'].filter((name) => !names.includes(name));
  if (missing.length > 0 || imports > 0) {
    throw new KernelError('The module is not a kernel binary of this version', {
      code: 'kernels.binary.stale',
      where: 'loadKernels',
      found: `${imports} imports, exports ${names.slice(0, 5).join(', ')}`,
      expected: 'no imports, and exports `memory`, `heapBase` and `usesRelaxedSimd`',
    });
  }
  try {
    return (await WebAssembly.instantiate(module, {})).exports as unknown as KernelExports;
  } catch (cause) {
    // Engines reserve gigabytes of addresses for each memory, so that there is an end to their number.
    throw new KernelError(
      `No further kernel memory: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        code: 'kernels.memory.limit',
        where: 'loadKernels',
        hint: 'use fewer instances at once, or let those go that are done',
      },
      { cause },
    );
  }
}
