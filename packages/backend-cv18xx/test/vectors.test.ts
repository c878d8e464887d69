import { describe, expect, it } from 'vitest';
import { slopeTables } from '../src/lowering/bf16-tables.ts';
import { execute, network, type OpShort, plan, reals } from './networks.ts';

const relu = { doRelu: false, reluLimit: -1 };
const POOL = { kernelShape: [3, 3], strides: [1, 1], pads: [0, 0, 0, 0], countIncludePad: true };

describe('element-wise INT8 (numerics.md 9.3)', () => {
  const add: OpShort = ['top.Add', 'y', ['in', 'in2'], relu, [1, 5]];
  const mul: OpShort = ['top.Mul', 'y', ['in', 'in2'], relu, [1, 2]];
  const table = plan({ in: 2, in2: 5, y: 6 });

  it('adds with truncated multipliers under one shift', async () => {
    const graph = network(
      [
        [1, 5],
        [1, 5],
      ],
      [add],
    );
    const a = reals([100, -100, 127, 3, 1], 2);
    const b = reals([50, 50, 127, -2, 1], 5);
    const { lowered, value } = await execute(graph, table, a, b);
    expect(lowered.ops.find(({ type }) => type === 'tpu.Add')!.attributes).toMatchObject({
      multipliers: [42, 106],
      rshifts: [7],
    });
    expect(value('y')).toEqual([74, 9, 127, -1, 1]);
  });

  it('cuts a fused Relu', async () => {
    const graph = network(
      [
        [1, 5],
        [1, 5],
      ],
      [['top.Add', 'y', ['in', 'in2'], { ...relu, doRelu: true }, [1, 5]]],
    );
    const { value } = await execute(graph, table, reals([100, -100, 127, 3, 1], 2), reals([50, -50, 127, -2, 1], 5));
    expect(value('y')).toEqual([74, 0, 127, 0, 1]);
  });

  it('subtracts as an Add of coefficients 1 and -1', async () => {
    const graph = network(
      [
        [1, 5],
        [1, 5],
      ],
      [['top.Sub', 'y', ['in', 'in2'], { ...relu, isReverse: false }, [1, 5]]],
    );
    const bf16 = { precision: 'INT8', reason: { code: 'user', rule: 'test' } } as const;
    const named = plan({ in: 2, in2: 5, y: 6 }, { ops: new Map([['y', bf16]]) });
    const { lowered, value } = await execute(
      graph,
      named,
      reals([100, -100, 127, 3, 1], 2),
      reals([50, 50, 127, -2, 1], 5),
    );
    // −106 wraps nowhere: it is the truncated −106.67 in two's complement.
    expect(lowered.ops.find(({ type }) => type === 'tpu.Add')!.attributes).toMatchObject({ multipliers: [42, -106] });
    // The last one is −64 / 128: half up.
    expect(value('y')).toEqual([-9, -74, -63, 3, 0]);
  });

  it('multiplies with two roundings', async () => {
    // 5000 = 100 · 50; threshold 2·5 → 8.
    const graph = network(
      [
        [1, 2],
        [1, 2],
      ],
      [mul],
    );
    const { lowered, value } = await execute(
      graph,
      plan({ in: 2, in2: 5, y: 8 }),
      reals([100, -100], 2),
      reals([50, 50], 5),
    );
    expect(lowered.ops.find(({ type }) => type === 'tpu.Mul')!.attributes).toMatchObject({
      multiplier: 1352745605,
      rshift: 6,
      quantMode: 'QDM',
    });
    expect(value('y')).toEqual([49, -49]);
  });

  it('averages: window sums 500 and -505 of 3×3, threshold 4 → 3.5', async () => {
    const graph = network([[1, 2, 3, 3]], [['top.AvgPool', 'y', ['in'], { ...relu, ...POOL }, [1, 2, 1, 1]]]);
    const window = (first: number, rest: number) => [first, ...new Array<number>(8).fill(rest)];
    const codes = [...window(60, 55), ...window(-57, -56)];
    const { lowered, value } = await execute(graph, plan({ in: 4, y: 3.5 }), reals(codes, 4));
    expect(lowered.ops.find(({ type }) => type === 'tpu.Pool2D')!.attributes).toMatchObject({
      multiplier: 65,
      rshift: 9,
    });
    expect(value('y')).toEqual([63, -64]);
  });

  it('LeakyRelu has a pair for each sign', async () => {
    const graph = network([[1, 5]], [['top.LeakyRelu', 'y', ['in'], { alpha: 0.1 }, [1, 5]]]);
    const { lowered, value } = await execute(graph, plan({ in: 1, y: 1 }), reals([7, -5, -6, -100, -128], 1));
    expect(lowered.ops.find(({ type }) => type === 'tpu.LeakyRelu')!.attributes).toMatchObject({
      multiplier: 1,
      rshift: 0,
      multiplierNeg: 102,
      rshiftNeg: 10,
    });
    expect(value('y')).toEqual([7, 0, -1, -10, -13]);
  });

  it('Concat rescales each operand inside', async () => {
    const graph = network(
      [
        [1, 3],
        [1, 3],
      ],
      [
        ['top.Concat', 'y', ['in', 'in2'], { axis: 1, ...relu }, [1, 6]],
        // A second reader keeps the ranges apart.
        ['top.Tanh', 'z', ['in'], {}, [1, 3]],
      ],
    );
    const { lowered, value } = await execute(
      graph,
      plan({ in: 2, in2: 3, y: 3, z: 1 }),
      reals([3, -3, 100], 2),
      reals([3, -3, 100], 3),
    );
    expect(lowered.ops.find(({ type }) => type === 'tpu.Concat')!.attributes).toMatchObject({
      multipliers: [85, 1],
      rshifts: [7, 0],
    });
    expect(value('y')).toEqual([2, -2, 66, 3, -3, 100]);
  });

  it('a table of the logistic function', async () => {
    const graph = network([[1, 8]], [['top.Sigmoid', 'y', ['in'], { log: false }, [1, 8]]]);
    const { value } = await execute(graph, plan({ in: 8, y: 1 }), reals([-128, -64, -1, 0, 1, 16, 32, 127], 8));
    expect(value('y')).toEqual([0, 2, 62, 64, 65, 93, 112, 127]);
  });
});

