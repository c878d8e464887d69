import type { TensorType } from '@q/ir';
import { describe, expect, test } from 'vitest';
import { GraphBuilder, tensor } from '../graph-builder.ts';
import { dataOf, session } from '../run-op.ts';

describe('top.QuantizeLinear and top.DequantizeLinear on float storage', () => {
  test('ties go to even, codes saturate', async () => {
    const x = tensor([8], [0.25, 0.75, 1.25, -0.25, 100, -100, 63.4, Infinity]);
    const attributes = { yScale: [0.5], yZeroPoint: [0] };
    expect((await dataOf({ type: 'top.QuantizeLinear', attributes, inputs: [x] })).map((v) => 0 + v)).toEqual([
      0, 2, 2, 0, 127, -128, 127, 127,
    ]);
  });

  test('per axis, with zero points', async () => {
    const x = tensor([1, 2, 2], [1, -1, 1, -1]);
    const attributes = { yScale: [0.5, 0.25], yZeroPoint: [10, -3], axis: 1 };
    const codes = await dataOf({ type: 'top.QuantizeLinear', attributes, inputs: [x] });
    expect(codes).toEqual([12, 8, 1, -7]);
    const back = { xScale: [0.5, 0.25], xZeroPoint: [10, -3], axis: 1 };
    expect(
      await dataOf({ type: 'top.DequantizeLinear', attributes: back, inputs: [tensor([1, 2, 2], codes)] }),
    ).toEqual([1, -1, 1, -1]);
  });
});

/** x → QuantizeLinear (codes of the given type) → DequantizeLinear → y, with a data-movement op on the codes between. */
async function throughCodes(dtype: TensorType['dtype'], zeroPoint: number, values: number[]) {
  const builder = new GraphBuilder();
  const shape = [1, values.length];
  builder.input('x', shape);
  const code = { shape, dtype };
  builder.add({
    type: 'top.QuantizeLinear',
    name: 'q',
    inputs: ['x'],
    attributes: { yScale: [0.5], yZeroPoint: [zeroPoint] },
    types: [code],
  });
  builder.add({ type: 'top.Reverse', name: 'r', inputs: ['q'], attributes: { axis: 1 }, types: [code] });
  builder.add({
    type: 'top.DequantizeLinear',
    name: 'y',
    inputs: ['r'],
    attributes: { xScale: [0.5], xZeroPoint: [zeroPoint] },
  });
  const made = await session(builder.graph(['q', 'r', 'y']));
  return made.run(new Map([['x', Float32Array.from(values)]]));
}

describe('integer storage', () => {
  test.each([
    ['i8', -3, Int8Array, [-128, -3, -1, 127]],
    ['u8', 128, Uint8Array, [108, 128, 130, 255]],
    ['i16', 0, Int16Array, [-20, 0, 2, 400]],
    ['i32', 0, Int32Array, [-20, 0, 2, 400]],
  ] as const)('%s', async (dtype, zeroPoint, array, codes) => {
    const outputs = await throughCodes(dtype, zeroPoint, [dtype === 'i8' ? -100 : -10, 0, 1, 200]);
    expect(outputs.get('q')).toEqual(array.from(codes));
    expect(outputs.get('r')).toEqual(array.from([...codes].reverse()));
    expect(outputs.get('y')).toEqual(Float32Array.from([...codes].reverse(), (code) => (code - zeroPoint) * 0.5));
  });

  test('a NaN is refused, not stored as zero', async () => {
    const builder = new GraphBuilder();
    builder.input('x', [1, 3]);
    const code = { shape: [1, 3], dtype: 'i8' as const };
    builder.add({
      type: 'top.QuantizeLinear',
      name: 'q',
      inputs: ['x'],
      attributes: { yScale: [1], yZeroPoint: [0] },
      types: [code],
    });
    const made = await session(builder.graph(['q']), { nonFinite: 'allow' });
    const run = () => made.run(new Map([['x', Float32Array.of(1, Number.NaN, 3)]]));
    expect(run).toThrow(/NaN at element 1/);
    expect(made.run(new Map([['x', Float32Array.of(1, Infinity, 3)]])).get('q')).toEqual(Int8Array.of(1, 127, 3));
  });
});

test('half floats and packed nibbles are widened when weights are placed', async () => {
  const builder = new GraphBuilder();
  builder.input('x', [4]);
  builder.weight('half', { shape: [4], data: Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff) }, 'f16');
  builder.weight('brain', { shape: [4], data: Uint16Array.of(0x3f80, 0xc000, 0x0000, 0x4049) }, 'bf16');
  builder.weight('nibbles', { shape: [4], data: Uint8Array.of(0xf1, 0x87) }, 'i4');
  builder.add({ type: 'top.Mul', name: 'a', inputs: ['x', 'half'] });
  builder.add({ type: 'top.Mul', name: 'b', inputs: ['x', 'brain'] });
  builder.add({
    type: 'top.DequantizeLinear',
    name: 'n',
    inputs: ['nibbles'],
    attributes: { xScale: [1], xZeroPoint: [0] },
  });
  builder.add({ type: 'top.Mul', name: 'c', inputs: ['x', 'n'] });
  const made = await session(builder.graph(['a', 'b', 'c']));
  const outputs = made.run(new Map([['x', Float32Array.of(1, 1, 1, 1)]]));
  expect(outputs.get('a')).toEqual(Float32Array.of(1, -2, 2 ** -24, 65504));
  expect(outputs.get('b')).toEqual(Float32Array.of(1, -2, 0, 3.140625));
  expect(outputs.get('c')).toEqual(Float32Array.of(1, -1, 7, -8));
});
