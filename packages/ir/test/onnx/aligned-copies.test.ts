import { expect, test } from 'vitest';
import { importOnnx } from '../../src/onnx/import.ts';
import { floats, int64s, modelBytes, node } from './build-model.ts';

const LAYERS = 6;
const values = (layer: number) => Array.from({ length: 12 }, (_, at) => layer + at / 16);

/** A chain of Adds. Names of growing length put the constants at every alignment. */
function chain(): Uint8Array {
  const layers = Array.from({ length: LAYERS }, (_, layer) => `w${'_'.repeat(layer)}${layer}`);
  const constants = layers.map((name, layer) => [name, floats([3, 4], values(layer))] as const);
  return modelBytes({
    inputs: { x: [3, 4] },
    outputs: ['y'],
    initializers: Object.fromEntries([...constants, ['shape', int64s([3, 4])]]),
    nodes: [
      ...layers.map((name, layer) => node('Add', [layer === 0 ? 'x' : `t${layer - 1}`, name], [`t${layer}`])),
      node('Reshape', [`t${LAYERS - 1}`, 'shape'], ['y']),
    ],
  });
}

test('weights have the values of the file wherever it puts them, as views on it or on copies that share a block', () => {
  const file = chain();
  const alignments = new Set<number>();
  for (let shift = 0; shift < 8; shift++) {
    const bytes = new Uint8Array(file.length + shift).subarray(shift);
    bytes.set(file);
    const before = bytes.slice();
    const weights = [...importOnnx(bytes, { name: 'chain' }).weights.values()];
    expect(weights.map(({ data }) => [...data])).toEqual(Array.from({ length: LAYERS }, (_, layer) => values(layer)));
    const copies = weights.filter(({ data }) => data.buffer !== bytes.buffer);
    expect(new Set(copies.map(({ data }) => data.buffer)).size).toBeLessThanOrEqual(1);
    for (const { data } of copies) expect(data.byteOffset % 8).toBe(0);
    alignments.add(copies.length);
    expect(bytes).toEqual(before);
  }
  // Some shifts put some constants right and others wrong.
  expect(Math.max(...alignments)).toBeGreaterThan(1);
  expect(Math.min(...alignments)).toBeLessThan(LAYERS);
});
