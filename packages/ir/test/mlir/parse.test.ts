import { f32Tensor, type Issue, isQError, parseMlir, printMlir, verify, weightFileOf } from '@q/ir';
import { describe, expect, it } from 'vitest';

const none = new Map();

function issuesOf(action: () => unknown): readonly Issue[] {
  try {
    action();
  } catch (error) {
    if (isQError(error)) return error.issues;
    throw error;
  }
  return [];
}
const codes = (text: string, weights = none) =>
  issuesOf(() => parseMlir(text, weights, 'm')).map(({ code, where }) => `${where} ${code}`);

/** A module around lines of `@main` with one input `x` of shape [1, 4]. */
function module(lines: string, tail = ''): string {
  return `module @m attributes {module.chip = "ALL", module.platform = "ONNX", module.state = "TOP_F32", module.weight_file = "w.npz"} {
  func.func @main(%arg0: tensor<1x4xf32>) -> tensor<1x4xf32> {
    %0 = "top.Input"(%arg0) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("x")
${lines}
  } loc(unknown)
} loc(unknown)
${tail}`;
}

describe('reader', () => {
  it('fills defaults, resolves aliases from anywhere, skips comments', () => {
    const graph = parseMlir(
      `#loc9 = loc("early") // aliases may come first\n${module('%1 = "top.Relu"(%0) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc(#loc9)\n%2 = "top.Abs"(%1) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc(#loc3)\nreturn %2 : tensor<1x4xf32>', '#loc3 = loc(#loc4)\n#loc4 = loc("late"("called from"))')}`,
      none,
    );
    expect(graph.ops.map(({ type, name, inputs, attributes }) => ({ type, name, inputs, attributes }))).toEqual([
      { type: 'top.Input', name: 'x', inputs: [], attributes: { doPreprocess: false } },
      { type: 'top.Relu', name: 'early', inputs: ['x'], attributes: { reluLimit: -1 } },
      { type: 'top.Abs', name: 'late', inputs: ['early'], attributes: {} },
    ]);
    expect(graph.outputs).toEqual(['late']);
  });

  it('reads modules of 2022: func, name attributes, the model name as an attribute', () => {
    const text = `module attributes {module.chip = "ALL", module.name = "old", module.state = "TOP_F32", module.weight_file = "w.npz"} {
  func @main(%arg0: tensor<1x4xf32>) -> tensor<1x4xf32> {
    %0 = "top.Input"(%arg0) {name = "in"} : (tensor<1x4xf32>) -> tensor<1x4xf32>
    %1 = "top.Weight"() {name = "w"} : () -> tensor<4x4xf32>
    %2 = "top.None"() : () -> none
    %3 = "top.MatMul"(%0, %1, %2) {do_relu = true, name = "fc"} : (tensor<1x4xf32>, tensor<4x4xf32>, none) -> tensor<1x4xf32>
    return %3 : tensor<1x4xf32>
  }
}`;
    const graph = parseMlir(text, new Map([['w', f32Tensor(new Float32Array(16))]]));
    expect(graph.name).toBe('old');
    expect(graph.ops.at(-1)).toMatchObject({
      name: 'fc',
      inputs: ['in', 'w', null],
      attributes: { doRelu: true, keepDims: true },
    });
    expect(graph.ops.at(-1)).not.toHaveProperty('unknownAttributes');
    expect(graph.weights.get('w')!.type.shape).toEqual([4, 4]);
  });

  it('keeps unknown operators and attributes, big integers and bit patterns', () => {
    const lines = `%1 = "top.Strange"(%0) {a = 1 : i64, b, c = #tpu<run_mode TPU_STATIC>, d = [9223372036854775807, -1], e = {x = 1 : i64, y = [2]}, f = @sym, g = array<i32: 1, 2>, h = dense<[1, 2]> : tensor<2xi32>, "i j" = f32, k = 1.500000e+00 : f32, l = affine_map<(d0) -> (d0)>} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("s")
%2 = "top.Slice"(%1, %3, %3, %3) {axes = [], ends = [1, 9223372036854775807], hasparamConvert_axes = [], offset = [0, 0], steps = [1, 1]} : (tensor<1x4xf32>, none, none, none) -> tensor<1x4xf32> loc("t")
%4 = "top.Clip"(%2) {device = "x", max = 0x7FF0000000000000 : f64, min = -0.69999999999999996 : f64} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("u")
return %4 : tensor<1x4xf32>`;
    const graph = parseMlir(module(`%3 = "top.None"() : () -> none\n${lines}`), none);
    expect(graph.ops[1]).toMatchObject({ type: 'unknown', mnemonic: 'top.Strange' });
    expect(graph.ops[2]!.attributes).toMatchObject({ ends: [1, 9223372036854775807n] });
    expect(graph.ops[3]).toMatchObject({
      attributes: { max: Number.POSITIVE_INFINITY, min: -0.7 },
      unknownAttributes: { device: { kind: 'string', value: 'x' } },
    });
    const printed = printMlir(graph, { weightFile: 'w.npz' }).text;
    for (const attributes of lines.matchAll(/\{.*\}/g)) expect(printed).toContain(attributes[0]);
    expect(parseMlir(printed, none)).toEqual(graph);
  });

  it('reads several results, unused ones, and both spellings of them', () => {
    const head = '(tensor<1x4xf32>) -> (tensor<1x4xf32>, none) loc(fused[#loc1, "b"])';
    const spelled = (left: string, use: string) =>
      module(
        `${left} = "top.TopK"(%0) {K = 4 : i64, axis = 1 : i64} : ${head}\n%7 = "top.Abs"(${use}) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("y")\nreturn %7 : tensor<1x4xf32>`,
        '#loc1 = loc("a")',
      );
    const graph = parseMlir(spelled('%5:2', '%5#0'), none);
    expect(parseMlir(spelled('%values, %indices', '%values'), none)).toEqual(graph);
    expect(graph.ops[1]).toMatchObject({ name: 'a', outputs: ['a', null] });
    expect(parseMlir(printMlir(graph, { weightFile: 'w' }).text, none)).toEqual(graph);
  });

  it('says what an addressed module is, and which lines are no operators', () => {
    const addressed = `module @m attributes {module.state = "TPU_ADDRESSED", module.chip = "bm1684x", module.weight_file = "w.npz"} {
      module @m attributes {module.coeff_addr = 4294967296 : i64} {
        func.func @main(%arg0: tensor<1x4xf32>) -> tensor<1x4xf32, 618475294720 : i64> {
          %0 = "top.Input"(%arg0) : (tensor<1x4xf32>) -> tensor<1x4xf32, 4294967296 : i64> loc("x")
          %1 = call @subfunc_0(%0) : (tensor<1x4xf32, 4294967296 : i64>) -> tensor<1x4xf32, 618475294720 : i64> loc("y")
          %2 = "top.If"(%1) ({ "top.Yield"(%1) : (tensor<1x4xf32>) -> () loc("z") }) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("if")
          return %1 : tensor<1x4xf32, 618475294720 : i64>
        }
        func.func @subfunc_0(%arg0: tensor<1x4xf32>) -> tensor<1x4xf32> attributes {id = 0 : i64, mode = #tpu<run_mode TPU_STATIC>} {
          return %arg0 : tensor<1x4xf32>
        }
      }
    }`;
    expect(issuesOf(() => parseMlir(addressed, none, 'm')).map(({ code, found }) => [code, found])).toEqual([
      ['mlir.unsupported', 'a call of a sub-function'],
      ['mlir.unsupported', 'top.If with regions'],
      ['mlir.state', 'module.state TPU_ADDRESSED'],
    ]);
  });

  it('takes the target of a Reshape from its type where the file gives none', () => {
    const lines =
      '%1 = "top.Reshape"(%0) {flatten_start_dim = -1 : i64} : (tensor<1x4xf32>) -> tensor<2x2xf32> loc("r")\nreturn %1 : tensor<2x2xf32>';
    const graph = parseMlir(module(lines), none);
    expect(graph.ops[1]?.attributes).toEqual({ shape: [2, 2], flattenStartDim: -1 });
    expect(verify(graph)).toEqual([]);
  });

  it('reads integer arguments, nested modules and per-axis types', () => {
    const text = `module @outer attributes {module.chip = "bm1684x", module.platform = "ONNX", module.state = "TPU_LOWERED", module.weight_file = "/a/b/w.npz"} {
  module @inner {
    func.func private @helper() -> () attributes {id = 1 : i64}
    func.func @main(%arg0: tensor<1x4xsi32> {x = 1 : i64} loc("here":1:2)) -> (tensor<1x4xf32>) {
      %0 = "top.Input"(%arg0) : (tensor<1x4xsi32>) -> tensor<1x4x!quant.uniform<i8<-8:7>:f32:1, {5.000000e-01:1, 2.500000e-01, 0x3FF0000000000000, 1.0:-2}>, 4459302912 : i64> loc("x")
      return %0 : tensor<1x4xf32>
    }
  }
}`;
    const graph = parseMlir(text, none);
    expect(graph.name).toBe('outer');
    expect(graph.chip).toBe('bm1684x');
    expect(graph.argumentTypes).toEqual(new Map([['x', 'i32']]));
    expect(graph.values.get('x')!.quantization).toEqual({
      kind: 'uniformPerAxis',
      expressed: 'f32',
      axis: 1,
      scales: [0.5, 0.25, 1, 1],
      zeroPoints: [1, 0, 0, -2],
      storageRange: [-8, 7],
    });
    expect(weightFileOf(text)).toBe('w.npz');
  });

  it('takes weights by name with the shape of the type, whatever shape they are stored in', () => {
    const text = module(
      '%1 = "top.Weight"() : () -> tensor<2x2xbf16> loc("w")\n%2 = "top.Strange"(%0, %1) : (tensor<1x4xf32>, tensor<2x2xbf16>) -> tensor<1x4xf32> loc("y")\nreturn %2 : tensor<1x4xf32>',
    );
    const bits = Uint16Array.of(1, 2, 3, 4);
    const graph = parseMlir(text, new Map([['w', { shape: [4], dtype: 'u16', data: bits }]]));
    expect(graph.weights.get('w')).toEqual({ type: { shape: [2, 2], dtype: 'bf16' }, data: bits });
    expect(printMlir(graph, { weightFile: 'w' }).weights).toEqual(
      new Map([['w', { shape: [2, 2], dtype: 'bf16', data: bits }]]),
    );
  });
});

