import type { AttributeSchema } from '../attribute-schema.ts';
import type { KnownOp } from '../graph.ts';
import { operatorTable } from './index.ts';

/**
 * Names of the attributes of `op` that are set and that TPU-MLIR does not have. Whoever lowers or exports an op by Top's
 * rules must refuse it, or leave it in float, when there are any: its meaning is another.
 */
export function ownAttributesOf(op: KnownOp): string[] {
  const schema: AttributeSchema = operatorTable[op.type].attributes;
  const given = op.attributes as Readonly<Record<string, unknown>>;
  return Object.keys(schema).filter((key) => schema[key]!.isOwn === true && given[key] !== undefined);
}
