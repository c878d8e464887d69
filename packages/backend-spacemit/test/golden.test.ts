import { spacemit } from '@q/backend-spacemit';
import { type Graph, type Op, parseMlir, printMlir, readNpz, verify, writeNpz } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { describe, expect, it } from 'vitest';
import { GraphBuilder, noise, observe, planOf, run } from './graph-builder.ts';

/** spacemit.md 16.1: x → Conv → Relu → Reshape → Gemm → y. */
function tiny(): Graph {
  const b = new GraphBuilder();
  const w = b.weight('w', [2, 1, 1, 1], [0.5, -0.25]);
  const gw = b.weight(
    'gw',
    [2, 8],
    Array.from({ length: 16 }, (_, k) => k / 20 - 0.4),
  );
  const conv = { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], doRelu: true };
  const r = b.add('top.Conv', 'r', [b.input('x', [1, 1, 2, 2]), w, b.weight('b', [2], [0.1, 0.2])], conv);
  const f = b.add('top.Reshape', 'f', [r, null], { shape: [1, 8] });
  b.add('top.MatMul', 'y', [f, gw, b.weight('gb', [2], [0.05, -0.05])], { rightTranspose: true });
  return b.build(['y'], 'tiny');
}

/** As the vendor measures: weights quantized, activations float. */
function tinyRanges() {
  const w = [127 * 0.00392156886, -127 * 0.00196078443];
  const codes = [-102, -90, -77, -64, -51, -38, -26, -13, 0, 13, 26, 38, 51, 64, 77, 90];
  const x = [-1, 0.5, 1, 2];
  const r = [0, 1].flatMap((c) => x.map((value) => Math.max(0, value * w[c]! + [0.1, 0.2][c]!)));
  const y = [0, 1].map((row) =>
    r.reduce((sum, value, k) => sum + (value * codes[row * 8 + k]!) / 256, [0.05, -0.05][row]!),
  );
  const range = (values: number[]) => {
    const [min, max] = [Math.min(...values), Math.max(...values)];
    return { min, max, threshold: Math.max(-min, max) };
  };
  return new Map([
    ['x', range(x)],
    ['r', range(r)],
    ['y', range(y)],
  ]);
}

const typesOf = (graph: Graph) => graph.ops.map(({ type }) => type.replace('top.', ''));
const find = (graph: Graph, name: string) =>
  graph.ops.find((op) => op.name === name)! as Op & { attributes: Record<string, unknown> };

describe('golden 16.1', () => {
  const lowered = spacemit.lower(tiny(), planOf(tinyRanges()));

  it('has the vendor’s nodes: 3 Q, 5 DQ, no Relu, no pair behind the Reshape', () => {
    expect(typesOf(lowered).join(' ')).toBe(
      'Input QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear DequantizeLinear Reshape ' +
        'DequantizeLinear MatMul QuantizeLinear DequantizeLinear',
    );
    expect(verify(lowered)).toEqual([]);
    expect(find(lowered, 'r_unquantized').attributes.doRelu).toBe(false);
  });

  it('has the vendor’s scales, zero points and codes', () => {
    const pairs = lowered.ops.filter((op) => op.type === 'top.QuantizeLinear').map(({ attributes }) => attributes);
    expect(pairs.map(({ yZeroPoint }) => yZeroPoint)).toEqual([[-43], [-128], [45]]);
    const vendor = [0.0117647061, 0.00429834705, 0.00363429915];
    // The vendor measures in float32, so that the last bit of a scale may differ.
    pairs.forEach(({ yScale }, i) => {
      expect(Math.abs(yScale[0]! / vendor[i]! - 1)).toBeLessThan(1e-6);
    });
    expect(find(lowered, 'w_dequantized').attributes).toEqual({
      xScale: [Math.fround(0.00392156886), Math.fround(0.00196078443)],
      xZeroPoint: [0, 0],
      axis: 0,
    });
    expect(find(lowered, 'gw_dequantized').attributes).toMatchObject({ xScale: [0.00390625], xZeroPoint: [0] });
    expect(lowered.weights.get('w')!.data).toEqual(Int8Array.of(127, -127));
    expect([...lowered.weights.get('gw')!.data]).toEqual([
      -102, -90, -77, -64, -51, -38, -26, -13, 0, 13, 26, 38, 51, 64, 77, 90,
    ]);
    expect(lowered.weights.get('b')!.data).toEqual(Float32Array.of(0.1, 0.2));
  });

  it('is written as ONNX with int8 initializers, and read back as the same network', async () => {
    const [artefact] = spacemit.artefacts(lowered, planOf(tinyRanges()));
    expect(artefact!.name).toBe('tiny.q.onnx');
    expect(spacemit.artefacts(lowered, planOf(tinyRanges()))[0]!.bytes).toEqual(artefact!.bytes);
    const back = importOnnx(artefact!.bytes, { name: 'back' });
    expect(typesOf(back).filter((type) => type.endsWith('uantizeLinear'))).toHaveLength(8);
    const feeds = new Map([['x', Float32Array.of(-1, 0.5, 1, 2)]]);
    const [ours] = (await run(lowered, feeds)).values();
    const [again] = (await run(back, feeds)).values();
    expect(again).toEqual(ours);
    // y has steps of 0.0036: the float network's answer is within a few of them.
    const [float] = (await run(tiny(), feeds)).values();
    ours!.forEach((value, i) => {
      expect(Math.abs(value - float![i]!)).toBeLessThan(0.02);
    });
  });
});

