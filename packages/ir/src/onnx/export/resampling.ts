import type { OpOf } from '../../graph.ts';
import { cannotExport, type Emitters, type OnnxWriter } from './onnx-writer.ts';

/** Coordinates and rounding that give Top's numbers (ir.md 6.3). */
function resizeMode(op: OpOf<'top.Interp'>): Readonly<Record<string, string>> {
  const { mode, coordMode } = op.attributes;
  if (mode === 'linear') {
    // Clamping at 0 is what half_pixel does; pytorch's variant differs only for results of length 1.
    const coordinates = coordMode === 'pytorch_half_pixel' ? 'half_pixel' : coordMode;
    return { mode, coordinate_transformation_mode: coordinates };
  }
  if (mode !== 'nearest') cannotExport(op, `mode ${mode}`, 'nearest or linear');
  if (coordMode === 'asymmetric') return { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  return { mode, coordinate_transformation_mode: 'align_corners', nearest_mode: 'round_prefer_ceil' };
}

function interp(op: OpOf<'top.Interp'>, to: OnnxWriter): void {
  const sizes = to.ints(to.shape(op.outputs[0]!));
  to.node('Resize', [to.tensor(op.inputs[0]), '', '', sizes], resizeMode(op), to.output(op));
}

export const resamplingEmitters: Emitters = {
  'top.Upsample'(op, to) {
    const { scaleH, scaleW } = op.attributes;
    const scales = to.floats([1, 1, scaleH, scaleW]);
    const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    to.withRelu(op, op.attributes, (output) =>
      to.node('Resize', [to.tensor(op.inputs[0]), '', scales], attributes, output),
    );
  },
  'top.Interp': interp,
  'top.GridSampler'(op, to) {
    if (to.opset < 16) cannotExport(op, `opset ${to.opset}`, 'opset 16');
    const { mode, paddingMode, alignCorners } = op.attributes;
    const modes = to.opset >= 20 ? ['linear', 'nearest'] : ['bilinear', 'nearest'];
    const attributes = {
      mode: modes[mode] ?? cannotExport(op, `mode ${mode}`, '0 or 1'),
      padding_mode:
        ['zeros', 'border', 'reflection'][paddingMode] ?? cannotExport(op, `padding_mode ${paddingMode}`, '0, 1 or 2'),
      align_corners: alignCorners ? 1 : 0,
    };
    to.node('GridSample', [to.tensor(op.inputs[0]), to.tensor(op.inputs[1])], attributes, to.output(op));
  },
};
