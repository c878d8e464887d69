import { isQError, type QError } from '@q/ir';
import { loadKernels } from '@q/kernels-wasm';
import { describe, expect, test } from 'vitest';
import { createSession, type StorageArray } from '../src/index.ts';
import { GraphBuilder, ramp, tensor } from './graph-builder.ts';
import { session } from './run-op.ts';

/** x → relu → (a: +1 → b: ·2), (c: −relu) → d: b + c, reshaped to y. */
function branching() {
  const builder = new GraphBuilder();
  builder.input('x', [1, 4]);
  builder.add({ type: 'top.Relu', name: 'relu', inputs: ['x'] });
  builder.add({ type: 'top.AddConst', name: 'a', inputs: ['relu'], attributes: { constVal: 1 } });
  builder.add({ type: 'top.MulConst', name: 'b', inputs: ['a'], attributes: { constVal: 2 } });
  builder.add({ type: 'top.MulConst', name: 'c', inputs: ['relu'], attributes: { constVal: -1 } });
  builder.add({ type: 'top.Add', name: 'd', inputs: ['b', 'c'] });
  builder.add({ type: 'top.Reshape', name: 'y', inputs: ['d', null], attributes: { shape: [2, 2] } });
  return builder.graph(['y']);
}

const feeds = (...values: number[]) => new Map([['x', Float32Array.from(values)]]);
const plain = (outputs: ReadonlyMap<string, ArrayLike<number>>) =>
  Object.fromEntries([...outputs].map(([k, v]) => [k, Array.from(v)]));

