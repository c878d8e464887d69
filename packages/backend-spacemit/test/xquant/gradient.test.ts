import type { Graph, KnownOp, OpOf } from '@q/ir';
import { createSession } from '@q/runtime';
import { describe, expect, test } from 'vitest';
import { evaluate, evaluateParts, isDifferentiable } from '../../src/xquant/tune/gradient/evaluate.ts';
import { fakeQuantize } from '../../src/xquant/tune/gradient/fake-quantize.ts';
import { gradientOf, type Node, Tape } from '../../src/xquant/tune/gradient/tape.ts';
import { GraphBuilder, noise } from '../graph-builder.ts';

/** The last operator of a small graph, on noise. */
function cases(): (readonly [string, Graph])[] {
  const make = (
    name: string,
    add: (b: GraphBuilder, x: string) => unknown,
    shape: readonly number[] = [1, 4, 5, 6],
  ) => {
    const b = new GraphBuilder();
    add(b, b.input('x', shape));
    return [name, b.build(['y'])] as const;
  };
  const window = { kernelShape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] };
  const bias = (b: GraphBuilder, n: number) => b.weight('bias', [n]);
  return [
    make('Conv', (b, x) => b.add('top.Conv', 'y', [x, b.weight('w', [6, 4, 3, 2]), bias(b, 6)], window)),
    make('grouped Conv', (b, x) =>
      b.add('top.Conv', 'y', [x, b.weight('w', [4, 2, 3, 2]), null], { ...window, group: 2, dilations: [1, 2] }),
    ),
    make(
      'Conv in one dimension',
      (b, x) =>
        b.add('top.Conv', 'y', [x, b.weight('w', [3, 4, 3]), null], { kernelShape: [3], strides: [2], pads: [1, 1] }),
      [1, 4, 9],
    ),
    make(
      'Gemm',
      (b, x) => b.add('top.MatMul', 'y', [x, b.weight('w', [3, 7]), bias(b, 3)], { rightTranspose: true }),
      [2, 7],
    ),
    make('MatMul', (b, x) => b.add('top.MatMul', 'y', [x, b.weight('w', [6, 3]), null])),
    make('Deconv', (b, x) =>
      b.add('top.Deconv', 'y', [x, b.weight('w', [3, 4, 3, 2]), bias(b, 3)], { ...window, outputPadding: [1, 0] }),
    ),
    make('grouped Deconv', (b, x) =>
      b.add('top.Deconv', 'y', [x, b.weight('w', [3, 4, 3, 2]), null], { ...window, group: 2 }),
    ),
    make('Upsample', (b, x) => b.add('top.Upsample', 'y', [x], { scaleH: 2, scaleW: 3 })),
    make('Interp, nearest', (b, x) =>
      b.add('top.Interp', 'y', [x, null], { mode: 'nearest', coordMode: 'asymmetric', scaleH: 2, scaleW: 1.5 }),
    ),
    make('Interp, linear', (b, x) =>
      b.add('top.Interp', 'y', [x, null], { mode: 'linear', coordMode: 'half_pixel', scaleH: 2, scaleW: 2 }),
    ),
    make('Mul by a constant per channel', (b, x) => b.add('top.Mul', 'y', [x, b.weight('w', [1, 4, 1, 1])])),
    make('Sub from a vector', (b, x) => b.add('top.Sub', 'y', [b.weight('w', [6]), x])),
    make('AddConst', (b, x) => b.add('top.AddConst', 'y', [x], { constVal: 0.5 })),
    make('Relu', (b, x) => b.add('top.Relu', 'y', [x], { reluLimit: 0.5 })),
    make('LeakyRelu', (b, x) => b.add('top.LeakyRelu', 'y', [x], { alpha: 0.1 })),
    make('Sigmoid', (b, x) => b.add('top.Sigmoid', 'y', [x])),
    make('HardSigmoid', (b, x) => b.add('top.HardSigmoid', 'y', [x], { alpha: 0.4, beta: 0.5 })),
    make('HardSwish', (b, x) => b.add('top.HardSwish', 'y', [x])),
    make('GELU', (b, x) => b.add('top.GELU', 'y', [x])),
    make('Tanh', (b, x) => b.add('top.Tanh', 'y', [x])),
    make('Softmax', (b, x) => b.add('top.Softmax', 'y', [x], { axis: 1 })),
    make('LayerNorm', (b, x) =>
      b.add('top.LayerNorm', 'y', [x, b.weight('w', [6]), bias(b, 6)], { normalizedShape: [], axis: 3, eps: 1e-3 }),
    ),
    make('MaxPool', (b, x) => b.add('top.MaxPool', 'y', [x], window)),
    make('AvgPool', (b, x) => b.add('top.AvgPool', 'y', [x], { ...window, countIncludePad: false })),
    make('Permute', (b, x) => b.add('top.Permute', 'y', [x], { order: [0, 2, 3, 1] })),
    make('Slice', (b, x) =>
      b.add('top.Slice', 'y', [x, null, null, null], { offset: [0, 1, 0, 1], steps: [1, 1, 2, 2], ends: [1, 4, 5, 6] }),
    ),
    make('Reduce', (b, x) => b.add('top.Reduce', 'y', [x], { mode: 'ReduceMean', axes: [3], keepdims: true })),
    make('Concat', (b, x) => b.add('top.Concat', 'y', [x, b.weight('w', [1, 2, 5, 6])], { axis: 1 })),
  ];
}

