import type { Computing } from './equalization-pairs.ts';

const sizeOf = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);

/**
 * Output channel of every element of a filter. Convolutions have [OC, IC / group, k…]; products [K, N], or [N, K] when
 * transposed; transposed convolutions (group, OC / group, IC / group, k…) in memory with the shape [OC / group, IC, k…].
 */
export function outputChannels(op: Computing, shape: readonly number[]): Uint32Array {
  const { columns, kernel, perGroup, inputsPerGroup } = layout(op, shape);
  return Uint32Array.from({ length: sizeOf(shape) }, (_, i) => {
    if (op.type === 'top.Conv') return Math.floor(i / sizeOf(shape.slice(1)));
    if (op.type === 'top.MatMul') return op.attributes.rightTranspose ? Math.floor(i / columns) : i % columns;
    return Math.floor(i / (inputsPerGroup * kernel)) % (perGroup * op.attributes.group);
  });
}

/** Input channel of every element of a filter. */
export function inputChannels(op: Computing, shape: readonly number[]): Uint32Array {
  const { columns, kernel, perGroup, inputsPerGroup } = layout(op, shape);
  return Uint32Array.from({ length: sizeOf(shape) }, (_, i) => {
    if (op.type === 'top.MatMul') return op.attributes.rightTranspose ? i % columns : Math.floor(i / columns);
    const inside = Math.floor(i / kernel) % inputsPerGroup;
    return Math.floor(i / (perGroup * inputsPerGroup * kernel)) * inputsPerGroup + inside;
  });
}

function layout(op: Computing, shape: readonly number[]) {
  const kernel = sizeOf(shape.slice(2));
  const columns = shape.at(-1)!;
  if (op.type === 'top.MatMul') return { columns, kernel: 1, perGroup: 1, inputsPerGroup: 1 };
  const { group } = op.attributes;
  return op.type === 'top.Conv'
    ? { columns, kernel, perGroup: shape[0]! / group, inputsPerGroup: shape[1]! }
    : { columns, kernel, perGroup: shape[0]!, inputsPerGroup: shape[1]! / group };
}