async function errorOf(run: () => unknown): Promise<QError> {
  try {
    await run();
  } catch (error) {
    if (isQError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('run', () => {
  test('answers copies that the next run does not change', async () => {
    const made = await session(branching());
    const first = made.run(feeds(1, -2, 3, 4));
    const second = made.run(feeds(0, 0, 0, 10));
    expect(plain(first)).toEqual({ y: [3, 2, 5, 6] });
    expect(plain(second)).toEqual({ y: [2, 2, 2, 12] });
  });

  test('the observer sees every value, inputs included, while its data are there', async () => {
    const made = await session(branching());
    const seen: [string, number[]][] = [];
    made.run(feeds(1, -2, 3, 4), (value, pointer, length) => {
      // `0 +`: -1 times 0 is -0.
      seen.push([value, Array.from(new Float32Array(made.kernels.memory.buffer, pointer, length), (v) => 0 + v)]);
    });
    expect(seen).toEqual([
      ['x', [1, -2, 3, 4]],
      ['relu', [1, 0, 3, 4]],
      ['a', [2, 1, 4, 5]],
      ['b', [4, 2, 8, 10]],
      ['c', [-1, 0, -3, -4]],
      ['d', [3, 2, 5, 6]],
      ['y', [3, 2, 5, 6]],
    ]);
  });

  test('memory is planned before the first run and reused', async () => {
    const lean = await session(branching());
    const full = await session(branching(), { retain: 'all' });
    // Four floats are 16 bytes: two buffers against six (y is a view).
    expect(lean.activationBytes).toBe(32);
    expect(full.activationBytes).toBe(96);
    expect(lean.peakBytes).toBe(lean.weightBytes + lean.activationBytes);
    const before = lean.kernels.memory.buffer;
    lean.run(feeds(1, 2, 3, 4));
    expect(lean.kernels.memory.buffer).toBe(before);
  });

  test('an input can be written where the network reads it', async () => {
    const made = await session(branching());
    const lengths: number[] = [];
    const write = (data: StorageArray) => {
      lengths.push(data.length);
      data.set([1, -2, 3, 4]);
    };
    expect(plain(made.run(new Map([['x', write]])))).toEqual({ y: [3, 2, 5, 6] });
    expect(plain(made.run(new Map([['x', write]])))).toEqual({ y: [3, 2, 5, 6] });
    expect(lengths).toEqual([4, 4]);
  });

  test('what a function writes is checked as an array is', async () => {
    const made = await session(branching());
    const poisoned = await errorOf(() => made.run(new Map([['x', (data) => void data.fill(Number.NaN)]])));
    expect(poisoned.code).toBe('runtime.feed.non-finite');
    const unknown = await errorOf(() => made.run(new Map([['z', () => {}]])));
    expect(unknown.issues.map(({ code }) => code)).toEqual(['runtime.feed.unknown', 'runtime.feed.missing']);
  });

  test('several inputs and outputs, one of them an input, one read twice', async () => {
    const builder = new GraphBuilder();
    builder.input('p', [2]);
    builder.input('q', [2]);
    builder.add({ type: 'top.Mul', name: 'square', inputs: ['p', 'p'] });
    builder.add({ type: 'top.Sub', name: 'difference', inputs: ['square', 'q'] });
    const made = await session(builder.graph(['difference', 'q', 'square']));
    const given = new Map([
      ['p', Float32Array.of(2, 3)],
      ['q', Float32Array.of(1, 1)],
    ]);
    expect(plain(made.run(given))).toEqual({ difference: [3, 8], q: [1, 1], square: [4, 9] });
  });

  test('retained values can be read, others are refused', async () => {
    const made = await session(branching(), { retain: ['a'] });
    made.run(feeds(1, -2, 3, 4));
    expect(Array.from(made.read('a'))).toEqual([2, 1, 4, 5]);
    expect(await errorOf(() => made.read('b'))).toMatchObject({ code: 'runtime.value.not-retained', where: 'b' });
    expect(await errorOf(() => session(branching(), { retain: ['nope'] }))).toMatchObject({
      code: 'runtime.value.unknown',
    });
  });

  test('wrong feeds are reported all at once', async () => {
    const made = await session(branching());
    const wrong = new Map([
      ['z', Float32Array.of(1)],
      ['x', Float32Array.of(1)],
    ]);
    const error = await errorOf(() => made.run(wrong));
    expect(error.issues.map(({ code }) => code)).toEqual(['runtime.feed.unknown', 'runtime.feed.length']);
    expect(await errorOf(() => made.run(new Map()))).toMatchObject({ code: 'runtime.feed.missing', where: 'x' });
    const integers = new Map([['x', Int32Array.of(1, 2, 3, 4)]]);
    expect(await errorOf(() => made.run(integers))).toMatchObject({ code: 'runtime.feed.dtype' });
  });

  test('unsupported operators are listed together', async () => {
    const graph = branching();
    const strange = (name: string) => ({
      type: 'unknown' as const,
      mnemonic: 'top.Strange',
      name,
      inputs: ['y'],
      outputs: [name],
      attributes: {},
    });
    const error = await errorOf(() => session({ ...graph, ops: [...graph.ops, strange('s1'), strange('s2')] }));
    expect(error.code).toBe('runtime.operator.unsupported');
    expect(error.issues.map(({ where }) => where)).toEqual(['s1', 's2']);
  });

  test('a disposed session refuses; its memory serves the next one', async () => {
    const kernels = await loadKernels();
    const build = () => createSession(convolution(), { kernels });
    const first = await build();
    first.dispose();
    const used = kernels.arena.usedBytes;
    for (let i = 0; i < 5; i++) (await build()).dispose();
    expect(kernels.arena.usedBytes).toBe(used);
    expect(await errorOf(() => first.run(new Map()))).toMatchObject({ code: 'runtime.session.disposed' });
  });

  test('a disposed session neither shows nor computes in memory that another may have by now', async () => {
    const made = await session(branching());
    made.run(feeds(1, -2, 3, 4));
    const relu = new Map([['x', Float32Array.of(1, 2, 3, 4)]]);
    made.runOp('relu', relu);
    made.dispose();
    made.dispose();
    for (const use of [
      () => made.read('y'),
      () => made.runOp('relu', relu),
      () => made.openOp('relu'),
      () => made.runFrom('relu'),
      () => made.allocate(16),
    ])
      expect(await errorOf(use)).toMatchObject({ code: 'runtime.session.disposed' });
  });

  test('feeds that are no Map, or hold nothing, as callers without types give them', async () => {
    const made = await session(branching());
    for (const wrong of [undefined, null, { x: Float32Array.of(1, 2, 3, 4) }, [Float32Array.of(1, 2, 3, 4)]])
      expect(await errorOf(() => made.run(wrong as never))).toMatchObject({
        code: 'runtime.feed.missing',
        expected: "new Map([['x', array]])",
      });
    for (const value of [undefined, null, Object.create(null), [1, 2, 3, 4]])
      expect(await errorOf(() => made.run(new Map([['x', value as never]])))).toMatchObject({
        code: 'runtime.feed.dtype',
        where: 'x',
      });
  });

  test('room that makes no sense is refused, and nothing is lost by it', async () => {
    const made = await session(branching());
    const room = made.allocate(64);
    for (const bytes of [-1, Number.NaN, 2 ** 40])
      expect(() => made.allocate(bytes)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^kernels\.memory\./) }),
      );
    made.release(room);
    made.release(room);
    made.release(Number.NaN);
    expect(made.allocate(64)).toBe(room);
  });
});

