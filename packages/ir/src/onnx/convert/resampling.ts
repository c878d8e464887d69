import { floatsAttribute, intAttribute, type OnnxNode, stringAttribute } from '../onnx-graph.ts';
import { type Conversion, type Converter, unsupported } from './conversion.ts';

interface Target {
  readonly scales?: readonly number[];
  readonly sizes?: readonly number[];
}

function interp(node: OnnxNode, to: Conversion, target: Target, coordMode: string): void {
  const { shape } = to.type(node.inputs[0]!);
  const mode = stringAttribute(node, 'mode', 'nearest');
  if (shape.length < 3 || shape.length > 4) throw unsupported(node, `rank ${shape.length}`, 'rank 3 or 4');
  const scales = target.scales ?? target.sizes!.map((size, axis) => size / shape[axis]!);
  if (scales.slice(0, 2).some((scale) => scale !== 1))
    throw unsupported(node, `scales ${scales}`, 'scales of height and width');
  // Sizes that keep height and width make a layer all the same: only scales of 1 are skipped (ir.md 8.4).
  if (target.scales?.slice(2).every((scale) => scale === 1) === true) {
    to.skip(node);
    return;
  }
  const sizes = target.sizes?.slice(2);
  const weight =
    sizes === undefined
      ? null
      : to.builder.addWeight(`${node.outputs[0]}_target_shape`, [sizes.length], () => Float32Array.from(sizes));
  to.finish(node, 'top.Interp', {
    inputs: [to.operand(node.inputs[0]), weight],
    attributes: {
      mode: mode === 'nearest' ? 'nearest' : 'linear',
      coordMode,
      scaleH: shape.length === 4 ? scales[2]! : -1,
      scaleW: scales.at(-1)!,
    },
  });
}

/** Says where TPU-MLIR's Interp, which this layer becomes, computes something else than ONNX asks for (ir.md 6.3). */
function warnOfDifferences(node: OnnxNode, to: Conversion, coordMode: string, target: Target): void {
  const { shape } = to.type(node.inputs[0]!);
  const mode = stringAttribute(node, 'mode', 'nearest');
  const scales = target.scales ?? target.sizes!.map((size, axis) => size / shape[axis]!);
  const whole = scales.every(Number.isInteger);
  const differences = [
    mode === 'cubic' ? 'cubic interpolation becomes linear' : undefined,
    intAttribute(node, 'antialias', 0) !== 0 ? 'antialias is ignored' : undefined,
    mode === 'nearest' && coordMode === 'align_corners' && whole
      ? 'align_corners becomes a plain repetition of pixels'
      : undefined,
    mode === 'nearest' && coordMode !== 'asymmetric' && coordMode !== 'align_corners' && !whole
      ? `nearest with ${coordMode} is computed as with align_corners`
      : undefined,
    mode === 'linear' &&
    coordMode !== 'align_corners' &&
    target.scales !== undefined &&
    shape.some((dim, axis) => !Number.isInteger(dim * scales[axis]!))
      ? 'coordinates use the ratio of the sizes, not the given scale'
      : undefined,
  ];
  for (const difference of differences) if (difference !== undefined) to.warn(node, 'onnx.resize', difference);
}

/** `scales` or `sizes` of a Resize, spread over the axes that opset 18's `axes` names. */
function resizeTarget(node: OnnxNode, to: Conversion): Target {
  const { shape } = to.type(node.inputs[0]!);
  if (node.inputs.length === 2) return { scales: to.numbers(node.inputs[1])! };
  const axesAttribute = node.attributes.get('axes');
  const axes = axesAttribute?.kind === 'ints' ? axesAttribute.value.map(Number) : undefined;
  const spread = (values: number[], neutral: readonly number[]) =>
    axes === undefined ? values : neutral.map((value, axis) => values[axes.indexOf(axis)] ?? value);
  const scales = to.numbers(node.inputs[2]);
  if (scales !== undefined && scales.length > 0)
    return {
      scales: spread(
        scales,
        shape.map(() => 1),
      ),
    };
  const sizes = to.numbers(node.inputs[3]);
  if (sizes === undefined) throw unsupported(node, 'a size computed at run time', 'constant scales or sizes');
  return { sizes: spread(sizes, shape) };
}

const resize: Converter = (node, to) => {
  const coordMode = stringAttribute(
    node,
    'coordinate_transformation_mode',
    to.opset < 11 ? 'asymmetric' : 'half_pixel',
  );
  const policy = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch');
  if (policy !== 'stretch') throw unsupported(node, policy, 'keep_aspect_ratio_policy stretch');
  if (coordMode === 'tf_crop_and_resize' || coordMode === 'half_pixel_symmetric') {
    throw unsupported(node, coordMode, 'another coordinate transformation');
  }
  warnOfDifferences(node, to, coordMode, resizeTarget(node, to));
  interp(node, to, resizeTarget(node, to), coordMode === 'tf_half_pixel_for_nn' ? 'half_pixel' : coordMode);
};

/** Upsample's coordinates are asymmetric (TPU-MLIR writes half_pixel, which gives other numbers for linear). */
const upsample: Converter = (node, to) => {
  const scales = to.numbers(node.inputs[1]) ?? floatsAttribute(node, 'scales');
  if (scales === undefined) throw unsupported(node, 'scales computed at run time', 'constant scales');
  interp(node, to, { scales }, 'asymmetric');
};

const gridSample: Converter = (node, to) => {
  const mode = ['bilinear', 'nearest', 'bicubic'].indexOf(
    stringAttribute(node, 'mode', 'bilinear').replace(/^linear$/, 'bilinear'),
  );
  if (mode === 2) throw unsupported(node, 'mode bicubic', 'bilinear or nearest');
  to.finish(node, 'top.GridSampler', {
    inputs: [to.operand(node.inputs[0]), to.operand(node.inputs[1])],
    attributes: {
      mode,
      paddingMode: ['zeros', 'border', 'reflection'].indexOf(stringAttribute(node, 'padding_mode', 'zeros')),
      alignCorners: intAttribute(node, 'align_corners', 0) !== 0,
    },
  });
};

export const resamplingConverters: Readonly<Record<string, Converter>> = {
  Resize: resize,
  Upsample: upsample,
  GridSample: gridSample,
};
