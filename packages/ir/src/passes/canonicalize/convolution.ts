import type { KnownOp, OpOf } from '../../graph.ts';
import { type Rule, rule } from './rewriter.ts';

type Pooled = OpOf<'top.AvgPool'> | OpOf<'top.MaxPool'>;
type Padded = OpOf<'top.Conv'> | Pooled;

const MAX_PAD = 15;

/** Whether a padding with `val` means the same as pads of this reader. */
function takesPads(reader: KnownOp | { type: 'unknown' }, pad: OpOf<'top.Pad'>): reader is Padded {
  if (reader.type === 'top.Conv') return pad.attributes.val === 0 && reader.inputs[0] === pad.name;
  if (reader.type !== 'top.AvgPool' && reader.type !== 'top.MaxPool') return false;
  return reader.attributes.countIncludePad && reader.attributes.padValue === pad.attributes.val;
}

/** A constant Pad of spatial dimensions vanishes into its readers' pads when all of them can take it. */
const mergePad = rule('top.Pad', (pad, rw) => {
  const { paddings, mode } = pad.attributes;
  const rank = rw.shape(pad.name).length;
  if (mode !== 'constant' || rw.isOutput(pad.name) || paddings.some((amount) => amount < 0)) return false;
  if ([0, 1, rank, rank + 1].some((at) => paddings[at] !== 0)) return false;
  const amounts = [...paddings.slice(2, rank), ...paddings.slice(rank + 2)];
  const readers = rw.users(pad.name);
  const merged = readers.map((reader) => {
    if (!takesPads(reader as KnownOp, pad)) return undefined;
    const pads = (reader as Padded).attributes.pads.map((own, index) => own + (amounts[index] ?? Number.NaN));
    return pads.length === amounts.length && pads.every((amount) => amount <= MAX_PAD) ? pads : undefined;
  });
  if (readers.length === 0 || merged.some((pads) => pads === undefined)) return false;
  readers.forEach((reader, index) => {
    const op = reader as OpOf<'top.Conv'>;
    const inputs = [pad.inputs[0]!, ...op.inputs.slice(1)];
    rw.replace(reader, rw.change(op, { inputs, attributes: { ...op.attributes, pads: merged[index]! } }));
  });
  rw.replace(pad);
  return true;
});

/** Mean and Max over height and width of a 4-D value are global pools. */
const reduceToPool = rule('top.Reduce', (op, rw) => {
  const { axes, keepdims, mode } = op.attributes;
  const shape = rw.shape(op.inputs[0]!);
  if (shape.length !== 4 || axes.join() !== '2,3' || (mode !== 'ReduceMean' && mode !== 'ReduceMax')) return false;
  // Without keepdims the pool strips every trailing 1 down to rank 2: the same only when all of H and W go.
  const attributes = {
    kernelShape: shape.slice(2),
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    countIncludePad: mode === 'ReduceMean',
    keepdims,
  };
  const type = mode === 'ReduceMean' ? 'top.AvgPool' : 'top.MaxPool';
  rw.replace(op, rw.make(type, { name: op.name, inputs: [op.inputs[0]!], attributes }));
  return true;
});

/** A reduction of dimensions of length 1 only changes the shape. */
const emptyReduce = rule('top.Reduce', (op, rw) => {
  const shape = rw.shape(op.inputs[0]!);
  const plain = ['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSum', 'ReduceProd'].includes(op.attributes.mode);
  if (!plain || op.attributes.axes.some((axis) => shape[axis] !== 1)) return false;
  const target = [...rw.shape(op.name)];
  rw.replace(
    op,
    rw.make('top.Reshape', { name: op.name, inputs: [op.inputs[0]!, null], attributes: { shape: target } }),
  );
  return true;
});

export const convolutionRules: readonly Rule[] = [mergePad, reduceToPool, emptyReduce];
