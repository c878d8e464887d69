/**
 * How MLIR prints a double (ir.md 2.4): six significant digits in `%e` form when that text is the same double, else up to
 * 17 digits, else the bits in hexadecimal. LLVM cuts the digits off in binary before it rounds them, which is why 1e-6
 * prints as `9.9999999999999995E-7` (llvm: APFloat toString, mlir: AsmPrinter); the same steps are taken here.
 */
export function formatDouble(value: number): string {
  if (Number.isFinite(value)) {
    const short = formatDigits(value, 6, 'short');
    if (Object.is(Number(short), value)) return short;
    const long = formatDigits(value, 17, 'long');
    if (long.includes('.')) return long;
  }
  return doubleBits(value);
}

/** `0x7FF0000000000000` and the like; NaN is the canonical quiet one. */
export function doubleBits(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return `0x${view.getBigUint64(0).toString(16).toUpperCase().padStart(16, '0')}`;
}

export function doubleFromBits(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

function formatDigits(value: number, precision: number, form: 'short' | 'long'): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (value === 0) return form === 'short' ? `${sign}0.000000e+00` : `${sign}0`;
  const { digits, exponent } = decimalDigits(Math.abs(value), precision);
  const leading = exponent + digits.length - 1;
  if (form === 'short') {
    const power = `${leading < 0 ? '-' : '+'}${String(Math.abs(leading)).padStart(2, '0')}`;
    return `${sign}${digits[0]}.${digits.slice(1).padEnd(6, '0')}e${power}`;
  }
  if (isScientific(digits.length, exponent, leading, precision)) {
    return `${sign}${digits[0]}.${digits.slice(1) || '0'}E${leading < 0 ? '-' : '+'}${Math.abs(leading)}`;
  }
  if (exponent >= 0) return sign + digits + '0'.repeat(exponent);
  const whole = digits.length + exponent;
  return whole > 0
    ? `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`
    : `${sign}0.${'0'.repeat(-whole)}${digits}`;
}

/** Plain notation pads with at most three zeros and never claims more digits than the precision. */
function isScientific(count: number, exponent: number, leading: number, precision: number): boolean {
  if (exponent >= 0) return exponent > 3 || count + exponent > precision;
  return leading < 0 && -leading > 3;
}

/** value ≈ digits · 10^exponent with at most `precision` digits and no trailing zero. */
function decimalDigits(value: number, precision: number): { digits: string; exponent: number } {
  let { significand, exponent } = exactDecimal(value);
  const bits = significand.toString(2).length;
  const bitsRequired = Math.floor((precision * 196 + 58) / 59); // 196/59 ≈ log2(10)
  const removable = bits > bitsRequired ? Math.floor(((bits - bitsRequired) * 59) / 196) : 0;
  significand /= 10n ** BigInt(removable);
  exponent += removable;
  let digits = significand.toString();
  if (digits.length > precision) {
    exponent += digits.length - precision;
    const roundsUp = digits[precision]! >= '5';
    digits = String(BigInt(digits.slice(0, precision)) + (roundsUp ? 1n : 0n));
  }
  const trimmed = digits.replace(/0+$/, '');
  return { digits: trimmed, exponent: exponent + digits.length - trimmed.length };
}

/** value = significand · 10^exponent, exactly. */
function exactDecimal(value: number): { significand: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  let significand = (bits & 0xfffffffffffffn) | (biased === 0 ? 0n : 1n << 52n);
  let power = (biased === 0 ? 1 : biased) - 1075;
  while ((significand & 1n) === 0n) {
    significand >>= 1n;
    power++;
  }
  if (power >= 0) return { significand: significand << BigInt(power), exponent: 0 };
  return { significand: significand * 5n ** BigInt(-power), exponent: power };
}
