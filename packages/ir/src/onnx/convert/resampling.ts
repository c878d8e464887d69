import { type ResizeAxis, type ResizeForm, type ResizeTap, resizeTaps } from '../../operators/resize-taps.ts';
import {
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  type OnnxNode,
  stringAttribute,
} from '../onnx-graph.ts';
import { type Conversion, type Converter, layerName, unsupported } from './conversion.ts';

/** A resize as the node asks for it, one entry per dimension. */
interface Target {
  readonly axes: readonly ResizeAxis[];
  readonly form: ResizeForm;
  readonly extrapolation: number;
  /** The node gives lengths, not scales. */
  readonly hasSizes: boolean;
}

/** TPU-MLIR's coordinates of `top.Interp` (ir.md 6.3). */
const TOP_COORDINATES = ['align_corners', 'half_pixel', 'pytorch_half_pixel', 'asymmetric'];

/** Whether `top.Interp` without further attributes computes what the node asks for. */
function fitsTop({ axes, form }: Target, topCoordinates: string): boolean {
  if (axes.length < 3 || axes.length > 4 || form.antialias || form.mode === 'cubic') return false;
  if (axes.slice(0, 2).some(({ input, output, scale }) => input !== output || scale !== 1)) return false;
  if (!TOP_COORDINATES.includes(topCoordinates)) return false;
  const spatial = axes.slice(2);
  const isRepeat =
    spatial.length === 2 && spatial.every(({ input, output }) => output % input === 0) && hasOneRatio(spatial);
  return spatial.every((axis) => {
    const taps = resizeTaps(axis, form);
    return form.mode === 'nearest'
      ? taps.every(({ indices }, x) => indices[0] === topNearest(x, axis, topCoordinates, isRepeat))
      : taps.every((tap, x) => isSameTap(tap, topLinear(x, axis, topCoordinates)));
  });
}

const hasOneRatio = (axes: readonly ResizeAxis[]) =>
  axes.every(({ input, output }) => output / input === axes[0]!.output / axes[0]!.input);

/** The pixel that Top reads: repetition for whole ratios (it becomes Upsample), else the rules of ir.md 6.3. */
function topNearest(x: number, { input, output }: ResizeAxis, coordMode: string, isRepeat: boolean): number {
  if (isRepeat || coordMode === 'asymmetric') return Math.min(Math.floor((x * input) / output), input - 1);
  return output === 1 ? 0 : Math.min(Math.round((x * (input - 1)) / (output - 1)), input - 1);
}

function topLinear(x: number, { input, output }: ResizeAxis, coordMode: string): number {
  if (coordMode === 'align_corners') return output === 1 ? 0 : (x * (input - 1)) / (output - 1);
  if (coordMode === 'asymmetric') return (x * input) / output;
  return coordMode === 'pytorch_half_pixel' && output === 1 ? 0 : Math.max(0, ((x + 0.5) * input) / output - 0.5);
}

/** Whether a linear tap lies at this coordinate: its centre of gravity is the coordinate, where not clamped. */
function isSameTap({ indices, weights }: ResizeTap, coordinate: number): boolean {
  const centre = indices.reduce((sum, index, at) => sum + index * weights[at]!, 0);
  const last = Math.max(...indices);
  return Math.abs(centre - coordinate) < 1e-5 || (coordinate > last && Math.abs(centre - last) < 1e-5);
}

/** Says that a layer is beyond what TPU-MLIR's Interp computes. */
function warnOfDifference(node: OnnxNode, to: Conversion, { form }: Target): void {
  const details = `${form.mode} with ${form.coordMode}${form.antialias ? ' and antialias' : ''}`;
  to.warn(node, 'onnx.resize', `TPU-MLIR's Interp has no ${details} at this size: it would compute other numbers`);
}

