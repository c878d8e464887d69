import type { DType } from '../dtype.ts';
import type { Quantization } from '../tensor-type.ts';
import { doubleFromBits } from './format-double.ts';
import type { Scanner } from './scanner.ts';

/** A type as written. */
export type TypeSyntax =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'tensor';
      /** `undefined` when unranked (`*`); −1 stands for `?`. */
      readonly shape: readonly number[] | undefined;
      /** `undefined` for an element type without a storage here, e.g. fp8. */
      readonly dtype: DType | undefined;
      readonly quantization?: Quantization;
      readonly text: string;
    }
  | { readonly kind: 'other'; readonly text: string };

interface Element {
  readonly dtype: DType | undefined;
  readonly quantization?: Quantization;
}

const DTYPES: Readonly<Record<string, DType>> = {
  f32: 'f32',
  f64: 'f64',
  f16: 'f16',
  bf16: 'bf16',
  i1: 'bool',
  i4: 'i4',
  si4: 'i4',
  ui4: 'u4',
  u4: 'u4',
  i8: 'i8',
  si8: 'i8',
  ui8: 'u8',
  u8: 'u8',
  i16: 'i16',
  si16: 'i16',
  ui16: 'u16',
  u16: 'u16',
  i32: 'i32',
  si32: 'i32',
  ui32: 'u32',
  u32: 'u32',
  i64: 'i64',
  si64: 'i64',
  ui64: 'u64',
  u64: 'u64',
};

const NUMBER = /-?(?:0x[0-9A-Fa-f]+|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|inf|nan)/y;

/** `none`, `tensor<…>`, a scalar, or any dialect type. */
export function readType(scanner: Scanner): TypeSyntax {
  const start = scanner.at;
  if (scanner.takeWord('none')) return { kind: 'none' };
  if (scanner.takeWord('tensor')) return readTensor(scanner, start);
  if (scanner.take('!')) {
    scanner.expectMatch(/[\w$.-]+/y, 'a type name');
    scanner.takeAngled();
  } else if (scanner.match(/\w+/y) !== undefined) scanner.takeAngled();
  else scanner.fail('a type');
  return { kind: 'other', text: scanner.sourceFrom(start) };
}

/** `(types) -> types` */
export function readFunctionType(scanner: Scanner): { operands: TypeSyntax[]; results: TypeSyntax[] } {
  const operands = scanner.list('(', ')', () => readType(scanner));
  scanner.expect('->');
  return { operands, results: readResultTypes(scanner) };
}

export function readResultTypes(scanner: Scanner): TypeSyntax[] {
  return scanner.sees('(') ? scanner.list('(', ')', () => readType(scanner)) : [readType(scanner)];
}

function readTensor(scanner: Scanner, start: number): TypeSyntax {
  scanner.expect('<');
  let shape: number[] | undefined = [];
  // In a shape `x` is a separator: the element type follows the last one directly.
  for (let dim = scanner.match(/(\d+|\?|\*)\s*x/y); dim !== undefined; dim = scanner.match(/(\d+|\?|\*)\s*x/y)) {
    if (dim[1] === '*') shape = undefined;
    else shape?.push(dim[1] === '?' ? -1 : Number(dim[1]));
  }
  const { dtype, quantization } = readElement(scanner);
  if (scanner.take(',')) skipEncoding(scanner);
  scanner.expect('>');
  return { kind: 'tensor', shape, dtype, ...(quantization && { quantization }), text: scanner.sourceFrom(start) };
}

/** A memory address (`618475294720 : i64`) in addressed files, or any dialect's encoding. */
function skipEncoding(scanner: Scanner): void {
  if (scanner.match(/-?\d+(?:\s*:\s*\w+)?/y) !== undefined || scanner.takeString() !== undefined) return;
  scanner.expectMatch(/#[\w$.-]+/y, 'an encoding');
  scanner.takeAngled();
}

function readElement(scanner: Scanner): Element {
  if (scanner.takeWord('!quant.calibrated')) return readCalibrated(scanner);
  if (scanner.takeWord('!quant.uniform')) return readUniform(scanner);
  if (scanner.take('!')) {
    scanner.expectMatch(/[\w$.-]+/y, 'a type name');
    scanner.takeAngled();
    return { dtype: undefined };
  }
  return { dtype: DTYPES[scanner.expectMatch(/\w+/y, 'an element type')] };
}

function readCalibrated(scanner: Scanner): Element {
  scanner.expect('<');
  const dtype = DTYPES[scanner.expectMatch(/\w+/y, 'an element type')];
  scanner.expect('<');
  const min = readNumber(scanner);
  scanner.expect(':');
  const max = readNumber(scanner);
  scanner.expect('>');
  scanner.expect('>');
  return { dtype, quantization: { kind: 'calibrated', min, max } };
}

function readUniform(scanner: Scanner): Element {
  scanner.expect('<');
  const dtype = DTYPES[scanner.expectMatch(/\w+/y, 'a storage type')];
  const range = readStorageRange(scanner);
  scanner.expect(':');
  const expressed = scanner.expectMatch(/f32|f16|bf16/y, 'f32, f16 or bf16') as 'f32' | 'f16' | 'bf16';
  const axis = scanner.take(':') ? Number(scanner.expectMatch(/\d+/y, 'an axis')) : undefined;
  scanner.expect(',');
  const storage = range === undefined ? {} : { storageRange: range };
  if (axis === undefined && !scanner.sees('{')) {
    const { scale, zeroPoint } = readScale(scanner);
    scanner.expect('>');
    return { dtype, quantization: { kind: 'uniform', expressed, scale, zeroPoint, ...storage } };
  }
  const pairs = scanner.list('{', '}', () => readScale(scanner));
  scanner.expect('>');
  const scales = pairs.map(({ scale }) => scale);
  const zeroPoints = pairs.map(({ zeroPoint }) => zeroPoint);
  return {
    dtype,
    quantization: { kind: 'uniformPerAxis', expressed, axis: axis ?? 0, scales, zeroPoints, ...storage },
  };
}

function readStorageRange(scanner: Scanner): readonly [number, number] | undefined {
  if (!scanner.take('<')) return undefined;
  const low = readNumber(scanner);
  scanner.expect(':');
  const high = readNumber(scanner);
  scanner.expect('>');
  return [low, high];
}

function readScale(scanner: Scanner): { scale: number; zeroPoint: number } {
  const scale = readNumber(scanner);
  return { scale, zeroPoint: scanner.take(':') ? readNumber(scanner) : 0 };
}

function readNumber(scanner: Scanner): number {
  const text = scanner.expectMatch(NUMBER, 'a number');
  if (text.endsWith('inf')) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return text.startsWith('0x') && text.length === 18 ? doubleFromBits(BigInt(text)) : Number(text);
}
