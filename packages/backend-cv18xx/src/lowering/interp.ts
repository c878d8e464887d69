import type { OpOf } from '@q/ir';
import { refuseOp } from '@q/ir/lowering';
import type { Cv18xxContext } from './context.ts';

/** How the CPU operator calls the way in which `op` looks at its pixels. */
function coordinatesOf(context: Cv18xxContext, op: OpOf<'top.Interp'>): string {
  const { mode, coordMode } = op.attributes;
  const shape = context.shapeOf(op.name);
  if (mode === 'nearest') {
    return coordMode === 'pytorch_half_pixel' || coordMode === 'asymmetric' ? 'nearest' : 'nearest_half_pixel';
  }
  if (mode !== 'linear') refuseOp(op, `the mode ${mode}`, 'linear or nearest');
  if (coordMode === 'align_corners') checkAligned(context, op);
  const isPlane = shape.at(-1)! > 1 && shape.at(-2)! > 1;
  return coordMode === 'pytorch_half_pixel' && isPlane ? 'half_pixel' : coordMode;
}

/** Upstream turns some of these into a convolution or an Upsample, with pads of its own. */
function checkAligned(context: Cv18xxContext, op: OpOf<'top.Interp'>): void {
  const [from, to] = [context.shapeOf(op.inputs[0]!).slice(2), context.shapeOf(op.name).slice(2)];
  const shrinks = to.every((length, axis) => length < from[axis]!);
  if (shrinks || from.every((length) => length === 1)) {
    refuseOp(op, `align_corners from ${from.join('x')} to ${to.join('x')}`, 'an enlargement of more than one pixel');
  }
}

/**
 * A resizing that is no convolution runs on the CPU (numerics.md 1.2): linear in f32, nearest on the codes or values as
 * they are.
 */
export function lowerInterp(context: Cv18xxContext, op: OpOf<'top.Interp'>): void {
  const shape = context.shapeOf(op.name);
  if (shape.length !== 4) refuseOp(op, `${shape.length} dimensions`, '4');
  const { mode } = op.attributes;
  const coordinates = coordinatesOf(context, op);
  const [height, width] = shape.slice(2);
  const none = ['pad_beg', 'pad_end', 'shrink_factor'].map((name) => `${name} = 0 : i32`).join(', ');
  const param =
    `{coordinate_transformation_mode = "${coordinates}", height = ${height} : i32, ${none}, ` +
    `width = ${width} : i32, zoom_factor = 0 : i32}`;
  const inCodes = mode === 'nearest' && context.precisionOf(op) === 'INT8';
  const type = inCodes
    ? context.codeType(op.name, op)
    : context.floatType(op.name, mode === 'nearest' ? 'bf16' : 'f32');
  context.emit(
    {
      type: 'tpu.GenericCpu',
      name: op.name,
      inputs: [op.inputs[0]!],
      outputs: op.outputs,
      attributes: { cpuOpName: 'interp' },
      unknownAttributes: { param: { kind: 'verbatim', text: param } },
    },
    type,
  );
}
