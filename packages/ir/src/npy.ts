import { byteLengthOf, type DType, elementCount } from './dtype.ts';
import { QError } from './errors.ts';
import { bytesOf, type Tensor, viewBytes } from './tensor.ts';

/** numpy's letter and item size of each element type that is understood. */
const READ_TYPES: Readonly<Record<string, DType>> = {
  f2: 'f16',
  f4: 'f32',
  f8: 'f64',
  i1: 'i8',
  i2: 'i16',
  i4: 'i32',
  i8: 'i64',
  u1: 'u8',
  u2: 'u16',
  u4: 'u32',
  u8: 'u64',
  b1: 'bool',
};

/** As TPU-MLIR stores them (ir.md 4): 16-bit floats as `<u2` bit patterns, 4-bit integers as packed bytes. */
const WRITE_TYPES: Readonly<Record<DType, string>> = {
  f32: '<f4',
  f64: '<f8',
  f16: '<u2',
  bf16: '<u2',
  i4: '|u1',
  u4: '|u1',
  i8: '|i1',
  u8: '|u1',
  i16: '<i2',
  u16: '<u2',
  i32: '<i4',
  u32: '<u4',
  i64: '<i8',
  u64: '<u8',
  bool: '|b1',
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const; // \x93NUMPY
/** Headers of real files are some hundred bytes; numpy itself refuses longer ones by default. */
const LONGEST_HEADER = 10_000;

interface Header {
  readonly dtype: DType;
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/**
 * Reads a `.npy` file (format 1.0 to 3.0). The data are a view on `bytes` where alignment and order allow it;
 * big-endian and Fortran-ordered arrays are converted.
 *
 * @throws QError `npy.magic`, `npy.version`, `npy.header`, `npy.dtype`, `npy.truncated`
 */
export function readNpy(bytes: Uint8Array, where = 'npy'): Tensor {
  const { text, end } = headerText(bytes, where);
  const header = parseHeader(text, where);
  const { dtype, shape } = header;
  const count = elementCount(shape);
  const size = byteLengthOf(dtype, count);
  if (!Number.isSafeInteger(count) || size > bytes.length - end) {
    throw new QError(`${where} is truncated: its header promises more data than there is.`, {
      code: 'npy.truncated',
      where,
      found: `${bytes.length - end} bytes of data`,
      expected: `${size} bytes for [${shape.join(', ')}] ${dtype}`,
    });
  }
  let data = bytes.subarray(end, end + size);
  const itemSize = byteLengthOf(dtype, 1);
  if (header.bigEndian && itemSize > 1) data = reverseItems(data, itemSize);
  if (header.fortranOrder && shape.length > 1) data = toRowMajor(data, itemSize, shape);
  return { shape, dtype, data: viewBytes(dtype, data) };
}

/**
 * Writes format 1.0 with numpy's own header layout (padded to 64 bytes), so the bytes equal `numpy.save`'s.
 * `f16` and `bf16` become `<u2` bit patterns; `i4` and `u4` a one-dimensional array of packed bytes.
 */
export function writeNpy(tensor: Tensor): Uint8Array {
  const packed = tensor.dtype === 'i4' || tensor.dtype === 'u4';
  const shape = packed ? [tensor.data.length] : tensor.shape;
  const data = bytesOf(tensor.data);
  const expected = byteLengthOf(tensor.dtype, elementCount(tensor.shape));
  if (data.length !== expected) {
    throw new QError('A tensor has data that do not fit its shape.', {
      code: 'npy.shape',
      found: `${data.length} bytes`,
      expected: `${expected} bytes for [${tensor.shape.join(', ')}] ${tensor.dtype}`,
    });
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${WRITE_TYPES[tensor.dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const headerLength = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const out = new Uint8Array(10 + headerLength + data.length);
  out.set(MAGIC);
  out.set([1, 0, headerLength & 255, headerLength >> 8], 6);
  out.set(new TextEncoder().encode(`${dict.padEnd(headerLength - 1)}\n`), 10);
  out.set(data, 10 + headerLength);
  return out;
}

function headerText(bytes: Uint8Array, where: string): { text: string; end: number } {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new QError(`${where} is not a .npy file.`, {
      code: 'npy.magic',
      where,
      found: [...bytes.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ') || 'no bytes',
      expected: '93 4e 55 4d 50 59',
    });
  }
  const major = bytes[6];
  if (major !== 1 && major !== 2 && major !== 3) {
    throw new QError(`${where} has an unknown .npy version.`, {
      code: 'npy.version',
      where,
      found: `${major ?? 'nothing'}.${bytes[7] ?? ''}`,
      expected: '1.0, 2.0 or 3.0',
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  const length = bytes.length < start ? 0 : major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (bytes.length < start || length > bytes.length - start || length > LONGEST_HEADER) {
    throw new QError(`${where} ends inside its header.`, {
      code: 'npy.truncated',
      where,
      found: `${bytes.length} bytes, header length ${length}`,
      expected: `a header of at most ${LONGEST_HEADER} bytes`,
    });
  }
  const end = start + length;
  return { text: new TextDecoder(major === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(start, end)), end };
}

/** The header is a Python dictionary literal with exactly three keys, in any order. */
function parseHeader(text: string, where: string): Header {
  const descr = /'descr'\s*:\s*('([^']*)'|\[)/.exec(text);
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const tuple = /'shape'\s*:\s*\(([\d\sL,]*)\)/.exec(text);
  if (!descr || !fortran || !tuple) {
    throw new QError(`${where} has a malformed .npy header.`, {
      code: 'npy.header',
      where,
      found: text.trim().slice(0, 120),
      expected: "{'descr': …, 'fortran_order': …, 'shape': (…)}",
    });
  }
  const spelled = descr[2] ?? 'a structured type';
  const dtype = /^[<>|=]?[a-z]\d+$/.test(spelled) ? READ_TYPES[spelled.replace(/^[<>|=]/, '')] : undefined;
  if (!dtype) {
    throw new QError(`${where} holds elements of a type that is not supported.`, {
      code: 'npy.dtype',
      where,
      found: spelled,
      expected: Object.keys(READ_TYPES).join(', '),
    });
  }
  // Python 2 wrote long integers as `3L`.
  const dims = tuple[1]!
    .split(',')
    .map((dim) => dim.trim().replace(/L$/, ''))
    .filter((dim) => dim !== '');
  const shape = dims.map((dim) => (/^\d+$/.test(dim) ? Number(dim) : Number.NaN));
  if (shape.some((dim) => !Number.isSafeInteger(dim)) || shape.length > 32) {
    throw new QError(`${where} has an impossible shape.`, { code: 'npy.header', where, found: `(${tuple[1]})` });
  }
  return { dtype, bigEndian: spelled.startsWith('>'), fortranOrder: fortran[1] === 'True', shape };
}

function reverseItems(data: Uint8Array, itemSize: number): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = data[i - (i % itemSize) + (itemSize - 1 - (i % itemSize))]!;
  return out;
}

/** Reorders column-major items (first index fastest) to row-major. */
function toRowMajor(data: Uint8Array, itemSize: number, shape: readonly number[]): Uint8Array {
  const out = new Uint8Array(data.length);
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  for (let to = 0; to < out.length; to += itemSize) {
    const from = index.reduce((offset, i, axis) => offset + i * strides[axis]!, 0) * itemSize;
    out.set(data.subarray(from, from + itemSize), to);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return out;
}
