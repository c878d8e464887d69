import type { OpOf } from '../../graph.ts';
import { cannotExport, type Emitters, type OnnxWriter } from './onnx-writer.ts';

type Pool = OpOf<'top.AvgPool'> | OpOf<'top.MaxPool'>;

function isGlobal({ attributes: { kernelShape, strides, pads } }: Pool, spatial: readonly number[]): boolean {
  const whole = kernelShape.every((length, axis) => length === spatial[axis]);
  return whole && pads.every((side) => side === 0) && strides.every((stride) => stride === 1);
}

/** Runtimes refuse windows that lie in the padding altogether; such paddings become a node of their own. */
function padded(op: Pool, to: OnnxWriter, x: string): { x: string; pads: readonly number[] } {
  const { kernelShape, pads, padValue } = op.attributes;
  const rank = kernelShape.length;
  const countsPadding = op.type === 'top.AvgPool' && op.attributes.countIncludePad;
  const fits = pads.every((side, i) => side < kernelShape[i % rank]!);
  if (pads.every((side) => side === 0) || (fits && !(countsPadding && padValue !== 0))) return { x, pads };
  if (op.type === 'top.AvgPool' && !countsPadding)
    cannotExport(op, `pads [${pads}] of a kernel [${kernelShape}]`, 'pads smaller than the kernel');
  const value = op.type === 'top.MaxPool' ? Number.NEGATIVE_INFINITY : padValue;
  const all = [0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)];
  return { x: to.node('Pad', [x, to.ints(all), to.scalar(value)], { mode: 'constant' }), pads: pads.map(() => 0) };
}

function pool(op: Pool, to: OnnxWriter): void {
  const isMax = op.type === 'top.MaxPool';
  const input = to.shape(op.inputs[0]!);
  const spatial = input.slice(2);
  const result = to.shape(op.outputs[0]!);
  const { kernelShape, strides, isAdaptive, autoPad } = op.attributes;
  if (isAdaptive && spatial.some((dim, axis) => dim % (result[axis + 2] ?? 1) !== 0)) {
    cannotExport(op, 'adaptive windows of different sizes', 'windows of one size');
  }
  if (autoPad !== undefined && autoPad !== 'NOTSET' && autoPad !== 'VALID')
    cannotExport(op, `auto_pad ${autoPad}`, 'explicit pads');
  to.withRelu(op, op.attributes, (output) => {
    const x = to.tensor(op.inputs[0]);
    const dropsDims = result.length < input.length;
    const target = dropsDims ? undefined : output;
    let pooled: string;
    if (isGlobal(op, spatial)) pooled = to.node(isMax ? 'GlobalMaxPool' : 'GlobalAveragePool', [x], {}, target);
    else {
      const ready = padded(op, to, x);
      const counted = isMax ? {} : { count_include_pad: op.attributes.countIncludePad ? 1 : 0 };
      const attributes = { kernel_shape: kernelShape, strides, pads: ready.pads, ...counted };
      pooled = to.node(isMax ? 'MaxPool' : 'AveragePool', [ready.x], attributes, target);
    }
    if (dropsDims) to.reshape(pooled, result, output);
  });
}

export const poolingEmitters: Emitters = { 'top.AvgPool': pool, 'top.MaxPool': pool };
