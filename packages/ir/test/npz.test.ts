import {
  allocate,
  bytesOf,
  type DType,
  elementCount,
  f32Tensor,
  isQError,
  readNpy,
  readNpz,
  readZip,
  type Tensor,
  writeNpy,
  writeNpz,
  writeZip,
} from '@q/ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const STORABLE: readonly DType[] = ['f32', 'f64', 'i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64', 'u64', 'bool'];

const tensors: fc.Arbitrary<Tensor> = fc
  .record({
    dtype: fc.constantFrom(...STORABLE),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    seed: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  })
  .map(({ dtype, shape, seed }) => {
    const data = allocate(dtype, elementCount(shape));
    const bytes = bytesOf(data);
    for (let i = 0; i < bytes.length; i++)
      bytes[i] = dtype === 'bool' ? seed[i % seed.length]! & 1 : seed[i % seed.length]!;
    return { shape, dtype, data };
  });

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isQError(error)) return error.code;
    throw error;
  }
  return 'no error';
}

/** A .npy file with this header and these data bytes. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.from([0x93, ...new TextEncoder().encode('NUMPY'), version, 0, ...length, ...text, ...data]);
}

function sameTensor(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.dtype).toBe(expected.dtype);
  expect([...bytesOf(actual.data)]).toEqual([...bytesOf(expected.data)]);
}

describe('npy', () => {
  it('writes the bytes of numpy.save', () => {
    const bytes = writeNpy(f32Tensor([1, -2], [2]));
    expect(bytes.length).toBe(128 + 8);
    expect(new TextDecoder('latin1').decode(bytes.subarray(0, 128))).toBe(
      `\u0093NUMPY\u0001\0v\0${"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }".padEnd(117)}\n`,
    );
    expect([...bytes.subarray(128)]).toEqual([0, 0, 128, 63, 0, 0, 0, 192]);
  });

  it('reads back what it wrote, any type and rank', () => {
    fc.assert(fc.property(tensors, (tensor) => sameTensor(readNpy(writeNpy(tensor)), tensor)));
  });

  it('stores 16-bit floats as bit patterns and 4-bit integers as packed bytes', () => {
    expect(readNpy(writeNpy({ shape: [2], dtype: 'bf16', data: Uint16Array.of(0x3f80, 0xc000) }))).toEqual({
      shape: [2],
      dtype: 'u16',
      data: Uint16Array.of(0x3f80, 0xc000),
    });
    expect(readNpy(writeNpy({ shape: [3], dtype: 'i4', data: Uint8Array.of(0x21, 0x0f) }))).toEqual({
      shape: [2],
      dtype: 'u8',
      data: Uint8Array.of(0x21, 0x0f),
    });
  });

  it('reads versions 2 and 3, Python 2 shapes, <f2, big-endian and Fortran order', () => {
    expect(
      readNpy(npy("{'descr': '|i1', 'fortran_order': False, 'shape': (2L, 1L), }\n", Uint8Array.of(1, 255), 2)),
    ).toEqual({
      shape: [2, 1],
      dtype: 'i8',
      data: Int8Array.of(1, -1),
    });
    expect(readNpy(npy("{'shape': (), 'fortran_order': False, 'descr': '<f2'}", Uint8Array.of(0, 60), 3))).toEqual({
      shape: [],
      dtype: 'f16',
      data: Uint16Array.of(0x3c00),
    });
    expect(
      readNpy(npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2,)}", Uint8Array.of(1, 2, 0xff, 0xfe))).data,
    ).toEqual(Int16Array.of(0x0102, -2));
    // Column-major 2×3: columns (0,3) (1,4) (2,5).
    expect(
      readNpy(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", Uint8Array.of(0, 3, 1, 4, 2, 5))).data,
    ).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 5));
  });

  it('refuses what it cannot read with a code', () => {
    const good = writeNpy(f32Tensor([1, 2, 3]));
    expect(codeOf(() => readNpy(new Uint8Array(3)))).toBe('npy.magic');
    expect(codeOf(() => readNpy(good.subarray(0, 9)))).toBe('npy.truncated');
    expect(codeOf(() => readNpy(good.subarray(0, good.length - 1)))).toBe('npy.truncated');
    expect(
      codeOf(() => readNpy(npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", new Uint8Array(8)))),
    ).toBe('npy.dtype');
    expect(
      codeOf(() => readNpy(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", new Uint8Array(8)))),
    ).toBe('npy.dtype');
    expect(codeOf(() => readNpy(npy('{}', new Uint8Array(0))))).toBe('npy.header');
    expect(
      codeOf(() => readNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2 3)}", new Uint8Array(9)))),
    ).toBe('npy.header');
    expect(
      codeOf(() =>
        readNpy(
          npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999)}", new Uint8Array(8)),
        ),
      ),
    ).toBe('npy.truncated');
    expect(codeOf(() => writeNpy({ shape: [3], dtype: 'f32', data: new Float32Array(2) }))).toBe('npy.shape');
  });
});

describe('npz', () => {
  const names = fc.stringMatching(/^[\w/.:é -]{1,12}$/);

  it('reads back what it wrote, stored and deflated, and writes the same bytes again', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(names, tensors), { selector: ([name]) => name, maxLength: 5 }),
        fc.boolean(),
        (entries, compress) => {
          const bytes = writeNpz(new Map(entries), { compress });
          const back = readNpz(bytes);
          expect([...back.keys()]).toEqual(entries.map(([name]) => name));
          for (const [name, tensor] of entries) sameTensor(back.get(name)!, tensor);
          expect(writeNpz(back, { compress })).toEqual(bytes);
        },
      ),
    );
  });

  it('answers every damaged archive with a coded error or an intact result', () => {
    const bytes = writeNpz(
      new Map([
        ['a', f32Tensor([1, 2, 3])],
        ['b', f32Tensor(new Float32Array(300))],
      ]),
      { compress: true },
    );
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(bytes.length), (at, flip, cut) => {
        const bad = bytes.slice(0, cut === 0 ? bytes.length : cut);
        if (at < bad.length) bad[at]! ^= flip;
        const code = codeOf(() => readNpz(bad));
        expect(code === 'no error' || /^(zip|npy|npz)\./.test(code)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('reads unaligned data out of a Buffer', () => {
    const bytes = writeNpz(new Map([['a', f32Tensor([1, 2, 3])]]));
    const shifted = Buffer.alloc(bytes.length + 3);
    for (const start of [0, 1, 2, 3]) {
      shifted.set(bytes, start);
      expect(readNpz(shifted.subarray(start, start + bytes.length)).get('a')!.data).toEqual(Float32Array.of(1, 2, 3));
    }
  });

  it('detects a flipped data byte', () => {
    const bytes = writeNpz(new Map([['a', f32Tensor([1, 2, 3])]]));
    bytes[30 + 5 + 128 + 2]! ^= 1;
    expect(codeOf(() => readNpz(bytes))).toBe('zip.corrupt');
  });

  it('refuses bombs, duplicates and foreign compression', () => {
    const one = f32Tensor([1]);
    const twice = writeZip([
      ['a.npy', writeNpy(one)],
      ['a.npy', writeNpy(one)],
    ]);
    expect(codeOf(() => readNpz(twice))).toBe('npz.duplicate');
    const big = writeNpz(new Map([['z', f32Tensor(new Float32Array(1 << 20))]]), { compress: true });
    expect(codeOf(() => readNpz(big, 'big', { maxBytes: 1 << 20 }))).toBe('zip.too-large');
    const lying = writeZip([['a.npy', writeNpy(one)]]);
    new DataView(lying.buffer).setUint32(lying.length - 22 - 46 - 5 + 24, 0xfffffff0, true);
    expect(codeOf(() => readNpz(lying))).toBe('zip.corrupt');
    const foreign = writeZip([['a.npy', writeNpy(one)]]);
    new DataView(foreign.buffer).setUint16(foreign.length - 22 - 46 - 5 + 10, 12, true);
    expect(codeOf(() => readNpz(foreign))).toBe('zip.unsupported');
  });

  it('skips entries that are not arrays', () => {
    expect([
      ...readNpz(
        writeZip([
          ['notes.txt', new Uint8Array(3)],
          ['x.npy', writeNpy(f32Tensor([1]))],
        ]),
      ).keys(),
    ]).toEqual(['x']);
    expect(readZip(writeZip([['folder/', new Uint8Array(0)]]))).toEqual([]);
  });

  it('finds the zip64 end record of TPU-MLIR files, whose locator points elsewhere', () => {
    const plain = writeZip([['x.npy', writeNpy(f32Tensor([1, 2]))]]);
    const end = plain.length - 22;
    const view = new DataView(plain.buffer, plain.byteOffset);
    const offset = view.getUint32(end + 16, true);
    const end64 = new DataView(new ArrayBuffer(76));
    end64.setUint32(0, 0x06064b50, true);
    end64.setBigUint64(4, 68n, true);
    end64.setBigUint64(24, 1n, true);
    end64.setBigUint64(32, 1n, true);
    end64.setBigUint64(40, BigInt(end - offset), true);
    end64.setBigUint64(48, BigInt(offset), true);
    end64.setUint32(56, 0x07064b50, true);
    // Start of the central directory + 56 instead of the record's own place.
    end64.setBigUint64(64, BigInt(offset + 56), true);
    end64.setUint32(72, 1, true);
    view.setUint32(end + 16, 0xffffffff, true);
    const parts = [plain.subarray(0, end), new Uint8Array(end64.buffer), plain.subarray(end)];
    const archive = Uint8Array.from(parts.flatMap((part) => [...part]));
    expect(readNpz(archive).get('x')!.data).toEqual(Float32Array.of(1, 2));
  });
});
