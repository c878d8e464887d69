import type { AttributeKind, AttributeSchema, AttributeSpec, MlirAttribute } from '../attribute-schema.ts';
import { formatDouble } from './format-double.ts';

type Value = unknown;

/**
 * The value of a schema attribute from its `.mlir` form. `undefined` when the form does not fit the kind; integer types
 * are not compared, because releases disagree about them.
 */
export function attributeValue(spec: AttributeSpec, attribute: MlirAttribute): Value {
  switch (spec.kind) {
    case 'bool':
      return attribute.kind === 'bool' ? attribute.value : undefined;
    case 'string':
      return attribute.kind === 'string' ? attribute.value : undefined;
    case 'i64':
    case 'si32':
    case 'i32':
      return safeInteger(attribute);
    case 'f64':
      return double(attribute);
    case 'i64[]':
    case 'i32[]':
    case 'i32dense[]':
      return items(attribute, safeInteger);
    case 'wide[]':
      return items(attribute, (item) => (item.kind === 'int' ? item.value : undefined));
    case 'f64[]':
      return items(attribute, double);
    case 'string[]':
      return items(attribute, (item) => (item.kind === 'string' ? item.value : undefined));
    case 'enum':
      return enumerator(attribute);
  }
}

/** The `.mlir` text of a schema attribute. */
export function attributeText(spec: AttributeSpec, value: Value): string {
  const list = (item: (element: never) => string) => (value as readonly never[]).map(item).join(', ');
  const texts: { readonly [K in AttributeKind]: () => string } = {
    bool: () => String(value),
    string: () => quoted(value as string),
    i64: () => `${value} : i64`,
    si32: () => `${value} : si32`,
    i32: () => `${value} : i32`,
    f64: () => `${formatDouble(value as number)} : f64`,
    'i64[]': () => `[${list(String)}]`,
    'i32[]': () => `[${list((element) => `${element} : i32`)}]`,
    'wide[]': () => `[${list(String)}]`,
    'f64[]': () => `[${list(doubleElement)}]`,
    'string[]': () => `[${list(quoted)}]`,
    'i32dense[]': () => ((value as readonly number[]).length === 0 ? 'array<i32>' : `array<i32: ${list(String)}>`),
    enum: () => `#tpu<${spec.enumeration} ${value}>`,
  };
  return texts[spec.kind]();
}

/** The text of an attribute that was kept as it was read. `isElement`: inside an array, where i64 and f64 are implied. */
export function keptText(attribute: MlirAttribute, isElement = false): string {
  switch (attribute.kind) {
    case 'unit':
      return 'unit';
    case 'bool':
      return String(attribute.value);
    case 'string':
      return quoted(attribute.value);
    case 'int':
      return attribute.type === undefined ? String(attribute.value) : `${attribute.value} : ${attribute.type}`;
    case 'float':
      if (attribute.type === undefined && isElement) return doubleElement(attribute.value);
      return attribute.type === undefined
        ? formatDouble(attribute.value)
        : `${floatText(attribute.value, attribute.type)} : ${attribute.type}`;
    case 'array':
      return `[${attribute.items.map((item) => keptText(item, true)).join(', ')}]`;
    case 'verbatim':
      return attribute.text;
  }
}

/** `{a = 1 : i64, b}` with sorted keys, or nothing at all when there are none. */
export function dictionaryText(entries: ReadonlyMap<string, string>): string {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted
    .map(([name, text]) => (text === 'unit' ? attributeName(name) : `${attributeName(name)} = ${text}`))
    .join(', ');
}

/** Texts of an op's attributes by name: schema attributes with their defaults, then what was kept. */
export function attributeTexts(
  schema: AttributeSchema,
  attributes: Readonly<Record<string, unknown>>,
  kept: Readonly<Record<string, MlirAttribute>> = {},
): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [key, spec] of Object.entries(schema)) {
    const value = attributes[key] ?? spec.fallback;
    if (value !== undefined) texts.set(spec.mlir, attributeText(spec, value));
  }
  for (const [name, attribute] of Object.entries(kept)) texts.set(name, keptText(attribute));
  return texts;
}

/** A string literal: quotes and everything outside printable ASCII as UTF-8 bytes in hexadecimal. */
export function quoted(text: string): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  const escaped = [...new TextEncoder().encode(text)].map((byte) => {
    if (byte === 0x5c) return '\\\\';
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22;
    return plain ? String.fromCharCode(byte) : `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  });
  return `"${escaped.join('')}"`;
}

/** In an array the type of a double is implied, except behind a bit pattern, which would read as an integer. */
function doubleElement(value: number): string {
  const text = formatDouble(value);
  return text.startsWith('0x') ? `${text} : f64` : text;
}

/** Kept floats of other widths: every f32, f16 and bf16 is a double, whose 17 digits read back as the same value. */
function floatText(value: number, type: string): string {
  if (type === 'f64' || Number.isFinite(value)) {
    const text = formatDouble(value);
    return type !== 'f64' && text.startsWith('0x') ? `${value}.0` : text;
  }
  const bits: Readonly<Record<string, readonly [string, string, string]>> = {
    f32: ['0x7F800000', '0xFF800000', '0x7FC00000'],
    f16: ['0x7C00', '0xFC00', '0x7E00'],
    bf16: ['0x7F80', '0xFF80', '0x7FC0'],
  };
  const [positive, negative, nan] = bits[type] ?? bits.f32!;
  return Number.isNaN(value) ? nan : value > 0 ? positive : negative;
}

function attributeName(name: string): string {
  return /^[A-Za-z_][\w$.]*$/.test(name) ? name : quoted(name);
}

function safeInteger(attribute: MlirAttribute): number | undefined {
  return attribute.kind === 'int' && typeof attribute.value === 'number' ? attribute.value : undefined;
}

function double(attribute: MlirAttribute): number | undefined {
  return attribute.kind === 'float' || attribute.kind === 'int' ? Number(attribute.value) : undefined;
}

function items<T>(attribute: MlirAttribute, item: (element: MlirAttribute) => T | undefined): T[] | undefined {
  const elements = attribute.kind === 'array' ? attribute.items : denseItems(attribute);
  const values = elements?.map(item);
  return values?.every((value) => value !== undefined) ? (values as T[]) : undefined;
}

/** `array<i32: 1, 1, 0>` */
function denseItems(attribute: MlirAttribute): MlirAttribute[] | undefined {
  if (attribute.kind !== 'verbatim') return undefined;
  const found = /^array\s*<\s*(\w+)\s*(?::\s*([^>]*))?>$/.exec(attribute.text);
  if (found === null) return undefined;
  const isFloat = /^(f|bf)/.test(found[1]!);
  const elements = (found[2] ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  return elements.map((text) => ({ kind: isFloat ? 'float' : 'int', value: Number(text) }));
}

/** `#tpu<round_mode HalfUp>` or `#tpu.round_mode<HalfUp>`: the last word. */
function enumerator(attribute: MlirAttribute): string | undefined {
  if (attribute.kind === 'string') return attribute.value;
  return attribute.kind === 'verbatim' ? /^#[\w.]+<\s*(?:\w+\s+)?(\w+)\s*>$/.exec(attribute.text)?.[1] : undefined;
}
