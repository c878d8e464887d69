import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { signaturesOf } from '../scripts/wasm-signatures.mjs';
import { Arena, checkedExports, compileKernels, KernelError, type KernelExports, loadKernels } from '../src/index.ts';
import { signatures } from '../src/signatures.ts';
import { EXPORT_CASES, hasCase, hashOf, Room } from './export-cases.ts';

const wasm = fileURLToPath(new URL('../wasm/kernels.wasm', import.meta.url));

describe('signatures.ts and the export cases', () => {
  it('are those of the binary (node scripts/write-signatures.mjs)', () => {
    expect(signatures).toEqual(signaturesOf(readFileSync(wasm)));
    expect(Object.keys(EXPORT_CASES).sort()).toEqual(Object.keys(signatures).filter(hasCase).sort());
  });
});

describe('checkedExports', () => {
  let module: WebAssembly.Module;
  beforeAll(async () => {
    module = await compileKernels();
  });

  it('gives the same answers', async () => {
    const { exports, arena } = await loadKernels({ module });
    const checked = checkedExports(exports);
    for (const name of Object.keys(EXPORT_CASES))
      expect(hashOf(name, checked, arena), name).toBe(hashOf(name, exports, arena));
  });

  it('refuses what 32 bits do not hold, and the wrong number of arguments', async () => {
    const { exports, arena } = await loadKernels({ module });
    const { stats_minmax: minmax } = checkedExports(exports) as unknown as Record<
      string,
      (...values: unknown[]) => unknown
    >;
    const out = arena.alloc(8);
    for (const values of [
      [out, 1],
      [out, 2 ** 32 + 1, out],
      [out, Number.NaN, out],
      [out, 0.5, out],
      [out, '1', out],
    ])
      expect(() => minmax!(...values)).toThrow(expect.objectContaining({ code: 'kernels.call.arguments' }));
    expect(() => minmax!(out, 2 ** 29, out)).toThrow(
      expect.objectContaining({ code: 'kernels.call.trap', where: 'stats_minmax' }),
    );
  });

  // Zero, and what 32 bits do not hold, in every integer argument of every kernel, one at a time.
  it.each(Object.keys(EXPORT_CASES))('%s: bad arguments end in coded errors or not at all', async (name) => {
    const { exports, arena } = await loadKernels({ module });
    const checked = checkedExports(exports);
    const types = signatures[name]!;
    for (let at = 0; at < types.length; at++) {
      // What an arbitrary address holds as a plan may be a walk that takes minutes.
      if (types[at] !== 'i' || (name.startsWith('copy_nd') && at === 3)) continue;
      for (const bad of [0, 2 ** 32, Number.NaN]) {
        arena.reset();
        const failure = outcome(() => EXPORT_CASES[name]!(withBadArgument(checked, name, at, bad), new Room(arena)));
        if (failure !== undefined) expect(failure, `${name}, argument ${at} = ${bad}`).toBeInstanceOf(KernelError);
      }
    }
  });
});

function outcome(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The exports with one argument of one function replaced. */
function withBadArgument(exports: KernelExports, name: string, at: number, bad: number): KernelExports {
  const call = exports[name as keyof KernelExports] as unknown as (...values: number[]) => number;
  return { ...exports, [name]: (...values: number[]) => call(...values.with(at, bad)) };
}

describe('views of the arena', () => {
  it('report misaligned and outlying addresses', () => {
    const arena = new Arena(new WebAssembly.Memory({ initial: 1 }), 8);
    for (const look of [
      () => arena.f32(2, 1),
      () => arena.f64(4, 1),
      () => arena.i16(1, 1),
      () => arena.u8(65_530, 7),
      () => arena.f32(-4, 1),
      () => arena.i32(0, 1.5),
      () => arena.i32(0, 2 ** 40),
    ])
      expect(look).toThrow(expect.objectContaining({ code: 'kernels.memory.view' }));
    expect(arena.f32(65_532, 1).length).toBe(1);
  });
});

describe('memory', () => {
  it('grows beyond two gigabytes, where addresses are negative to a careless reader', async () => {
    const { exports, arena } = await loadKernels();
    const gap = 2 ** 31 + 65_536;
    let out: number;
    try {
      arena.alloc(gap);
      out = arena.alloc(16);
    } catch (error) {
      // A machine that is short of memory says so under the documented code.
      expect(error).toMatchObject({ code: 'kernels.memory.limit' });
      return;
    }
    const x = arena.place(Float32Array.of(3, -2, 8));
    expect(x).toBeGreaterThan(2 ** 31);
    expect(checkedExports(exports).stats_minmax(x, 3, out)).toBe(0);
    expect([...arena.f32(out, 2)]).toEqual([-2, 8]);
  });

  it('ends at four gigabytes with a code', async () => {
    const { arena } = await loadKernels();
    for (const bytes of [2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 70])
      expect(() => arena.alloc(bytes)).toThrow(expect.objectContaining({ code: 'kernels.memory.limit' }));
    await expect(loadKernels({ initialPages: 70_000 })).rejects.toMatchObject({ code: 'kernels.memory.limit' });
  });
});
