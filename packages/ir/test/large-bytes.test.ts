import { afterEach, expect, test, vi } from 'vitest';
import { largeBytes } from '../src/index.ts';

afterEach(() => void vi.unstubAllGlobals());

test.each([0, 1, 131071, 131072, 131073, 1 << 20])('%i bytes are zeros that can be written to the last', (length) => {
  const bytes = largeBytes(length);
  expect(bytes.length).toBe(length);
  expect(bytes.byteOffset).toBe(0);
  expect(bytes.every((byte) => byte === 0)).toBe(true);
  if (length === 0) return;
  bytes[length - 1] = 7;
  expect(bytes.at(-1)).toBe(7);
});

test('large ones are mapped, in whole pages, and can be posted; small ones are plain', () => {
  const bytes = largeBytes(200_000);
  expect(bytes.buffer.byteLength).toBe(4 * 65536);
  bytes[199_999] = 7;
  expect(structuredClone(bytes)).toEqual(bytes);
  expect(largeBytes(1000).buffer.byteLength).toBe(1000);
});

test('where no memory can be mapped, a plain buffer does', () => {
  vi.stubGlobal('WebAssembly', {
    Memory: class {
      constructor() {
        throw new RangeError('no address space');
      }
    },
  });
  const bytes = largeBytes(200_000);
  expect(bytes.buffer.byteLength).toBe(200_000);
  vi.stubGlobal('WebAssembly', undefined);
  expect(largeBytes(200_000).buffer.byteLength).toBe(200_000);
});
