import { exportOnnx } from '@q/ir/onnx';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { GraphBuilder, noise } from '../graph-builder.ts';

/** spacemit.md 16.1 as an ONNX file: x → Conv → Relu → Reshape → Gemm → y. */
export function tinyOnnx(): Uint8Array {
  const b = new GraphBuilder();
  const conv = { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0] };
  const [w, bias] = [b.weight('w', [2, 1, 1, 1], [0.5, -0.25]), b.weight('b', [2], [0.1, 0.2])];
  const gw = b.weight(
    'gw',
    [2, 8],
    Array.from({ length: 16 }, (_, k) => k / 20 - 0.4),
  );
  const r = b.add('top.Relu', 'r', [b.add('top.Conv', 'c', [b.input('x', [1, 1, 2, 2]), w, bias], conv)]);
  const f = b.add('top.Reshape', 'f', [r, null], { shape: [1, 8] });
  b.add('top.MatMul', 'y', [f, gw, b.weight('gb', [2], [0.05, -0.05])], { rightTranspose: true });
  return exportOnnx(b.build(['y'], 'tiny'), { opset: 17 });
}

/** spacemit.md 16.2 as an ONNX file. */
export function branchesOnnx(): Uint8Array {
  const b = new GraphBuilder();
  const square = { strides: [2, 2], kernelShape: [2, 2], pads: [0, 0, 0, 0] };
  const r0 = b.add('top.Relu', 'r0', [b.conv('c0', b.input('x', [1, 3, 16, 16]), [8, 3, 3, 3])]);
  const p0 = b.add('top.MaxPool', 'p0', [r0], square);
  const c1 = b.conv('c1', p0, [8, 8, 3, 3], { bias: false });
  const m1 = b.add('top.Mul', 'm1', [c1, b.add('top.Sigmoid', 's1', [c1])]);
  const a1 = b.add('top.Add', 'a1', [m1, p0]);
  const k2 = b.add('top.Relu', 'k2', [b.conv('c2', a1, [8, 1, 3, 3], { group: 8 })], { reluLimit: 6 });
  const cat = b.add('top.Concat', 'cat', [k2, p0], { axis: 1 });
  const rs = b.add('top.Upsample', 'rs', [cat], { scaleH: 2, scaleW: 2 });
  const ct = b.add('top.Deconv', 'ct', [rs, b.weight('w3', [4, 16, 2, 2]), b.weight('b3', [4])], square);
  const pool = { kernelShape: [32, 32], strides: [1, 1], pads: [0, 0, 0, 0], countIncludePad: true };
  const rsh = b.add('top.Reshape', 'rsh', [b.add('top.AvgPool', 'gap', [ct], pool), null], { shape: [1, 4] });
  const fc = b.add('top.MatMul', 'fc', [rsh, b.weight('w4', [5, 4]), b.weight('b4', [5])], { rightTranspose: true });
  b.add('top.Softmax', 'y', [fc], { axis: 1 });
  const mc = b.add('top.Mul', 'mc', [cat, b.weight('scal', [1, 16, 1, 1])]);
  const tr = b.add('top.Permute', 'tr', [mc], { order: [0, 2, 3, 1] });
  const mm = b.add('top.MatMul', 'mm', [tr, b.weight('w5', [16, 6]), null]);
  const mma = b.add('top.Add', 'mma', [mm, b.weight('b5', [6])]);
  b.add('top.Split', 'sp0', [mma], { axis: 3, num: 2, splitSize: [3, 3] }, ['sp0', 'sp1']);
  b.add('top.Sub', 'z', ['sp0', 'sp1']);
  return exportOnnx(b.build(['y', 'z'], 'branches'), { opset: 17 });
}

/** Batches of noise for one input. */
export function noiseData(input: string, count: number, batches: number) {
  return {
    length: batches,
    batch: async (i: number) => new Map([[input, noise(count, i + 1).map((value) => 2 * value)]]),
  };
}

/** A configuration of one input with these settings. */
export function configOf(calibration: object, quantization: object = {}, more: object = {}) {
  const item = { input_name: 'x', file_type: 'npy' };
  return {
    calibration_parameters: { calibration_step: 10, input_parametres: [item], ...calibration },
    quantization_parameters: quantization,
    ...more,
  };
}

/** Outputs of ONNX Runtime by name, on unoptimised nodes. */
export async function runOnnx(
  model: Uint8Array,
  feeds: ReadonlyMap<string, { readonly data: Float32Array; readonly dims: readonly number[] }>,
): Promise<Map<string, Float32Array>> {
  const session = await InferenceSession.create(model, { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1 });
  const tensors = [...feeds].map(([name, { data, dims }]) => [name, new Tensor('float32', data, dims)] as const);
  const results = await session.run(Object.fromEntries(tensors));
  return new Map(session.outputNames.map((name) => [name, results[name]!.data as Float32Array]));
}
