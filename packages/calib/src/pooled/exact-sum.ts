const BITS = new DataView(new ArrayBuffer(8));
/** Exponent of the least significant bit of the smallest double. */
const LEAST = -1074;

/** A double as a whole multiple of 2^-1074, so that sums are exact and do not depend on their order. */
export function toExact(x: number): bigint {
  BITS.setFloat64(0, x);
  const high = BITS.getUint32(0);
  const exponent = (high >>> 20) & 0x7ff;
  const fraction = BigInt((high & 0xfffff) * 2 ** 32 + BITS.getUint32(4));
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n);
  const whole = mantissa << BigInt(Math.max(exponent, 1) - 1);
  return high >>> 31 === 1 ? -whole : whole;
}

/** The nearest double, ties to even. */
export function fromExact(sum: bigint): number {
  if (sum < 0n) return -fromExact(-sum);
  const length = sum.toString(2).length;
  if (length <= 64) return Number(sum) * 2 ** -537 * 2 ** -537;
  // The 64 leading bits, the last one set when anything is left out, round as all of them would.
  const dropped = BigInt(length - 64);
  const lead = sum >> dropped;
  const inexact = lead << dropped === sum ? 0n : 1n;
  return scale(Number(lead | inexact), length - 64 + LEAST);
}

/** x * 2^exponent, in steps that neither overflow nor round early. */
function scale(x: number, exponent: number): number {
  let [value, left] = [x, exponent];
  for (; left < -1000; left += 500) value *= 2 ** -500;
  return value * 2 ** left;
}
