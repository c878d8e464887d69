import { gatherStrided, stridesOf } from '../../onnx/fold/constant-array.ts';
import { type CaffeConversion, type LayerConverter, refuse } from '../conversion.ts';
import { flag, integer, integers, message } from '../fields.ts';
import type { CaffeLayer } from '../net.ts';
import type { TextMessage } from '../text-format.ts';

interface Window {
  readonly kernelShape: number[];
  readonly strides: number[];
  readonly pads: number[];
  readonly dilations: number[];
}

/** `kernel_size: 3`, `kernel_size: 3 kernel_size: 5` (height first) or `kernel_h` and `kernel_w`. */
export function pair(
  parameters: TextMessage,
  names: [list: string, h: string, w: string],
  fallback: number,
): [number, number] {
  const [list, h, w] = names;
  const given = integers(parameters, list);
  const height = given[0] ?? fallback;
  return [integer(parameters, h, height), integer(parameters, w, given[1] ?? height)];
}

function windowOf(layer: CaffeLayer, parameters: TextMessage): Window {
  const window = {
    kernelShape: pair(parameters, ['kernel_size', 'kernel_h', 'kernel_w'], 0),
    strides: pair(parameters, ['stride', 'stride_h', 'stride_w'], 1),
    pads: pair(parameters, ['pad', 'pad_h', 'pad_w'], 0),
    dilations: pair(parameters, ['dilation', 'dilation_h', 'dilation_w'], 1),
  };
  const positive = [...window.kernelShape, ...window.strides, ...window.dilations].every((size) => size > 0);
  if (!positive || window.pads.some((pad) => pad < 0)) refuse(layer, 'an impossible window', 'positive sizes');
  return { ...window, pads: [...window.pads, ...window.pads] };
}

function planes(layer: CaffeLayer, to: CaffeConversion): { input: string; channels: number } {
  const input = to.operand(layer);
  const shape = to.shape(input);
  if (shape.length !== 4) refuse(layer, `an input with ${shape.length} dimensions`, 'an input with four dimensions');
  return { input, channels: shape[1]! };
}

function groupsOf(layer: CaffeLayer, parameters: TextMessage, channels: number): { group: number; oc: number } {
  const oc = integer(parameters, 'num_output', 0);
  const group = layer.type === 'Convolution' || layer.type === 'Deconvolution' ? integer(parameters, 'group', 1) : oc;
  if (oc < 1 || group < 1 || oc % group !== 0 || channels % group !== 0)
    refuse(layer, `${group} groups of ${channels} → ${oc} channels`, 'groups that divide both');
  return { group, oc };
}

/** Convolution, and the depthwise layer types that forks added: one group per channel. */
const convolution: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'convolution_param');
  const { input, channels } = planes(layer, to);
  const window = windowOf(layer, parameters);
  const { group, oc } = groupsOf(layer, parameters, channels);
  const filter = to.weight(layer, 0, [oc, channels / group, ...window.kernelShape]);
  const bias = flag(parameters, 'bias_term', true) ? to.weight(layer, 1, [oc]) : null;
  to.finish(layer, 'top.Conv', { inputs: [input, filter, bias], attributes: { ...window, group } });
};

/** The filter (ic, oc / g, k…) becomes (oc / g, ic, k…) in the memory order (g, oc / g, ic / g, k…) (ir.md 8.5). */
const deconvolution: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'convolution_param');
  const { input, channels } = planes(layer, to);
  const window = windowOf(layer, parameters);
  const { group, oc } = groupsOf(layer, parameters, channels);
  const grouped = [group, channels / group, oc / group, ...window.kernelShape];
  const strides = stridesOf(grouped);
  const order = [0, 2, 1, 3, 4];
  const data = to.blob(layer, 0, channels * (oc / group) * window.kernelShape[0]! * window.kernelShape[1]!);
  const filter = to.constant(`${layer.name}_weight_0`, [oc / group, channels, ...window.kernelShape], () => {
    const source = { shape: grouped, elementType: 'f32' as const, data };
    const pick = (list: readonly number[]) => order.map((axis) => list[axis]!);
    return gatherStrided(source, pick(grouped), pick(strides)).data as Float32Array;
  });
  const bias = flag(parameters, 'bias_term', true) ? to.weight(layer, 1, [oc]) : null;
  to.finish(layer, 'top.Deconv', {
    inputs: [input, filter, bias],
    attributes: { ...window, group, outputPadding: [0, 0] },
  });
};

export const convolutionLayers = {
  Convolution: convolution,
  ConvolutionDepthwise: convolution,
  DepthwiseConvolution: convolution,
  Deconvolution: deconvolution,
};
