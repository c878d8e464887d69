import type { DType } from '../dtype.ts';
import type { Quantization, TensorType } from '../tensor-type.ts';
import { formatDouble } from './format-double.ts';

const ELEMENT_TYPES: Readonly<Record<DType, string>> = {
  f32: 'f32',
  f64: 'f64',
  f16: 'f16',
  bf16: 'bf16',
  i4: 'si4',
  u4: 'ui4',
  i8: 'si8',
  u8: 'ui8',
  i16: 'si16',
  u16: 'ui16',
  i32: 'si32',
  u32: 'ui32',
  i64: 'si64',
  u64: 'ui64',
  bool: 'i1',
};
/** Weights of 16 bits and more are signless (numerics.md 14). */
const WEIGHT_TYPES: Readonly<Partial<Record<DType, string>>> = { i16: 'i16', i32: 'i32', i64: 'i64' };
const STORAGE_TYPES: Readonly<Partial<Record<DType, string>>> = {
  i4: 'i4',
  u4: 'u4',
  i8: 'i8',
  u8: 'u8',
  i16: 'i16',
  u16: 'u16',
  i32: 'i32',
  u32: 'u32',
};

/** How integers of a weight are spelled when nothing says otherwise. */
export function weightSpelling(dtype: DType): string {
  return WEIGHT_TYPES[dtype] ?? ELEMENT_TYPES[dtype];
}

/** `tensor<1x3xf32>`; integers are spelled by role: signed in values, signless in weights. */
export function tensorText(type: TensorType, role: 'value' | 'weight'): string {
  const plain = role === 'weight' ? (type.spelling ?? weightSpelling(type.dtype)) : ELEMENT_TYPES[type.dtype];
  return `tensor<${dims(type.shape)}${type.quantization === undefined ? plain : quantizedText(type.dtype, type.quantization)}>`;
}

function quantizedText(dtype: DType, quantization: Quantization): string {
  if (quantization.kind === 'calibrated') {
    const { min, max } = quantization;
    return `!quant.calibrated<${ELEMENT_TYPES[dtype]}<${formatDouble(min)}:${formatDouble(max)}>>`;
  }
  const range = quantization.storageRange === undefined ? '' : `<${quantization.storageRange.join(':')}>`;
  const storage = `${STORAGE_TYPES[dtype] ?? dtype}${range}:${quantization.expressed}`;
  const scaleText = (scale: number, zeroPoint: number) =>
    formatDouble(scale) + (zeroPoint === 0 ? '' : `:${zeroPoint}`);
  if (quantization.kind === 'uniform') {
    return `!quant.uniform<${storage}, ${scaleText(quantization.scale, quantization.zeroPoint)}>`;
  }
  const scales = quantization.scales.map((scale, i) => scaleText(scale, quantization.zeroPoints[i]!));
  return `!quant.uniform<${storage}:${quantization.axis}, {${scales.join(', ')}}>`;
}

function dims(shape: readonly number[]): string {
  return shape.map((dim) => `${dim}x`).join('');
}

/** One type bare, several in parentheses; `before` is left out when there is none. */
export function resultList(types: readonly string[], before: string): string {
  if (types.length === 0) return before === '' ? '()' : '';
  return before + (types.length === 1 ? types[0]! : `(${types.join(', ')})`);
}
