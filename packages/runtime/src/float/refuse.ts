import { QError } from '@q/ir';

/** What an implementation throws for attributes or shapes that it has no code for. */
export function refuse(op: { readonly type: string; readonly name: string }, found: string, expected: string): never {
  throw new QError(`The runtime cannot execute ${op.type} ${op.name}: ${found}.`, {
    code: 'runtime.attribute.unsupported',
    where: op.name,
    found,
    expected,
  });
}