function convolution() {
  const builder = new GraphBuilder();
  builder.input('x', [1, 2, 4, 4]);
  builder.weight('w', ramp([3, 2, 3, 3]));
  builder.weight('bias', tensor([3], [1, 2, 3]));
  const attributes = { kernelShape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] };
  builder.add({ type: 'top.Conv', name: 'conv', inputs: ['x', 'w', 'bias'], attributes });
  builder.add({ type: 'top.Sigmoid', name: 'y', inputs: ['conv'] });
  return builder.graph(['y']);
}

describe('failures', () => {
  test('a non-finite feed is reported with its address', async () => {
    const made = await createSession(convolution());
    const data = new Float32Array(32);
    data[21] = Number.NaN;
    const error = await errorOf(() => made.run(new Map([['x', data]])));
    expect(error).toMatchObject({
      code: 'runtime.feed.non-finite',
      where: 'x',
      found: 'NaN at element 21 (sample 0, channel 1)',
    });
  });

  test('a non-finite output is traced to the op that made it', async () => {
    const builder = new GraphBuilder();
    builder.input('x', [1, 2, 2]);
    builder.add({ type: 'top.Log', name: 'log', inputs: ['x'] });
    builder.add({ type: 'top.MulConst', name: 'y', inputs: ['log'], attributes: { constVal: 2 } });
    const graph = builder.graph(['y']);
    const bad = new Map([['x', Float32Array.of(1, 2, 3, 0)]]);
    const error = await errorOf(async () => (await session(graph)).run(bad));
    expect(error).toMatchObject({
      code: 'runtime.value.non-finite',
      where: 'log',
      found: '-Infinity at element 3 (sample 0, channel 1)',
    });
    const allowed = (await session(graph, { nonFinite: 'allow' })).run(bad);
    expect(allowed.get('y')![3]).toBe(-Infinity);
  });

  test('a trap in a kernel names the operator and its shapes', async () => {
    const kernels = await loadKernels();
    const trap = (): never => {
      throw new WebAssembly.RuntimeError('memory access out of bounds');
    };
    const broken = { ...kernels, exports: { ...kernels.exports, f32_conv2d: trap, f32_conv2d_unary: trap } };
    const made = await createSession(convolution(), { kernels: broken });
    const error = await errorOf(() => made.run(new Map([['x', new Float32Array(32)]])));
    expect(error).toMatchObject({
      code: 'runtime.kernel.trap',
      where: 'conv',
      found: '1x2x4x4 f32, 3x2x3x3 f32, 3 f32 -> 1x3x4x4 f32',
    });
  });

  test('an index outside its dimension is not read', async () => {
    const builder = new GraphBuilder();
    builder.input('x', [3]);
    builder.input('i', [2]);
    builder.add({ type: 'top.Gather', name: 'y', inputs: ['x', 'i'] });
    const made = await session(builder.graph(['y']));
    const given = new Map([
      ['x', Float32Array.of(5, 6, 7)],
      ['i', Float32Array.of(-1, 3)],
    ]);
    expect(await errorOf(() => made.run(given))).toMatchObject({ code: 'runtime.index.range', where: 'y' });
  });
});

describe('constants', () => {
  test('ops over weights are computed once, and observed like any other', async () => {
    const builder = new GraphBuilder();
    builder.input('x', [1, 1, 2, 2]);
    builder.weight('q', { shape: [1, 1, 1, 1], data: Int8Array.of(-6) }, 'i8');
    builder.add({
      type: 'top.DequantizeLinear',
      name: 'w',
      inputs: ['q'],
      attributes: { xScale: [0.5], xZeroPoint: [2] },
    });
    const attributes = { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0] };
    builder.add({ type: 'top.Conv', name: 'y', inputs: ['x', 'w', null], attributes });
    const made = await session(builder.graph(['y', 'w']));
    const seen: string[] = [];
    const outputs = made.run(new Map([['x', Float32Array.of(1, 2, 3, 4)]]), (value) => seen.push(value));
    expect(plain(outputs)).toEqual({ y: [-4, -8, -12, -16], w: [-4] });
    expect(seen).toEqual(['x', 'w', 'y']);
  });
});

