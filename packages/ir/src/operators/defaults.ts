import type { AttributeSchema } from '../attribute-schema.ts';
import { type OpAttributes, type OpType, operatorTable } from './index.ts';

/** Attributes of an operator with the schema's defaults filled in; required ones must be in `given`. */
export function attributesWithDefaults<T extends OpType>(type: T, given: Partial<OpAttributes[T]>): OpAttributes[T] {
  const schema: AttributeSchema = operatorTable[type].attributes;
  const defaults = Object.entries(schema).flatMap(([key, { fallback }]) =>
    fallback === undefined ? [] : [[key, fallback] as const],
  );
  return { ...Object.fromEntries(defaults), ...given } as OpAttributes[T];
}
