import type { DType, TypedArray } from '../../dtype.ts';
import { bytesOf } from '../../tensor.ts';
import { DATA_TYPES } from '../tensor-data.ts';
import type { AttributeWire, TensorWire } from '../wire.ts';

/** An attribute of a node: numbers are integers unless wrapped in `float`. */
export type AttributeValue = number | string | readonly number[] | FloatAttribute;

export interface FloatAttribute {
  readonly float: number | readonly number[];
}

export const float = (value: number | readonly number[]): FloatAttribute => ({ float: value });

export function tensorWire(name: string, dtype: DType, dims: readonly number[], data: TypedArray): TensorWire {
  return { name, dataType: DATA_TYPES[dtype], dims: [...dims], rawData: bytesOf(data) };
}

export function attributeWire(name: string, value: AttributeValue): AttributeWire {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { name, type: 7, ints: [...(value as readonly number[])] };
  const given = (value as FloatAttribute).float;
  return typeof given === 'number' ? { name, type: 1, f: given } : { name, type: 6, floats: [...given] };
}