function interp(node: OnnxNode, to: Conversion, target: Target): void {
  const { axes, form } = target;
  const spatial = axes.slice(2);
  // Sizes that keep height and width make a layer all the same: only scales of 1 are skipped (ir.md 8.4).
  if (!target.hasSizes && axes.every(({ scale }) => scale === 1) && form.coordMode !== 'tf_crop_and_resize') {
    to.skip(node);
    return;
  }
  const coordMode = form.coordMode === 'tf_half_pixel_for_nn' ? 'half_pixel' : form.coordMode;
  const fits = fitsTop(target, coordMode);
  if (!fits) warnOfDifference(node, to, target);
  const sizes = spatial.map(({ output }) => output);
  const weight =
    target.hasSizes && fits
      ? to.builder.addWeight(`${node.outputs[0]}_target_shape`, [sizes.length], () => Float32Array.from(sizes))
      : null;
  to.finish(node, 'top.Interp', {
    inputs: [to.operand(node.inputs[0]), weight],
    attributes: {
      mode: form.mode,
      coordMode: fits ? coordMode : form.coordMode,
      scaleH: spatial.length === 2 ? spatial[0]!.scale : -1,
      scaleW: axes.at(-1)!.scale,
      ...(fits ? {} : onnxForm(target)),
    },
  });
}

/** The attributes of ours that say everything a Resize can say. */
function onnxForm({ axes, form, extrapolation }: Target) {
  const isCrop = form.coordMode === 'tf_crop_and_resize';
  return {
    sizes: axes.map(({ output }) => output),
    scales: axes.map(({ scale }) => scale),
    ...(form.mode === 'nearest' ? { nearestMode: form.nearestMode } : {}),
    ...(form.mode === 'cubic' ? { cubicCoeffA: form.cubicCoeffA } : {}),
    ...(form.excludeOutside ? { excludeOutside: true } : {}),
    ...(form.antialias ? { antialias: true } : {}),
    ...(isCrop ? { roi: axes.flatMap(({ roi }) => [...roi]), extrapolationValue: extrapolation } : {}),
  };
}

/** Lengths and scales per dimension from `scales` or `sizes`, spread over the axes that opset 18's `axes` names. */
function resizeAxes(node: OnnxNode, to: Conversion): { axes: ResizeAxis[]; hasSizes: boolean } {
  const { shape } = to.type(node.inputs[0]!);
  const rank = shape.length;
  const named = (intsAttribute(node, 'axes') ?? shape.map((_, axis) => axis)).map((axis) =>
    axis < 0 ? axis + rank : axis,
  );
  const [roiInput, scalesInput] = node.inputs.length === 2 ? ['', node.inputs[1]] : node.inputs.slice(1);
  const regions = to.numbers(roiInput) ?? [];
  const roiOf = (axis: number): readonly [number, number] => {
    const at = named.indexOf(axis);
    return at < 0 || regions.length === 0 ? [0, 1] : [regions[at]!, regions[at + named.length]!];
  };
  const scales = to.numbers(scalesInput);
  if (scales !== undefined && scales.length > 0) {
    const axes = shape.map((input, axis): ResizeAxis => {
      const scale = scales[named.indexOf(axis)] ?? 1;
      return { input, output: Math.floor(input * scale), scale, roi: roiOf(axis) };
    });
    return { axes, hasSizes: false };
  }
  const sizes = to.numbers(node.inputs[3]);
  if (sizes === undefined) throw unsupported(node, 'a size computed at run time', 'constant scales or sizes');
  const policy = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch');
  const ratios = named.map((axis, index) => sizes[index]! / shape[axis]!);
  const common = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  const axes = shape.map((input, axis): ResizeAxis => {
    const at = named.indexOf(axis);
    if (at < 0) return { input, output: input, scale: 1, roi: [0, 1] };
    if (policy === 'stretch') return { input, output: sizes[at]!, scale: ratios[at]!, roi: roiOf(axis) };
    return { input, output: Math.floor(common * input + 0.5), scale: common, roi: roiOf(axis) };
  });
  return { axes, hasSizes: true };
}

