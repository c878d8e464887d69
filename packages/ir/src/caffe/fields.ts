import { QError } from '../errors.ts';
import type { TextMessage, TextScalar } from './text-format.ts';

/** Typed access to the fields of a text message. A repeated field that should be single has its last value, as in protobuf. */

export function hasField(message: TextMessage, name: string): boolean {
  return (message.fields.get(name)?.length ?? 0) > 0;
}

/** All messages of this field. */
export function messages(message: TextMessage, name: string): TextMessage[] {
  return (message.fields.get(name) ?? []).map((value) =>
    value.kind === 'message' ? value : wrong(name, value, 'a message in braces'),
  );
}

/** The message of this field; an empty one when it is missing, so that every field of it has its default. */
export function message(parent: TextMessage, name: string): TextMessage {
  return messages(parent, name).at(-1) ?? { kind: 'message', fields: new Map(), place: parent.place };
}

export function texts(message: TextMessage, name: string): string[] {
  return scalars(message, name).map(({ text }) => text);
}

export function text(message: TextMessage, name: string): string | undefined;
export function text(message: TextMessage, name: string, fallback: string): string;
export function text(message: TextMessage, name: string, fallback?: string): string | undefined {
  return texts(message, name).at(-1) ?? fallback;
}

export function numbers(message: TextMessage, name: string): number[] {
  return scalars(message, name).map((value) => numberOf(value) ?? wrong(name, value, 'a number'));
}

export function number(message: TextMessage, name: string): number | undefined;
export function number(message: TextMessage, name: string, fallback: number): number;
export function number(message: TextMessage, name: string, fallback?: number): number | undefined {
  return numbers(message, name).at(-1) ?? fallback;
}

/** Whole numbers. */
export function integers(message: TextMessage, name: string): number[] {
  return scalars(message, name).map((value) => {
    const found = numberOf(value);
    return found !== undefined && Number.isSafeInteger(found) ? found : wrong(name, value, 'a whole number');
  });
}

export function integer(message: TextMessage, name: string): number | undefined;
export function integer(message: TextMessage, name: string, fallback: number): number;
export function integer(message: TextMessage, name: string, fallback?: number): number | undefined {
  return integers(message, name).at(-1) ?? fallback;
}

export function flag(message: TextMessage, name: string, fallback: boolean): boolean {
  const value = scalars(message, name).at(-1);
  if (value === undefined) return fallback;
  if (/^(?:true|True|t|1)$/.test(value.text)) return true;
  if (/^(?:false|False|f|0)$/.test(value.text)) return false;
  return wrong(name, value, 'true or false');
}

/** An enumerator, by name or by number. */
export function choice<T extends string>(
  message: TextMessage,
  name: string,
  values: Readonly<Record<T, number>>,
  fallback: NoInfer<T>,
): T {
  const value = scalars(message, name).at(-1);
  if (value === undefined) return fallback;
  const names = Object.keys(values) as T[];
  const found = names.find((candidate) => candidate === value.text || String(values[candidate]) === value.text);
  return found ?? wrong(name, value, names.join(', '));
}

function scalars(message: TextMessage, name: string): TextScalar[] {
  return (message.fields.get(name) ?? []).map((value) =>
    value.kind === 'message' ? wrong(name, value, 'a value, not a message') : value,
  );
}

function numberOf({ kind, text }: TextScalar): number | undefined {
  if (kind === 'string') return undefined;
  if (/^[-+]?(?:inf|infinity)f?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^[-+]?0x[0-9a-f]+$/i.test(text)) return Number(text.replace(/^[-+]/, '')) * (text.startsWith('-') ? -1 : 1);
  const plain = text.replace(/[fF]$/, '');
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(plain) ? Number(plain) : undefined;
}

function wrong(name: string, value: TextMessage | TextScalar, expected: string): never {
  const found = value.kind === 'message' ? 'a message' : value.text.slice(0, 60);
  throw new QError(`The field ${name} of the prototxt is ${found}; ${expected} was expected.`, {
    code: 'caffe.field',
    where: value.place,
    found: `${name}: ${found}`,
    expected,
  });
}
