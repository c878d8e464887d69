import type { AttributeSchema } from '../attribute-schema.ts';
import { type OpAttributes, type OpType, operatorTable } from './index.ts';

const known = new Map<OpType, Readonly<Record<string, unknown>>>();

function defaultsOf(type: OpType): Readonly<Record<string, unknown>> {
  const cached = known.get(type);
  if (cached !== undefined) return cached;
  const schema: AttributeSchema = operatorTable[type].attributes;
  const defaults = Object.entries(schema).filter(([, { fallback }]) => fallback !== undefined);
  const result = Object.fromEntries(defaults.map(([key, { fallback }]) => [key, fallback]));
  known.set(type, result);
  return result;
}

/** Attributes of an operator with the schema's defaults filled in; required ones must be in `given`. */
export function attributesWithDefaults<T extends OpType>(type: T, given: Partial<OpAttributes[T]>): OpAttributes[T] {
  return { ...defaultsOf(type), ...given } as OpAttributes[T];
}
