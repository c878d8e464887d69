import { type DType, QError, type TensorType } from '@q/ir';
import type { OperandTypes } from '../implementation.ts';
import type { TensorSlot } from '../slot.ts';

/** How the integers of a value stand for reals, and which integers its storage holds. */
export interface Codes {
  readonly dtype: 'i8' | 'u8' | 'i16' | 'u16' | 'i32';
  readonly signed: boolean;
  readonly scale: number;
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  i4: [-8, 7],
  u4: [0, 15],
  i8: [-128, 127],
  u8: [0, 255],
  i16: [-32768, 32767],
  u16: [0, 65535],
  i32: [-(2 ** 31), 2 ** 31 - 1],
};

/** True for storage that holds codes rather than floats. */
export function holdsCodes(dtype: DType): boolean {
  return dtype in RANGES;
}

/** The codes of a type; weights and sums without scale have scale 1 and zero point 0. */
export function codesOf(type: TensorType, where: string): Codes {
  const { quantization } = type;
  const dtype = type.dtype === 'i4' ? 'i8' : type.dtype === 'u4' ? 'u8' : type.dtype;
  const range = RANGES[type.dtype];
  if (range === undefined || quantization?.kind === 'uniformPerAxis') {
    throw new QError(`${where} is not a tensor of codes with one scale.`, {
      code: 'runtime.dtype.mismatch',
      where,
      found: type.dtype,
      expected: Object.keys(RANGES).join(', '),
    });
  }
  const [lo, hi] = (quantization?.kind === 'uniform' && quantization.storageRange) || range;
  const uniform = quantization?.kind === 'uniform' ? quantization : { scale: 1, zeroPoint: 0 };
  return {
    dtype: dtype as Codes['dtype'],
    signed: dtype !== 'u8' && dtype !== 'u16',
    scale: uniform.scale,
    zero: uniform.zeroPoint,
    lo,
    hi,
  };
}

export function codesIn(slot: TensorSlot): Codes {
  return codesOf(slot.type, slot.name);
}

/** The codes of an operand of a multiplying kernel, which reads bytes. */
export function byteCodesIn(slot: TensorSlot): Codes {
  const codes = codesIn(slot);
  if (codes.dtype === 'i8' || codes.dtype === 'u8') return codes;
  throw new QError(`${slot.name} holds ${codes.dtype} where an operator multiplies 8-bit codes.`, {
    code: 'runtime.dtype.mismatch',
    where: slot.name,
    found: codes.dtype,
    expected: 'i8 or u8',
  });
}

/** An operand of a kernel that reads f32. */
export function floatIn(slot: TensorSlot): TensorSlot {
  if (slot.dtype === 'f32') return slot;
  throw new QError(`${slot.name} holds ${slot.dtype} where an operator computes with f32.`, {
    code: 'runtime.dtype.mismatch',
    where: slot.name,
    found: slot.dtype,
    expected: 'f32',
  });
}

/** True for storage that the integer kernels read. */
export function isByte({ dtype }: TensorSlot): boolean {
  return dtype === 'i8' || dtype === 'u8';
}

/** Lowest code of a result: a fused Relu cuts at the zero point. */
export function lowestCode(codes: Codes, doRelu: boolean): number {
  return doRelu ? Math.max(codes.lo, codes.zero) : codes.lo;
}

/** Does the first result hold codes? Chooses between the integer and the float form of an operator. */
export function makesCodes({ outputs }: OperandTypes): boolean {
  const type = outputs.find((output) => output !== null);
  return type != null && holdsCodes(type.dtype);
}

/** 1 and 0, as kernels take flags. */
export const flag = (value: boolean): number => (value ? 1 : 0);
