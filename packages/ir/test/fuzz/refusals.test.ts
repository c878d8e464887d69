import { describe, expect, it } from 'vitest';
import { importCaffe } from '../../src/caffe/index.ts';
import { isQError, parseMlir, readNpy, readNpz, writeNpy, writeNpz, writeZip } from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { floats, int64s, type ModelDescription, modelBytes, node } from '../onnx/build-model.ts';

/** The code of the error, with at most a fraction of a second and no gigabytes spent before it. */
function refusal(run: () => unknown): string {
  const held = process.memoryUsage().arrayBuffers;
  const started = performance.now();
  try {
    run();
  } catch (error) {
    expect(performance.now() - started).toBeLessThan(2000);
    expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(300 * 2 ** 20);
    if (isQError(error)) return error.code;
    throw error;
  }
  return 'nothing was refused';
}

const onnx = (description: ModelDescription) => refusal(() => importOnnx(modelBytes(description), { name: 'net' }));

/** `count` directory entries that all point at the one file of an archive. */
function overlapping(archive: Uint8Array, count: number): Uint8Array {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = archive.length - 22;
  const [size, offset] = [view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  const bomb = new Uint8Array(offset + count * size + 22);
  bomb.set(archive.subarray(0, offset));
  for (let index = 0; index < count; index++) bomb.set(archive.subarray(offset, offset + size), offset + index * size);
  bomb.set(archive.subarray(end), bomb.length - 22);
  const tail = new DataView(bomb.buffer, bomb.length - 22);
  tail.setUint16(8, count, true);
  tail.setUint16(10, count, true);
  tail.setUint32(12, count * size, true);
  return bomb;
}

describe('refused by name', () => {
  it('zip bombs', () => {
    const zeros = writeNpy({ shape: [2 ** 24], dtype: 'u8', data: new Uint8Array(2 ** 24) });
    const one = writeZip([['a.npy', zeros]], { compress: true });
    expect(one.length).toBeLessThan(2 ** 17);
    expect([...readNpz(one).keys()]).toEqual(['a']);
    expect(refusal(() => readNpz(overlapping(one, 40)))).toBe('zip.too-large');
    // An entry that claims more than deflate can expand.
    const liar = one.slice();
    const directory = new DataView(liar.buffer).getUint32(liar.length - 6, true);
    new DataView(liar.buffer).setUint32(directory + 24, 0xfffffff0, true);
    expect(refusal(() => readNpz(liar))).toBe('zip.corrupt');
  });

  it('arrays whose header promises more than there is', () => {
    const bytes = writeNpy({ shape: [4], dtype: 'f32', data: new Float32Array(4) });
    const text = new TextDecoder('latin1')
      .decode(bytes)
      .replace('(4,), }                  ', '(99999999999, 99999999), }');
    expect(refusal(() => readNpy(Uint8Array.from(text, (character) => character.charCodeAt(0))))).toBe('npy.truncated');
  });

  it.each<[string, Omit<ModelDescription, 'inputs' | 'outputs'>]>([
    [
      'ConstantOfShape',
      { initializers: { s: int64s([2 ** 20, 2 ** 20]) }, nodes: [node('ConstantOfShape', ['s'], ['c'])] },
    ],
    [
      'Expand',
      { initializers: { o: floats([1]), s: int64s([2 ** 20, 2 ** 20]) }, nodes: [node('Expand', ['o', 's'], ['c'])] },
    ],
    ['Tile', { initializers: { o: floats([1024]), s: int64s([2 ** 35]) }, nodes: [node('Tile', ['o', 's'], ['c'])] }],
    [
      'Range',
      {
        initializers: { a: int64s([0], []), b: int64s([2 ** 45], []), d: int64s([1], []) },
        nodes: [node('Range', ['a', 'b', 'd'], ['c'])],
      },
    ],
    [
      'Pad',
      { initializers: { o: floats([4]), s: int64s([2 ** 40, 2 ** 40]) }, nodes: [node('Pad', ['o', 's'], ['c'])] },
    ],
    [
      'OneHot',
      {
        initializers: { i: int64s([1]), d: int64s([2 ** 40], []), v: floats([2]) },
        nodes: [node('OneHot', ['i', 'd', 'v'], ['c'])],
      },
    ],
    [
      'products of constants that broadcast',
      { initializers: { a: floats([65536, 1]), b: floats([1, 65536]) }, nodes: [node('Mul', ['a', 'b'], ['c'])] },
    ],
  ])('constants that explode: %s', (_, { nodes, initializers }) => {
    const description = {
      inputs: { x: [1] },
      outputs: ['y'],
      nodes: [...nodes, node('Add', ['x', 'c'], ['y'])],
      ...(initializers && { initializers }),
    };
    // Refused, or left to the executor, which knows how much memory it has: in no case computed here.
    expect(onnx(description)).toMatch(/^(?:(?:onnx|graph)\.|nothing was refused)/);
  });

  it('graphs that read their own results', () => {
    const nodes = [node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b'])];
    expect(onnx({ inputs: { x: [1] }, outputs: ['b'], nodes })).toMatch(/^onnx\./);
    expect(onnx({ inputs: { x: [1] }, outputs: ['a'], nodes: [node('Relu', ['a'], ['a'])] })).toMatch(/^onnx\./);
    const caffe = `input: "x" input_shape { dim: 1 dim: 4 }
      layer { name: "a" type: "Eltwise" bottom: "x" bottom: "b" top: "a" } layer { name: "b" type: "ReLU" bottom: "a" top: "b" }`;
    expect(refusal(() => importCaffe(caffe, { name: 'net' }))).toBe('caffe.unknown-blob');
  });

  it('.mlir text that is nested without end, or has endless results', () => {
    const module = (body: string) => `module @m attributes {module.state = "TOP_F32"} {${body}}`;
    expect(refusal(() => parseMlir('module @m {'.repeat(5000), new Map()))).toBe('mlir.syntax');
    expect(refusal(() => parseMlir(module(`func.func @main() attributes {a = ${'['.repeat(20000)}`), new Map()))).toBe(
      'mlir.syntax',
    );
    expect(
      refusal(() => parseMlir(module('func.func @main() { %0:999999999 = "top.None"() : () -> none }'), new Map())),
    ).toBe('mlir.syntax');
  });

  it('weight files that do not hold what the text says', () => {
    const text = `module @m attributes {module.state = "TOP_F32"} { func.func @main() {
      %0 = "top.Weight"() : () -> tensor<1000000x1000000xf32> loc("w") } }`;
    const weights = readNpz(writeNpz(new Map([['w', { shape: [2], dtype: 'f32', data: new Float32Array(2) }]])));
    expect(refusal(() => parseMlir(text, weights))).toBe('mlir.weight-data');
  });
});