describe('bad modules', () => {
  it('point at line and column', () => {
    expect(codes('module @m {\n  func.func @main( {\n}}')).toEqual(['m:2:20 mlir.syntax']);
    expect(codes('')).toEqual(['m:1:1 mlir.syntax']);
    expect(codes('module @m { func.func @main() { %0 = "a"() : () -> (none, none) } }')).toEqual([
      'm:1:33 mlir.syntax',
    ]);
  });

  it('report every issue at once', () => {
    const text = module(`%1 = "top.Weight"() : () -> tensor<2xf32> loc("w")
%2 = "top.Weight"() : () -> tensor<2xf32> loc("v")
%3 = "top.LeakyRelu"(%9) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("y")
%4 = "top.Relu"(%0) {relu_limit = "six"} : (tensor<1x4xf32>) -> tensor<*xf32> loc("x")
%5 = "top.If"(%0) ({ return }) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("z")
%6 = "top.Abs"(%arg0) : (tensor<1x4xf32>) -> tensor<1x?xf32> loc(unknown)
return %6 : tensor<1x4xf32>`).replace('TOP_F32', 'TPU_ADDRESSED');
    expect(codes(text, new Map([['v', f32Tensor([1, 2, 3])]]))).toEqual([
      'm:4:1 mlir.missing-weight',
      'm:5:1 mlir.weight-data',
      'm:6:1 mlir.operand',
      'm:6:1 mlir.attribute',
      'm:7:1 mlir.type',
      'm:7:1 mlir.name',
      'm:7:22 mlir.attribute',
      'm:8:1 mlir.unsupported',
      'm:9:1 mlir.name',
      'm:9:1 mlir.type',
      'm:9:1 mlir.operand',
      'm:1:1 mlir.state',
    ]);
  });

  it('never hang or crash on mutations', () => {
    const good = module(
      '%1 = "top.Relu"(%0) {relu_limit = 6.0 : f64} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc(fused["a"])\nreturn %1 : tensor<1x4xf32>',
    );
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    for (let i = 0; i < 400; i++) {
      const at = random(good.length);
      const bad =
        good.slice(0, at) +
        ['', '<', '"', '{', '%', 'x'.repeat(3), '[[', '#a', '9'][random(9)] +
        good.slice(at + random(4));
      for (const { code } of issuesOf(() => parseMlir(bad, none))) expect(code).toMatch(/^mlir\./);
    }
    expect(codes(`module @m attributes {a = ${'['.repeat(100_000)}`)[0]).toMatch(/mlir\.syntax$/);
    expect(codes('module @m { } #a = loc(#b) #b = loc(#a)')).toEqual(['m:1:1 mlir.main', 'm:1:1 mlir.state']);
  });
});

