import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  ActiveOp,
  Arena,
  BinaryOp,
  CastFloat,
  CastRounding,
  CodeOp,
  CvBlend,
  CvTable,
  compileKernels,
  GridMode,
  KernelError,
  LoweredReduce,
  loadKernels,
  ReduceOp,
  ResizeCoord,
  ScatterOp,
  UnaryOp,
} from '../src/index.ts';

const file = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Names of the functions that the typed interface declares. */
function declaredExports(): string[] {
  const sources = readdirSync(file('src')).filter((name) => name.endsWith('exports.ts'));
  return sources
    .map((name) => readFileSync(file(`src/${name}`), 'utf8'))
    .flatMap((text) =>
      [...text.matchAll(/^ {2}([a-z]\w*)\($/gm), ...text.matchAll(/^ {2}([a-z]\w*)\((?:\.{3})?\w.*\): /gm)].map(
        (m) => m[1]!,
      ),
    );
}

const CODES = {
  ActiveOp,
  BinaryOp,
  CastFloat,
  CastRounding,
  CodeOp,
  CvBlend,
  CvTable,
  GridMode,
  LoweredReduce,
  ReduceOp,
  ResizeCoord,
  ScatterOp,
  UnaryOp,
};

describe('the binary', () => {
  it('exports exactly what the typed interface declares', async () => {
    const module = await compileKernels();
    const actual = WebAssembly.Module.exports(module)
      .filter((e) => e.kind === 'function')
      .map((e) => e.name);
    expect(actual.sort()).toEqual([...declaredExports(), 'heapBase', 'usesRelaxedSimd'].sort());
    expect(WebAssembly.Module.imports(module)).toEqual([]);
  });

  it('and its op codes are those of the host', () => {
    const text = readFileSync(file('assembly/op-codes.ts'), 'utf8');
    for (const [name, codes] of Object.entries(CODES)) {
      const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(text)![1]!;
      expect(Object.fromEntries([...body.matchAll(/(\w+) = (\d+)/g)].map((m) => [m[1], Number(m[2])]))).toEqual(codes);
    }
  });
});

describe('loadKernels', () => {
  it('gives every instance its own memory', async () => {
    const module = await compileKernels();
    const a = await loadKernels({ module });
    const b = await loadKernels({ module, initialPages: 100 });
    expect(a.memory).not.toBe(b.memory);
    expect(b.memory.buffer.byteLength).toBeGreaterThanOrEqual(100 * 65536);
    expect(b.arena.usedBytes).toBe(0);
    const ptr = a.arena.place(Float32Array.from([1, 2]));
    b.arena.alloc(8);
    expect([...a.arena.f32(ptr, 2)]).toEqual([1, 2]);
  });

  it('reports a broken binary with a code', async () => {
    const failure = await compileKernels({ bytes: new Uint8Array([1, 2, 3]) }).catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(KernelError);
    expect(failure).toMatchObject({ code: 'kernels.binary.load', where: 'wasm/kernels.wasm' });
    const empty = await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
    await expect(loadKernels({ module: empty })).rejects.toMatchObject({ code: 'kernels.binary.stale' });
  });

  it('reports what is no module, and a binary that there is not, as callers without types hand them over', async () => {
    const bytes = readFileSync(file('wasm/kernels.wasm'));
    for (const module of [{}, 'kernels.wasm', bytes] as unknown as WebAssembly.Module[])
      await expect(loadKernels({ module })).rejects.toMatchObject({
        code: 'kernels.binary.stale',
        hint: expect.stringContaining('{ bytes }'),
      });
    await expect(compileKernels({ binary: 'quick' as 'fast' })).rejects.toMatchObject({
      code: 'kernels.binary.load',
      found: 'quick',
    });
    expect((await loadKernels({ bytes })).binary).toBe('default');
  });
});

describe('Arena', () => {
  it('aligns, marks, resets and grows', async () => {
    const { arena, exports } = await loadKernels();
    const first = arena.alloc(3);
    const second = arena.alloc(5);
    expect(first).toBeGreaterThanOrEqual(exports.heapBase());
    expect([first % 16, second % 16, second - first]).toEqual([0, 0, 16]);
    const mark = arena.mark();
    const big = arena.alloc(5_000_000);
    arena.u8(big, 5_000_000).fill(1);
    expect(arena.usedBytes).toBeGreaterThan(5_000_000);
    arena.reset(mark);
    expect(arena.alloc(1)).toBe(big);
    expect(arena.peakBytes).toBeGreaterThan(5_000_000);
    arena.reset();
    expect(arena.usedBytes).toBe(0);
  });

  it('says what is wrong when it cannot serve', () => {
    const arena = new Arena(new WebAssembly.Memory({ initial: 1 }), 8);
    expect(() => arena.alloc(5e9)).toThrow(expect.objectContaining({ code: 'kernels.memory.limit' }));
    expect(() => arena.alloc(-1)).toThrow(expect.objectContaining({ code: 'kernels.memory.size' }));
    const mark = arena.mark();
    arena.alloc(64);
    for (const bad of [1e6, -1, mark + 0.5, Number.NaN])
      expect(() => arena.reset(bad), String(bad)).toThrow(expect.objectContaining({ code: 'kernels.memory.size' }));
    expect(arena.usedBytes).toBe(64);
  });
});