/** spacemit.md 16.2 as a Top graph. */
function branches(): Graph {
  const b = new GraphBuilder();
  const c0 = b.conv('r0', b.input('x', [1, 3, 16, 16]), [8, 3, 3, 3], { relu: -1 });
  const pool = { kernelShape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] };
  const p0 = b.add('top.MaxPool', 'p0', [c0], pool);
  const c1 = b.conv('c1', p0, [8, 8, 3, 3], { bias: false });
  const m1 = b.add('top.SiLU', 'm1', [c1]);
  const a1 = b.add('top.Add', 'a1', [m1, p0]);
  const k2 = b.conv('k2', a1, [8, 1, 3, 3], { group: 8, relu: 6 });
  const cat = b.add('top.Concat', 'cat', [k2, p0], { axis: 1 });
  const rs = b.add('top.Upsample', 'rs', [cat], { scaleH: 2, scaleW: 2 });
  const ct = b.add('top.Deconv', 'ct', [rs, b.weight('ct.weight', [4, 16, 2, 2]), b.weight('ct.bias', [4])], {
    kernelShape: [2, 2],
    strides: [2, 2],
    pads: [0, 0, 0, 0],
  });
  const gap = b.add('top.AvgPool', 'gap', [ct], {
    kernelShape: [32, 32],
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    countIncludePad: true,
  });
  const rsh = b.add('top.Reshape', 'rsh', [gap, null], { shape: [1, 4] });
  const fc = b.add('top.MatMul', 'fc', [rsh, b.weight('fc.weight', [4, 5]), b.weight('fc.bias', [5])]);
  b.add('top.Softmax', 'y', [fc], { axis: 1 });
  const mc = b.add('top.Scale', 'mc', [
    cat,
    b.weight('mc.scale', [1, 16, 1, 1]),
    b.weight('mc.zero', [16], new Float32Array(16)),
  ]);
  const tr = b.add('top.Permute', 'tr', [mc], { order: [0, 2, 3, 1] });
  const mma = b.add('top.MatMul', 'mma', [tr, b.weight('mm.weight', [16, 6]), b.weight('mm.bias', [6])]);
  b.add('top.Split', 'sp0', [mma], { axis: 3, num: 2, splitSize: [3, 3] }, ['sp0', 'sp1']);
  b.add('top.Sub', 'z', ['sp0', 'sp1']);
  return b.build(['y', 'z'], 'branches');
}