describe('runFrom', () => {
  const changed = Float32Array.of(10, 20, 30, 40);

  test('computes from saved values what depends on an override', async () => {
    const made = await session(branching());
    const saved = new Map<string, Float32Array>();
    made.run(feeds(1, -2, 3, 4), (value, pointer, length) => {
      saved.set(value, new Float32Array(made.kernels.memory.buffer, pointer, length).slice());
    });
    expect(made.suffixInputs('b')).toEqual(['relu', 'a']);
    const seen: string[] = [];
    const outputs = made.runFrom('b', saved, new Map([['a', changed]]), (value) => seen.push(value));
    expect(plain(outputs)).toEqual({ y: [19, 40, 57, 76] });
    // c is behind b in the order but does not depend on it: its saved value is taken.
    expect(seen).toEqual(['b', 'd', 'y']);
  });

  test('side branches are computed when nothing saved spares them', async () => {
    const made = await session(branching());
    const saved = new Map([['relu', Float32Array.of(1, 0, 3, 4)]]);
    const seen: string[] = [];
    const outputs = made.runFrom('a', saved, new Map(), (value) => seen.push(value));
    expect(plain(outputs)).toEqual({ y: [3, 2, 5, 6] });
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'y']);
    expect(await errorOf(() => made.runFrom('b', saved))).toMatchObject({ code: 'runtime.suffix.missing', where: 'a' });
  });

  test('with everything retained, overrides do not leak into later suffix runs', async () => {
    const made = await session(branching(), { retain: 'all' });
    made.run(feeds(1, -2, 3, 4));
    const override = (value: string) => plain(made.runFrom(value, new Map(), new Map([[value, changed]])));
    expect(override('c')).toEqual({ y: [14, 22, 38, 50] });
    expect(override('b')).toEqual({ y: [9, 20, 27, 36] });
    expect(override('relu')).toEqual({ y: [12, 22, 32, 42] });
    expect(override('d')).toEqual({ y: [10, 20, 30, 40] });
    expect(plain(made.runFrom('d'))).toEqual({ y: [3, 2, 5, 6] });
    expect(Array.from(made.read('relu'))).toEqual([1, 0, 3, 4]);
  });

  test('overriding a view leaves its source alone', async () => {
    const builder = new GraphBuilder();
    builder.input('x', [4]);
    builder.add({ type: 'top.Reshape', name: 'view', inputs: ['x', null], attributes: { shape: [2, 2] } });
    builder.add({ type: 'top.Reshape', name: 'again', inputs: ['view', null], attributes: { shape: [4] } });
    builder.add({ type: 'top.Add', name: 'y', inputs: ['x', 'again'] });
    const made = await session(builder.graph(['y']), { retain: 'all' });
    made.run(feeds(1, 2, 3, 4));
    expect(plain(made.runFrom('view', new Map(), new Map([['view', changed]])))).toEqual({ y: [11, 22, 33, 44] });
    expect(Array.from(made.read('x'))).toEqual([1, 2, 3, 4]);
  });

  test('unknown ops and values are refused', async () => {
    const made = await session(branching());
    expect(await errorOf(() => made.runFrom('nope'))).toMatchObject({ code: 'runtime.operator.unknown' });
    expect(await errorOf(() => made.runFrom('a', new Map([['nope', changed]])))).toMatchObject({
      code: 'runtime.feed.unknown',
    });
  });
});

describe('single operators', () => {
  test('runOp answers one op and leaves the last run alone', async () => {
    const made = await session(convolution(), { retain: 'all' });
    const x = new Map([['x', Float32Array.from(ramp([1, 2, 4, 4]).data)]]);
    made.run(x);
    const conv = made.read('conv');
    const zero = made.runOp('conv', new Map([['x', new Float32Array(32)]])).get('conv')!;
    expect(Array.from(zero.filter((_, i) => i % 16 === 0))).toEqual([1, 2, 3]);
    expect(Array.from(made.runOp('conv', x).get('conv')!)).toEqual(Array.from(conv));
    expect(made.read('conv')).toEqual(conv);
    expect(await errorOf(() => made.runOp('conv', new Map()))).toMatchObject({ code: 'runtime.feed.missing' });
  });

  test('a bench takes other weights, and gives its memory back', async () => {
    const made = await session(convolution());
    const weights = new Map([['w', new Float32Array(54)]]);
    const bench = made.openOp('conv', { weights });
    bench.slot('x').f32().fill(7);
    bench.run();
    expect(
      Array.from(
        bench
          .slot('conv')
          .f32()
          .filter((_, i) => i % 16 === 0),
      ),
    ).toEqual([1, 2, 3]);
    const used = made.kernels.arena.usedBytes;
    bench.dispose();
    made.openOp('conv', { weights }).dispose();
    expect(made.kernels.arena.usedBytes).toBe(used);
  });

  test('a view of an operand, and of a weight', async () => {
    const made = await session(branching());
    expect(plain(made.runOp('y', new Map([['d', Float32Array.of(1, 2, 3, 4)]])))).toEqual({ y: [1, 2, 3, 4] });
  });
});
