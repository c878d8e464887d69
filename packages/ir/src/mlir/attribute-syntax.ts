import type { MlirAttribute } from '../attribute-schema.ts';
import { doubleFromBits } from './format-double.ts';
import type { Scanner } from './scanner.ts';
import { readType } from './type-syntax.ts';

/** One attribute of a dictionary, with the offset of its name for messages. */
export interface NamedAttribute {
  readonly value: MlirAttribute;
  readonly at: number;
}
export type Dictionary = ReadonlyMap<string, NamedAttribute>;

const NUMBER = /-?(?:0[xX][0-9A-Fa-f]+|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)/y;
const NUMBER_TYPE = /:\s*([a-z]+\d\w*|index)/y;
const FLOAT_TYPE = /^(f|bf)\d/;

/** `{name = attr, unitName, "quoted name" = attr}` */
export function readDictionary(scanner: Scanner): Dictionary {
  const entries = new Map<string, NamedAttribute>();
  scanner.list('{', '}', () => {
    const at = scanner.at;
    const name = scanner.takeString() ?? scanner.expectMatch(/[A-Za-z_][\w$.-]*/y, 'an attribute name');
    if (entries.has(name)) scanner.fail(`one attribute ${name}, not two`, at);
    entries.set(name, { at, value: scanner.take('=') ? readAttribute(scanner) : { kind: 'unit' } });
  });
  return entries;
}

/** Attributes without a meaning here come back as their source text. */
export function readAttribute(scanner: Scanner): MlirAttribute {
  const start = scanner.at;
  if (scanner.takeWord('true')) return { kind: 'bool', value: true };
  if (scanner.takeWord('false')) return { kind: 'bool', value: false };
  if (scanner.takeWord('unit')) return { kind: 'unit' };
  const string = scanner.takeString();
  if (string !== undefined) return { kind: 'string', value: string };
  const number = scanner.match(NUMBER);
  if (number !== undefined) return readNumber(scanner, number[0]);
  if (scanner.sees('[')) return { kind: 'array', items: scanner.list('[', ']', () => readAttribute(scanner)) };
  if (scanner.sees('{')) scanner.nested(() => readDictionary(scanner));
  else if (scanner.take('@')) skipSymbol(scanner);
  else if (scanner.match(/#[\w$.-]+/y) !== undefined) scanner.takeAngled();
  else if (scanner.match(/(?:array|dense\w*|sparse|opaque|affine_map|affine_set|strided)(?=\s*<)/y) !== undefined) {
    scanner.takeAngled();
    if (scanner.take(':')) readType(scanner);
  } else readType(scanner);
  return { kind: 'verbatim', text: scanner.sourceFrom(start) };
}

/** `name` or `"quoted name"`, after the `@`. */
export function readSymbol(scanner: Scanner): string {
  return scanner.takeString() ?? scanner.expectMatch(/[A-Za-z_0-9][\w$.-]*/y, 'a symbol name');
}

function skipSymbol(scanner: Scanner): void {
  readSymbol(scanner);
  while (scanner.take('::')) {
    scanner.expect('@');
    readSymbol(scanner);
  }
}

function readNumber(scanner: Scanner, text: string): MlirAttribute {
  const type = scanner.match(NUMBER_TYPE)?.[1];
  const typed = type === undefined ? {} : { type };
  const isHex = /^-?0x/i.test(text);
  const isFloat = type === undefined ? !isHex && /[.eE]/.test(text) : FLOAT_TYPE.test(type);
  if (isHex && (isFloat || (type === undefined && text.length === 18))) {
    return { kind: 'float', value: fromBits(text, type ?? 'f64'), ...typed };
  }
  if (isFloat) return { kind: 'float', value: Number(text), ...typed };
  if (!isHex && /[.eE]/.test(text)) scanner.fail(`an integer before ': ${type}'`, scanner.at);
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  return { kind: 'int', value: Number.isSafeInteger(Number(value)) ? Number(value) : value, ...typed };
}

/** A float given by its bit pattern. 16-bit formats are widened exactly. */
function fromBits(text: string, type: string): number {
  const bits = BigInt(text);
  const view = new DataView(new ArrayBuffer(4));
  if (type === 'f32' || type === 'bf16') {
    view.setUint32(0, Number(BigInt.asUintN(32, type === 'bf16' ? bits << 16n : bits)));
    return view.getFloat32(0);
  }
  if (type !== 'f16') return doubleFromBits(BigInt.asUintN(64, bits));
  const half = Number(bits & 0xffffn);
  const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
  const size =
    exponent === 31
      ? fraction === 0
        ? Number.POSITIVE_INFINITY
        : Number.NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1024 + fraction) * 2 ** (exponent - 25);
  return half & 0x8000 ? -size : size;
}