describe('operands that are left out when absent', () => {
  const reshape = (inputs: readonly (string | null)[]) =>
    parseMlir(
      `module @m attributes {module.chip = "ALL", module.platform = "ONNX", module.state = "TOP_F32", module.weight_file = "w.npz"} {
  func.func @main(%arg0: tensor<2x3xf32>) -> tensor<6xf32> {
    %0 = "top.Input"(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32> loc("in")
    %1 = "top.Reshape"(${inputs.map(() => '%0').join(', ')}) {shape = [6]} : (${inputs.map(() => 'tensor<2x3xf32>').join(', ')}) -> tensor<6xf32> loc("out")
    return %1 : tensor<6xf32>
  }
}
`,
      new Map(),
    );

  it('are written neither as a value nor as top.None, which TPU-MLIR refuses there', () => {
    const graph = reshape(['in']);
    expect(graph.ops[1]!.inputs).toEqual(['in']);
    const withNull = {
      ...graph,
      ops: graph.ops.map((op) => (op.name === 'out' ? { ...op, inputs: ['in', null] } : op)),
    };
    for (const { text } of [graph, withNull as typeof graph].map((each) => printMlir(each, { weightFile: 'w.npz' }))) {
      expect(text).toContain('"top.Reshape"(%0) {flatten_start_dim = -1 : i64, shape = [6]} : (tensor<2x3xf32>) ->');
      expect(text).not.toContain('top.None');
    }
  });
});
