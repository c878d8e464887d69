import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { f32Tensor, readNpz, type Tensor, writeNpz } from '@q/ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../run-here.ts';

interface Recorded {
  readonly compare: readonly { readonly flags: readonly string[]; readonly lines: readonly string[] }[];
  readonly dump: readonly { readonly name: string; readonly index: string; readonly lines: readonly string[] }[];
  readonly large: readonly string[];
}
/** Printed by `npz_tool` of TPU-MLIR 1.17 for the arrays below. */
const recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as Recorded;

let folder: string;
const file = (name: string): string => join(folder, name);
const save = (name: string, tensors: Record<string, Tensor>): void =>
  writeFileSync(file(name), writeNpz(new Map(Object.entries(tensors))));
const load = (name: string) => readNpz(readFileSync(file(name)));

/** The arrays that the recorded results are about, by formulas that the recording script used, too. */
function arrays(): Record<'a' | 'b', Record<string, Tensor>> {
  const wave = (count: number, step: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => Math.fround(((i * step) % 37) / 16 - 1));
  const base = wave(24, 5);
  const codes = Int8Array.from({ length: 12 }, (_, i) => i * 23 - 128);
  return {
    a: {
      equal: f32Tensor(base, [2, 3, 4]),
      close: f32Tensor(
        base.map((x) => Math.fround(x * 1.0002)),
        [2, 3, 4],
      ),
      similar: f32Tensor(
        base.map((x, i) => Math.fround(x + (i % 3) / 64)),
        [2, 3, 4],
      ),
      unlike: f32Tensor(
        base.map((x) => -x),
        [2, 3, 4],
      ),
      codes: { shape: [12], dtype: 'i8', data: codes },
      other: { shape: [3, 4], dtype: 'i8', data: codes.map((code) => (code === -128 ? 127 : code)) },
      flat: f32Tensor(base, [24]),
      wide: f32Tensor(wave(32, 5), [2, 4, 4]),
      size: f32Tensor(wave(5, 3), [5]),
      odd: f32Tensor(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 1, 2), [4]),
      bits: { shape: [4], dtype: 'u16', data: Uint16Array.of(0x3f80, 0xc000, 0x3dcd, 0) },
    },
    b: {
      equal: f32Tensor(base, [2, 3, 4]),
      close: f32Tensor(base, [2, 3, 4]),
      similar: f32Tensor(base, [2, 3, 4]),
      unlike: f32Tensor(base, [2, 3, 4]),
      codes: { shape: [12], dtype: 'i8', data: codes },
      other: { shape: [12], dtype: 'i8', data: codes },
      flat: f32Tensor(base, [2, 3, 4]),
      wide: f32Tensor(base, [2, 3, 4]),
      size: f32Tensor(wave(7, 3), [7, 1]),
      odd: f32Tensor(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 1, 2.5), [4]),
      bits: f32Tensor(Float32Array.of(1, -2, 0.1, 0), [4]),
    },
  };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-npz-'));
  const { a, b } = arrays();
  save('a.npz', a);
  save('b.npz', b);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const compare = (...more: string[]) => runHere('npz_tool', 'compare', file('a.npz'), file('b.npz'), ...more);

/** Numbers in the last digits of logarithms and dot products depend on the machine; the text around them does not. */
function withoutDigits(line: string): string {
  return line
    .replace(/(sqnr_similarity += )\S+/, '$1#')
    .replace(/(cosine_similarity += -?\d\.\d{5})\d/, '$1#')
    .replace(/(euclidean_similarity += -?\d\.\d{5})\d/, '$1#')
    .replace(/^min_similiarity = .*/, 'min_similiarity = #');
}

const figuresOf = (lines: readonly string[], kind: string): number[] =>
  lines.filter((line) => line.includes(kind)).map((line) => Number(line.split('=')[1]));

