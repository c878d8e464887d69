import { describe, expect, it } from 'vitest';
import {
  CONTAINER_NOTE,
  containerOf,
  crc32,
  type Graph,
  graphOfContainer,
  isContainer,
  isQError,
  type Plan,
  printMlir,
  readContainer,
  writeContainer,
} from '../../src/index.ts';
import { floats, importModel, node } from '../onnx/build-model.ts';

const graph: Graph = importModel({
  inputs: { x: [1, 2, 4, 4] },
  outputs: ['y'],
  initializers: { w: floats([3, 2, 1, 1]) },
  nodes: [node('Conv', ['x', 'w'], ['c'], { kernel_shape: [1, 1] }), node('Relu', ['c'], ['y'])],
});
const plan: Plan = { processor: 'bm1684x', precision: 'F32', asymmetric: false, ops: new Map(), values: new Map() };
const container = containerOf(graph, plan);
const bytes = writeContainer(container);

/** The code of what reading `damaged` throws. */
function codeOf(damaged: Uint8Array): string {
  try {
    readContainer(damaged, 'net.bmodel');
  } catch (error) {
    if (isQError(error)) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** `bytes` changed by `change`, with a checksum that fits. */
function resealed(change: (copy: Uint8Array, view: DataView) => void): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const view = new DataView(copy.buffer);
  change(copy, view);
  view.setUint32(12, crc32(copy.subarray(16)), true);
  return copy;
}

describe('model container', () => {
  it('gives back the network, the facts and the same bytes', () => {
    const read = readContainer(bytes);
    expect(read.metadata).toEqual(container.metadata);
    expect(read.metadata.note).toBe(CONTAINER_NOTE);
    expect(read.metadata.outputs).toEqual([{ name: graph.outputs[0], shape: [1, 3, 4, 4], dtype: 'f32' }]);
    const again = graphOfContainer(read);
    expect(printMlir(again, { weightFile: 'w.npz' })).toEqual(printMlir(graph, { weightFile: 'w.npz' }));
    expect(writeContainer(containerOf(again, plan))).toEqual(bytes);
  });

  it('starts with the documented header', () => {
    expect([...bytes.subarray(0, 8)]).toEqual([0x89, 0x51, 0x4d, 0x4f, 0x44, 0x45, 0x4c, 0x0a]);
    const view = new DataView(bytes.buffer);
    expect(view.getUint32(8, true)).toBe(1);
    expect(view.getUint32(12, true)).toBe(crc32(bytes.subarray(16)));
    expect(view.getBigUint64(16, true)).toBe(BigInt(bytes.length));
    expect(view.getUint32(24, true)).toBe(3);
    for (let section = 0; section < 3; section++) expect(view.getBigUint64(40 + 24 * section, true) % 64n).toBe(0n);
  });

  it('is told apart from other files', () => {
    expect(isContainer(bytes)).toBe(true);
    expect(isContainer(new TextEncoder().encode('module @net'))).toBe(false);
    expect(codeOf(new Uint8Array())).toBe('container.magic');
    expect(codeOf(Uint8Array.of(0xee, 0xaa, 0x55, 0xff, 0, 0, 0, 0, 0, 0))).toBe('container.magic');
  });

  it('names every kind of damage', () => {
    expect(codeOf(bytes.subarray(0, 20))).toBe('container.truncated');
    expect(codeOf(bytes.subarray(0, bytes.length - 1))).toBe('container.truncated');
    expect(codeOf(resealed((_, view) => view.setUint32(8, 2, true)))).toBe('container.version');
    expect(codeOf(resealed((_, view) => view.setUint32(24, 65, true)))).toBe('container.corrupt');
    expect(codeOf(resealed((_, view) => view.setBigUint64(40, 1n << 40n, true)))).toBe('container.corrupt');
    expect(codeOf(resealed((copy) => copy.set([0x57, 0x47, 0x48, 0x54], 32)))).toBe('container.corrupt');
    const start = Number(new DataView(bytes.buffer).getBigUint64(40, true));
    expect(codeOf(resealed((copy) => copy.set([0xff], start)))).toBe('container.corrupt');
  });

  it('notices every single flipped bit behind the header', () => {
    for (let at = 16; at < bytes.length; at += 7) {
      const copy = Uint8Array.from(bytes);
      copy[at]! ^= 1 << (at % 8);
      expect(['container.checksum', 'container.truncated'], `byte ${at}`).toContain(codeOf(copy));
    }
  });
});
