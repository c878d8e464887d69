import { saturate, toInt } from '@q/ir';
import { absMax, extremes } from '@q/ir/lowering';

/** Codes of a filter, with one scale per output channel. */
export interface QuantizedFilter {
  readonly signed: boolean;
  /** Always bytes, also of 4-bit codes. */
  readonly codes: Int8Array | Uint8Array;
  readonly scales: readonly number[];
}

export interface FilterOptions {
  readonly oc: number;
  /** A bias, or a negative weight, makes the codes signed. */
  readonly hasBias: boolean;
  readonly bits?: 4 | 8;
  /** Scales that the calibration table gives, one per output channel. */
  readonly given?: readonly number[] | undefined;
  /** Weights that are integers over a power of two keep their values (Conv only). */
  readonly keepsExact?: boolean;
}

/** 2^k (k ≤ 6) that makes every weight an exact code, if there is one: pre-quantized weights keep their values. */
function exactPower(filter: Float32Array, signed: boolean): number | undefined {
  const [low, high] = signed ? [-128, 127] : [0, 255];
  const fits = (power: number): boolean => {
    for (let i = 0; i < filter.length; i++) {
      const code = filter[i]! * power;
      if (!(code >= low && code <= high && Math.floor(code) === code)) return false;
    }
    return true;
  };
  return [1, 2, 4, 8, 16, 32, 64].find(fits);
}

/** What was made of a filter, by the options: searches lower the same network many times, and no filter depends on thresholds. */
const known = new WeakMap<Float32Array, Map<string, QuantizedFilter>>();

/** Codes and scales of a filter [oc, …] (numerics.md 7.1, 13). The same filter gives the same arrays again: nobody may change them. */
export function quantizeFilter(filter: Float32Array, options: FilterOptions): QuantizedFilter {
  if (options.given !== undefined) return quantized(filter, options);
  const key = [options.oc, options.hasBias, options.bits ?? 8, options.keepsExact === true].join();
  const ofFilter = known.get(filter) ?? new Map<string, QuantizedFilter>();
  known.set(filter, ofFilter);
  const result = ofFilter.get(key) ?? quantized(filter, options);
  ofFilter.set(key, result);
  return result;
}

function quantized(filter: Float32Array, options: FilterOptions): QuantizedFilter {
  const { oc, hasBias, bits = 8, given, keepsExact = false } = options;
  const signed = hasBias || extremes(filter).min < 0;
  const largest = 2 ** (signed ? bits - 1 : bits) - 1;
  const power = keepsExact && given === undefined && bits === 8 ? exactPower(filter, signed) : undefined;
  const codes = signed ? new Int8Array(filter.length) : new Uint8Array(filter.length);
  const inner = filter.length / oc;
  const type = `${signed ? 'i' : 'u'}${bits}` as const;
  const inside = signed ? 2 ** (bits - 1) : 0;
  const scales = Array.from({ length: oc }, (_, channel) => {
    const [from, to] = [channel * inner, (channel + 1) * inner];
    const own = Math.max(Math.fround(absMax(filter, from, to) / largest), Math.fround(1e-5));
    const scale = power === undefined ? (given?.[channel] ?? own) : 1 / power;
    for (let at = from; at < to; at++) codes[at] = code(filter[at]! / scale, inside, type);
    return scale;
  });
  return { signed, codes, scales };
}

/** `saturate`; magnitudes below `inside` are rounded here, half away from zero. */
function code(value: number, inside: number, type: 'i4' | 'i8' | 'u4' | 'u8'): number {
  const magnitude = Math.abs(value);
  const whole = Math.floor(magnitude);
  const rounded = magnitude - whole >= 0.5 ? whole + 1 : whole;
  if (rounded < inside) return value < 0 ? -rounded : rounded;
  return saturate(value, type);
}

/**
 * i32 codes of a bias at scale weight · input (f64, half away), with what the input's zero point adds to every sum taken
 * off; undefined when there is nothing to add. Upstream sums a buffer of signed codes, which unsigned filters leave empty
 * (numerics.md 7.1).
 */
export function quantizeBias(
  bias: Float32Array | undefined,
  filter: QuantizedFilter,
  input: { readonly scale: number; readonly zeroPoint: number },
): Int32Array | undefined {
  if (bias === undefined && input.zeroPoint === 0) return undefined;
  const { codes, scales, signed } = filter;
  const inner = codes.length / scales.length;
  const isShifted = signed && input.zeroPoint !== 0;
  return Int32Array.from(scales, (scale, channel) => {
    let sum = 0;
    if (isShifted) for (let at = channel * inner; at < (channel + 1) * inner; at++) sum += codes[at]!;
    const shift = sum * input.zeroPoint;
    return toInt(bias === undefined ? -shift : bias[channel]! / (scale * input.scale) - shift);
  });
}