interface Run {
  readonly y: Node;
  readonly operands: readonly Node[];
}

function run(
  graph: Graph,
  change?: { readonly operand: number; readonly at: number; readonly by: number },
): Run & { tape: Tape } {
  const op = graph.ops.at(-1) as KnownOp;
  const tape = new Tape();
  const nodes = op.inputs.map((name) => {
    if (name === null) return undefined;
    const weight = graph.weights.get(name);
    const { shape } = weight?.type ?? graph.values.get(name)!;
    const data =
      weight === undefined
        ? noise(
            shape.reduce((a, b) => a * b, 1),
            3,
          )
        : (weight.data as Float32Array);
    return tape.node(shape, Float32Array.from(data));
  });
  if (change !== undefined) nodes[change.operand]!.data[change.at]! += change.by;
  const y = evaluate(tape, op, nodes, graph.values.get('y')!.shape);
  return { tape, y, operands: nodes as Node[] };
}

const total = ({ y }: Run, by: Float32Array) => y.data.reduce((sum, value, i) => sum + value * by[i]!, 0);

describe.each(cases())('%s', (_, graph) => {
  test('gives what the runtime gives', async () => {
    expect(isDifferentiable(graph.ops.at(-1)!, graph)).toBe(true);
    const session = await createSession(graph);
    const x = graph.values.get('x')!.shape.reduce((a, b) => a * b, 1);
    const expected = session.run(new Map([['x', noise(x, 3)]])).get('y') as Float32Array;
    session.dispose();
    const { y } = run(graph);
    y.data.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5);
    });
  });

  test('has the slope of its differences', () => {
    const { tape, y, operands } = run(graph);
    const by = noise(y.data.length, 9);
    gradientOf(y).set(by);
    tape.backward();
    const step = 2 ** -9;
    operands.forEach((operand, index) => {
      // Biases and affine parameters of normalisations are constants here.
      if (operand?.gradient === undefined) return;
      for (let at = 0; at < operand.data.length; at += 7) {
        const up = total(run(graph, { operand: index, at, by: step }), by);
        const down = total(run(graph, { operand: index, at, by: -step }), by);
        expect(
          Math.abs((up - down) / (2 * step) - operand.gradient[at]!),
          `operand ${index}, element ${at}`,
        ).toBeLessThan(0.02);
      }
    });
  });
});

test('the parts of a Split', () => {
  const b = new GraphBuilder();
  b.add('top.Split', 'y', [b.input('x', [2, 5, 2])], { axis: 1, num: 2, splitSize: [2, 3] }, ['y', 'z']);
  const op = b.build(['y', 'z']).ops.at(-1) as OpOf<'top.Split'>;
  const tape = new Tape();
  const x = tape.node(
    [2, 5, 2],
    Float32Array.from({ length: 20 }, (_, i) => i),
  );
  const [y, z] = evaluateParts(tape, op, x, [
    [2, 2, 2],
    [2, 3, 2],
  ]) as [Node, Node];
  expect([...y.data]).toEqual([0, 1, 2, 3, 10, 11, 12, 13]);
  expect([...z.data]).toEqual([4, 5, 6, 7, 8, 9, 14, 15, 16, 17, 18, 19]);
  gradientOf(y).set(y.data);
  gradientOf(z).set(z.data);
  tape.backward();
  expect(x.gradient).toEqual(x.data);
});

describe('codes', () => {
  const scales = () => new Tape().node([2], Float32Array.of(0.5, -0.25));

  test('straight through inside the range, the clipped code outside', () => {
    const tape = new Tape();
    const x = tape.node([2, 2], Float32Array.of(0.7, 100, 0.3, -100));
    const steps = scales();
    const y = fakeQuantize(tape, x, { scales: steps, zeroPoints: [0, 3] }, true);
    // 0.7 / 0.5 → 1; 100 → 127; 0.3 / 0.25 → 1; −100 → code −128, 131 steps below the zero point.
    expect([...y.data]).toEqual([0.5, 63.5, 0.25, -131 * 0.25]);
    gradientOf(y).fill(1);
    tape.backward();
    expect([...x.gradient!]).toEqual([1, 0, 1, 0]);
    const factor = 1 / Math.sqrt(4 * 127);
    expect(steps.gradient![0]).toBeCloseTo((1 - 1.4 + 127) * factor, 5);
    // A negative scale stands for its magnitude; the gradient turns with it.
    expect(steps.gradient![1]).toBeCloseTo(-(1 - 1.2 - 131) * factor, 5);
  });

  test('scales that are not learned get no gradient', () => {
    const tape = new Tape();
    const steps = scales();
    const y = fakeQuantize(tape, tape.node([2], Float32Array.of(1, 2)), { scales: steps, zeroPoints: [0] }, false);
    gradientOf(y).fill(1);
    tape.backward();
    expect(steps.gradient).toBeUndefined();
  });
});