describe('casts (numerics.md 6.2)', () => {
  // Threshold 2.5; the network input is quantized on the CPU, a BF16 value by a cast.
  const inputs = [1, 0.0098425, 0.00984252, -0.5, 3, -3];

  it('on the CPU round half away of an f32 product', async () => {
    const graph = network([[1, 6]], [['top.Relu', 'y', ['in'], { reluLimit: -1 }, [1, 6]]]);
    const { value } = await execute(graph, plan({ in: 2.5, y: 2.5 }), inputs);
    expect(value('iny_si8')).toEqual([51, 0, 1, -25, 127, -128]);
  });

  it('of BF16 values round a bfloat16 product to even', async () => {
    const graph = network(
      [[1, 6]],
      [
        ['top.Clip', 'c', ['in'], { min: -4, max: 4 }, [1, 6]],
        ['top.Tanh', 'y', ['c'], {}, [1, 6]],
      ],
    );
    const { value } = await execute(graph, plan({ in: 4, c: 2.5, y: 1 }), inputs);
    expect(value('cy_si8')).toEqual([51, 0, 0, -25, 127, -128]);
  });

  it('of codes answer bfloat16 values', async () => {
    const graph = network([[1, 3]], [['top.Relu', 'y', ['in'], { reluLimit: -1 }, [1, 3]]]);
    const { value } = await execute(graph, plan({ in: 2.5, y: 2.5 }), reals([1, 50, 127], 2.5));
    expect(value('y_f32')).toEqual([0.0196533203125, 0.984375, 2.5]);
  });
});

/** The value of 16 bits of a bfloat16. */
function bf16(hex: string): number {
  return new Float32Array(Uint32Array.of(Number.parseInt(hex, 16) << 16).buffer)[0]!;
}

async function inBf16(op: OpShort[0], attributes: object, inputs: readonly number[]): Promise<number[]> {
  const graph = network([[1, inputs.length]], [[op, 'y', ['in'], attributes, [1, inputs.length]]]);
  return (await execute(graph, plan({}, { precision: 'BF16' }), inputs)).value('y');
}

describe('BF16 tables (numerics.md 10)', () => {
  it('hold values and slopes of the logistic function', () => {
    const { first, second } = slopeTables((x) => 1 / (1 + Math.exp(-x)), 12);
    const hex = (table: Uint16Array, ...at: readonly number[]) =>
      at.map((index) => table[index]!.toString(16).toUpperCase().padStart(4, '0')).join(' ');
    expect(hex(first, 0, 1, 2, 127, 128, 129, 254, 255)).toBe('3F00 3F06 3F0C 3F80 36CE 36E2 3EE8 3EF4');
    expect(hex(second, 0, 126, 127, 128, 129, 255)).toBe('3CC0 0000 32CE 32CE 3520 3CC0');
  });

  it('interpolate the logistic function, and extrapolate its ends', async () => {
    expect(await inBf16('top.Sigmoid', { log: false }, [0.7, -0.7, 1, -3.3, 20, -20])).toEqual(
      ['3F2B', '3EAA', '3F3B', '3D11', '3F80', '3689'].map(bf16),
    );
  });

  it('interpolate the exponential', async () => {
    expect(await inBf16('top.Exp', {}, [0, -1, -5.5, -16])).toEqual(['3F80', '3EBC', '3B85', '349E'].map(bf16));
  });

  it('split reciprocals into exponent and mantissa', async () => {
    // 0.1 is truncated to 3DCC by the cast of the input; 3DCD is 0.10009765625.
    expect(await inBf16('top.Reciprocal', { constVal: 1 }, [3, 0.1, 0.10009765625, 100, -2.5, 0])).toEqual(
      ['3EAB', '4121', '4120', '3C24', 'BECD', '7F7F'].map(bf16),
    );
  });

  it('split powers', async () => {
    expect(await inBf16('top.Pow', { exponent: -0.5 }, [2, 0.25, 10])).toEqual(['3F35', '4000', '3EA2'].map(bf16));
    expect(await inBf16('top.Sqrt', {}, [0, 1, 4, 16])).toEqual([0, 1, 2, 4]);
  });
});
