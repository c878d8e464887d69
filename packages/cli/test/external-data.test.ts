import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { q } from './q-process.ts';

/** A length-delimited protobuf field of less than 128 bytes. */
const field = (number: number, ...content: number[]) => [number * 8 + 2, content.length, ...content];
const text = (number: number, value: string) => field(number, ...new TextEncoder().encode(value));
const integer = (number: number, value: number) => [number * 8, value];

/** y = x + w, where the four bytes of w are in the file `location`. */
function model(location: string): Uint8Array {
  const entry = [...text(1, 'location'), ...text(2, location)];
  const weight = [...integer(1, 1), ...integer(2, 1), ...text(8, 'w'), ...field(13, ...entry), ...integer(14, 1)];
  const shape = field(2, ...field(1, ...integer(1, 1)));
  const value = (name: string) => [...text(1, name), ...field(2, ...field(1, ...integer(1, 1), ...shape))];
  const node = [...text(1, 'x'), ...text(1, 'w'), ...text(2, 'y'), ...text(4, 'Add')];
  const graph = [
    ...field(1, ...node),
    ...field(5, ...weight),
    ...field(11, ...value('x')),
    ...field(12, ...value('y')),
  ];
  return Uint8Array.from([
    ...integer(1, 8),
    7 * 8 + 2,
    (graph.length & 127) | 128,
    graph.length >> 7,
    ...graph,
    ...field(8, ...integer(2, 13)),
  ]);
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-external-'));
  mkdirSync(join(folder, 'models'));
  const data = new Uint8Array(Float32Array.of(2).buffer);
  for (const file of ['secret.bin', 'models/own.bin']) writeFileSync(join(folder, file), data);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function inspect(location: string) {
  writeFileSync(join(folder, 'models', 'net.onnx'), model(location));
  return q(folder, 'inspect', 'models/net.onnx');
}

describe('tensors in other files', () => {
  it('are read from the folder of the model', () => {
    const { status, stdout, stderr } = inspect('own.bin');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^top\.AddConst\s+1\s+0$/m);
  });

  it.each(['../secret.bin', './../models/../secret.bin', '/etc/hostname'])(
    'are refused from elsewhere: %s',
    (location) => {
      const { status, stderr } = inspect(location);
      expect(status).toBe(1);
      expect(stderr).toMatch(/\[onnx\.external-data(?:-outside)?\]/);
      expect(stderr).toContain(location);
    },
  );
});
