/**
 * C's `%.7f`, which is how every calibration table spells its numbers (calibration.md 8.1).
 *
 * `Number.toFixed` differs in three ways: it drops the sign of −0, it leaves fixed notation at 1e21, and it rounds exact
 * ties away from zero where C rounds them to even.
 */
export function formatFixed7(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0.0000000';
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.0000000`;
  const text = value.toFixed(7);
  // value · 10^7 = k + ½ exactly ⇔ value · 2^8 is an odd integer, because 10^7 · 2 = 2^8 · 5^7.
  const isTie = Math.abs((value * 256) % 2) === 1;
  const last = text.charCodeAt(text.length - 1);
  return isTie && last % 2 === 1 ? text.slice(0, -1) + String.fromCharCode(last - 1) : text;
}