describe('npz_tool compare', () => {
  it.each(recorded.compare)('prints what TPU-MLIR 1.17 prints: $flags', async ({ flags, lines }) => {
    const outcome = await compare(...flags);
    const ours = outcome.stdout.split('\n').map((line) => line.replaceAll(`${folder}/`, ''));
    expect(ours.map(withoutDigits)).toEqual(lines.map(withoutDigits));
    for (const kind of ['sqnr_similarity', 'cosine_similarity', 'euclidean_similarity']) {
      const [got, wanted] = [figuresOf(ours, kind), figuresOf(lines, kind)];
      for (const [at, figure] of got.entries()) expect(Math.abs(figure - wanted[at]!), kind).toBeLessThan(2e-5);
    }
    expect(outcome.status).toBe(255);
  });

  it('writes the CSV of --save, and the failed names with --only_key', async () => {
    await compare('--save', file('all.csv'), '--excepts', 'size,wide,odd');
    const rows = readFileSync(file('all.csv'), 'utf8').trimEnd().split('\n');
    expect(rows[0]).toBe('name, op, quant, pass, sim_cos, sim_euc, sqnr');
    expect(rows[1]).toBe('equal, -, -, True, 1.0, 1.0, inf');
    expect(rows.find((row) => row.startsWith('unlike'))).toMatch(/^unlike, -, -, False, -1\.0, /);
    await compare('--save', file('bad.csv'), '--only_key');
    expect(readFileSync(file('bad.csv'), 'utf8')).toBe('similar\nunlike\nother\nwide\nsize\n');
  });

  it('compares one tensor with --key, and passes when nothing is common', async () => {
    const one = await compare('--key', 'equal');
    expect(one.stdout).toMatch(/^1 compared$/m);
    expect(one.status).toBe(0);
    expect((await compare('--key', 'none')).status).toBe(1);
    save('c.npz', { something: f32Tensor([1]) });
    const nothing = await runHere('npz_tool', 'compare', file('a.npz'), file('c.npz'));
    expect(nothing.stdout).toMatch(/^0 compared\n0 passed[\s\S]*npz compare PASSED\.$/);
    expect(nothing.status).toBe(0);
  });

  it('samples large files unless -a is given, and always takes the last tensor', async () => {
    const many = Object.fromEntries(Array.from({ length: 605 }, (_, i) => [`t${i}`, f32Tensor([i])]));
    save('many.npz', many);
    const words = ['npz_tool', 'compare', file('many.npz'), file('many.npz')];
    const sampled = await runHere(...words);
    // 605 div 200 is 3: 0, 3, … 603, and 604.
    expect(sampled.stdout).toMatch(/^203 compared$/m);
    expect(sampled.stdout).toMatch(/^\[t604 /m);
    expect((await runHere(...words, '-a')).stdout).toMatch(/^605 compared$/m);
  });

  it('matches by shape with --fuzzy_match', async () => {
    save('d.npz', { renamed: arrays().a.similar! });
    const outcome = await runHere(
      'npz_tool',
      'compare',
      file('d.npz'),
      file('b.npz'),
      '--fuzzy_match',
      '--tolerance',
      '0.9,0.9',
    );
    expect(outcome.stdout).toMatch(/find max_cos:0\.99\d+, max_euc:0\.9\d+ for renamed and \w+\nnpz compare PASSED\./);
    expect(outcome.status).toBe(0);
  });
});

describe('npz_tool dump', () => {
  it.each(recorded.dump)('prints what numpy prints: $name $index', async ({ name, index, lines }) => {
    const { stdout, stderr } = await runHere(
      'npz_tool',
      'dump',
      file('a.npz'),
      ...[name, index].filter((x) => x !== ''),
    );
    expect(stdout.split('\n'), stderr).toEqual(lines);
  });

  it('abridges large arrays as numpy does', async () => {
    save('large.npz', {
      x: f32Tensor(
        Float32Array.from({ length: 2400 }, (_, i) => i / 4),
        [2, 30, 40],
      ),
    });
    const { stdout } = await runHere('npz_tool', 'dump', file('large.npz'), 'x');
    expect(stdout.split('\n')).toEqual(recorded.large);
  });

  it('names the nearest array', async () => {
    const { status, stderr } = await runHere('npz_tool', 'dump', file('a.npz'), 'simlar');
    expect(status).toBe(1);
    expect(stderr).toContain('did you mean similar?');
  });
});

describe('npz_tool on arrays', () => {
  const tool = (...words: string[]) => runHere('npz_tool', ...words);

  it('extracts, renames, removes, merges and inserts', async () => {
    expect((await tool('extract', file('a.npz'), file('x.npz'), 'close,codes')).stdout).toBe(
      'extract close\nextract codes',
    );
    expect([...load('x.npz').keys()]).toEqual(['close', 'codes']);
    await tool('rename', file('x.npz'), 'close', 'far');
    expect([...load('x.npz').keys()]).toEqual(['codes', 'far']);
    await tool('extract', file('b.npz'), file('y.npz'), 'codes,odd');
    await tool('merge', file('x.npz'), file('y.npz'), file('z.npz'));
    expect([...load('z.npz').keys()]).toEqual(['codes', 'far', 'odd']);
    expect((await tool('remove', file('z.npz'), 'far')).stdout).toBe('remove far');
    expect([...load('z.npz').keys()]).toEqual(['codes', 'odd']);
    await tool('insert', file('x.npz'), file('z.npz'));
    expect([...load('z.npz').keys()].sort()).toEqual(['codes', 'far', 'odd']);
    expect((await tool('remove', file('z.npz'), 'nothing')).status).toBe(1);
  });

  it('reshapes and permutes', async () => {
    await tool('extract', file('a.npz'), file('p.npz'), 'equal');
    const before = load('p.npz').get('equal')!.data;
    await tool('permute', file('p.npz'), 'equal', '2,0,1');
    const { shape, data } = load('p.npz').get('equal')!;
    expect(shape).toEqual([4, 2, 3]);
    for (const [w, n, c] of [
      [0, 1, 2],
      [3, 0, 1],
    ] as const) {
      expect(data[(w * 2 + n) * 3 + c]).toBe(before[(n * 3 + c) * 4 + w]);
    }
    await tool('permute', file('p.npz'), '1,2,0');
    expect(load('p.npz').get('equal')!).toEqual({ shape: [2, 3, 4], dtype: 'f32', data: before });
    await tool('reshape', file('p.npz'), 'equal', '6,-1');
    expect((await tool('get_shape', file('p.npz'), 'equal')).stdout).toBe('[6,4]');
    expect((await tool('reshape', file('p.npz'), 'equal', '5,5')).status).toBe(1);
    expect((await tool('permute', file('p.npz'), 'equal', '0,0')).status).toBe(1);
  });

  it('converts 16-bit floats both ways', async () => {
    await tool('bf16_to_fp32', file('a.npz'), file('wide.npz'));
    const bits = load('wide.npz').get('bits')!;
    expect(bits.dtype).toBe('f32');
    expect([...bits.data]).toEqual([1, -2, Math.fround(0.10009765625), 0]);
    await tool('fp32_to_bf16', file('wide.npz'), file('narrow.npz'));
    expect([...load('narrow.npz').get('bits')!.data]).toEqual([0x3f80, 0xc000, 0x3dcd, 0]);
    await tool('fp32_to_fp16', file('b.npz'), file('half.npz'));
    expect([...load('half.npz').get('bits')!.data]).toEqual([0x3c00, 0xc000, 0x2e66, 0]);
    await tool('fp16_to_fp32', file('half.npz'), file('back.npz'));
    expect(load('back.npz').get('bits')!.data[1]).toBe(-2);
  });

  it('writes bare bytes and npy files', async () => {
    const { stdout } = await tool('to_bin', file('a.npz'), 'codes', file('codes.bin'));
    expect(stdout).toBe('shape (12,)\ndtype int8');
    expect([...readFileSync(file('codes.bin'))]).toEqual([...new Uint8Array(arrays().a.codes!.data.buffer)]);
    await tool('to_bin', file('a.npz'), 'codes', file('codes.f32'), 'float32');
    expect(readFileSync(file('codes.f32')).readFloatLE(4)).toBe(-105);
    await tool('extract', file('a.npz'), file('two.npz'), 'codes,bits');
    await tool('to_dat', file('two.npz'), file('two.dat'));
    expect(readFileSync(file('two.dat'))).toHaveLength(12 + 8);
    expect((await tool('to_bin', file('a.npz'), 'codes', file('x'), 'int7')).status).toBe(1);
  });

  it('finds NaN and infinities, and lists differences', async () => {
    expect((await tool('check_nan_inf', file('a.npz'))).stdout).toBe('NaN in odd:(4,)\nInf in odd:(4,)');
    const diff = await tool('print_diff', file('a.npz'), file('b.npz'), 'other');
    expect(diff.stdout.split('\n')).toEqual(['index     adata         bdata', '0: 127, -128']);
    expect((await tool('print_diff', file('a.npz'), file('b.npz'), 'equal')).stdout).toMatch(/No difference!$/);
  });

  it('tries the thresholds of a table', async () => {
    writeFileSync(file('t'), '# op_name\nequal 1.0 -1.0 1.0\nnothing 1.0 -1.0 1.0\n');
    const cwd = process.cwd();
    const outcome = await tool('cali_test', file('b.npz'), '--calibration_table', file('t'));
    rmSync(join(cwd, 'requant.npz'), { force: true });
    expect(outcome.stdout).toMatch(/^\[equal +\] +SIMILAR \[PASSED\]$/m);
    expect(outcome.status).toBe(0);
  });

  it('refuses what it does not know', async () => {
    const unknown = await tool('extrct', file('a.npz'));
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain('did you mean extract?');
    expect((await tool('extract', file('a.npz'))).status).toBe(2);
    expect((await tool('compare', '--help')).stdout).toMatch(/usage: q npz_tool compare/);
  });
});