describe('golden 16.2', () => {
  const graph = branches();
  const samples = [1, 2, 3].map((seed) => new Map([['x', noise(768, seed)]]));
  const count = (lowered: Graph, type: string) => lowered.ops.filter((op) => op.type === type).length;

  it('has the vendor’s structure', async () => {
    const lowered = spacemit.lower(graph, planOf(await observe(graph, samples)));
    expect(verify(lowered)).toEqual([]);
    // The vendor's 19 Q and 27 DQ, less the pair between a MatMul and its bias and the bias' DQ: both are one op here.
    expect([count(lowered, 'top.QuantizeLinear'), count(lowered, 'top.DequantizeLinear')]).toEqual([18, 25]);
    const parameters = (name: string) => {
      const { xScale, xZeroPoint } = find(lowered, name).attributes as { xScale: number[]; xZeroPoint: number[] };
      return [xScale, xZeroPoint];
    };
    expect(parameters('p0')).toEqual(parameters('r0'));
    expect(parameters('r0')[1]).toEqual([-128]);
    expect(parameters('sp1')).toEqual(parameters('mma_gemm'));
    expect(parameters('m1_sigmoid')).toEqual([[Math.fround(1 / 255)], [-128]]);
    expect(parameters('k2')[0]![0]!).toBeCloseTo(6 / 255, 4);
    expect(parameters('k2')).not.toEqual(parameters('p0')); // Concat's operands are not aligned
    // Depthwise and dense filters per channel, the others per tensor with a power of two.
    expect(find(lowered, 'k2.weight_dequantized').attributes.xScale).toHaveLength(8);
    for (const name of ['ct.weight', 'fc.weight', 'mm.weight']) {
      const [scale] = find(lowered, `${name}_dequantized`).attributes.xScale as number[];
      expect(Number.isInteger(Math.log2(scale!)), name).toBe(true);
    }
    // No pair behind Reshape and Permute; none in front of or behind the Softmax but fc's own.
    for (const name of ['rsh', 'tr', 'y']) expect(find(lowered, name).type).not.toBe('top.DequantizeLinear');
    expect(find(lowered, 'y').inputs).toEqual(['fc']);
    // All Relus are implied by their codes.
    expect(lowered.ops.some((op) => (op as { attributes: { doRelu?: boolean } }).attributes.doRelu)).toBe(false);
  });

  it('moves the pair of a float island in front of the next quantized reader', async () => {
    const lowered = spacemit.lower(graph, planOf(await observe(graph, samples), ['m1', 'a1', 'z']));
    expect(find(lowered, 'a1').type).toBe('top.Add');
    expect(find(lowered, 'k2_unquantized').inputs[0]).toBe('a1_to_k2');
    expect(find(lowered, 'z').type).toBe('top.Sub');
    expect(count(lowered, 'top.QuantizeLinear')).toBe(18 - 3); // sigmoid, m1 and z; a1's pair moved
  });

  it('computes nearly what the float network does', async () => {
    const plan = planOf(await observe(graph, samples));
    const lowered = spacemit.lower(graph, plan);
    const feeds = samples[0]!;
    const [float, quantized] = [await run(graph, feeds), await run(lowered, feeds)];
    const z = [float.get('z')!, quantized.get('z')!];
    const [span, worst] = [
      Math.max(...z[0]!.map(Math.abs)),
      Math.max(...z[0]!.map((value, i) => Math.abs(value - z[1]![i]!))),
    ];
    expect(worst).toBeLessThan(0.08 * span);
  });
});

describe('the lowered graph as .mlir text', () => {
  it('is read back as the same graph', async () => {
    const graph = branches();
    const lowered = spacemit.lower(graph, planOf(await observe(graph, [new Map([['x', noise(768)]])])));
    const { text, weights } = printMlir(lowered, { weightFile: 'w.npz' });
    const back = parseMlir(text, readNpz(writeNpz(weights)));
    expect(back.values).toEqual(lowered.values);
    expect(back.weights).toEqual(lowered.weights);
    expect(printMlir(back, { weightFile: 'w.npz' }).text).toBe(text);
  });
});