const resize: Converter = (node, to) => {
  const isOld = to.opset < 11;
  const form: ResizeForm = {
    mode: stringAttribute(node, 'mode', 'nearest'),
    coordMode: stringAttribute(node, 'coordinate_transformation_mode', isOld ? 'asymmetric' : 'half_pixel'),
    nearestMode: stringAttribute(node, 'nearest_mode', isOld ? 'floor' : 'round_prefer_floor'),
    cubicCoeffA: floatAttribute(node, 'cubic_coeff_a', -0.75),
    excludeOutside: intAttribute(node, 'exclude_outside', 0) !== 0,
    antialias: intAttribute(node, 'antialias', 0) !== 0,
  };
  interp(node, to, { ...resizeAxes(node, to), form, extrapolation: floatAttribute(node, 'extrapolation_value', 0) });
};

/** Upsample's coordinates are asymmetric (TPU-MLIR writes half_pixel, which gives other numbers for linear). */
const upsample: Converter = (node, to) => {
  const scales = to.numbers(node.inputs[1]) ?? floatsAttribute(node, 'scales');
  if (scales === undefined) throw unsupported(node, 'scales computed at run time', 'constant scales');
  const { shape } = to.type(node.inputs[0]!);
  const axes = shape.map((input, axis): ResizeAxis => {
    const scale = scales[axis] ?? 1;
    return { input, output: Math.floor(input * scale), scale, roi: [0, 1] };
  });
  const mode = stringAttribute(node, 'mode', 'nearest');
  const form = { coordMode: 'asymmetric', nearestMode: 'floor', cubicCoeffA: -0.75, excludeOutside: false };
  interp(node, to, {
    axes,
    form: { ...form, mode: mode === 'nearest' ? mode : 'linear', antialias: false },
    extrapolation: 0,
    hasSizes: false,
  });
};

/** Modes of `top.GridSampler` by number; 2 is ours. */
const GRID_MODES = ['bilinear', 'nearest', 'bicubic'];

const gridSample: Converter = (node, to) => {
  const spelled = stringAttribute(node, 'mode', 'bilinear');
  const name = spelled === 'linear' ? 'bilinear' : spelled === 'cubic' ? 'bicubic' : spelled;
  const mode = GRID_MODES.indexOf(name);
  if (mode < 0) throw unsupported(node, `mode ${spelled}`, GRID_MODES.join(', '));
  to.finish(node, 'top.GridSampler', {
    inputs: [to.operand(node.inputs[0]), to.operand(node.inputs[1])],
    attributes: {
      mode,
      paddingMode: ['zeros', 'border', 'reflection'].indexOf(stringAttribute(node, 'padding_mode', 'zeros')),
      alignCorners: intAttribute(node, 'align_corners', 0) !== 0,
    },
  });
};

/** Boxes and the numbers of their samples become rows [sample, x1, y1, x2, y2] (ir.md 8.3). */
const roiAlign: Converter = (node, to) => {
  const base = layerName(node);
  const [input, boxes, samples] = node.inputs.map((tensor) => to.operand(tensor)) as [string, string, string];
  const column = to.add('top.Unsqueeze', { name: `${base}_unsqueeze`, inputs: [samples], attributes: { axes: [1] } });
  const rois = to.add('top.Concat', { name: `${base}_concat`, inputs: [column, boxes], attributes: { axis: 1 } });
  const coordinates = stringAttribute(
    node,
    'coordinate_transformation_mode',
    to.opset < 16 ? 'output_half_pixel' : 'half_pixel',
  );
  to.finish(node, 'top.RoiAlign', {
    inputs: [input, rois],
    attributes: {
      mode: stringAttribute(node, 'mode', 'avg') === 'max' ? 'Max' : 'Avg',
      outputHeight: intAttribute(node, 'output_height', 1),
      outputWidth: intAttribute(node, 'output_width', 1),
      samplingRatio: intAttribute(node, 'sampling_ratio', 0),
      spatialScale: floatAttribute(node, 'spatial_scale', 1),
      alignCorners: coordinates === 'half_pixel',
    },
  });
};

export const resamplingConverters: Readonly<Record<string, Converter>> = {
  Resize: resize,
  Upsample: upsample,
  GridSample: gridSample,
  RoiAlign: roiAlign,
};
