import { gatherStrided, stridesOf } from '../fold/constant-array.ts';
import { intAttribute, intsAttribute, type OnnxNode, stringAttribute } from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';
import { type Conversion, type Converter, floatData, layerName } from './conversion.ts';

interface Window {
  readonly kernelShape: number[];
  readonly strides: number[];
  readonly dilations: number[];
  readonly pads: number[];
}

/** Explicit pads of `auto_pad`; out = ceil(in / stride), the odd element at the end for SAME_UPPER. */
function samePads(spatial: readonly number[], window: Window, upper: boolean): number[] {
  const totals = spatial.map((length, axis) => {
    const extent = window.dilations[axis]! * (window.kernelShape[axis]! - 1) + 1;
    const outputs = Math.ceil(length / window.strides[axis]!);
    return Math.max(0, (outputs - 1) * window.strides[axis]! + extent - length);
  });
  const begins = totals.map((total) => (upper ? Math.floor(total / 2) : Math.ceil(total / 2)));
  return [...begins, ...totals.map((total, axis) => total - begins[axis]!)];
}

function windowOf(node: OnnxNode, spatial: readonly number[], filter: readonly number[]): Window {
  const kernelShape = intsAttribute(node, 'kernel_shape') ?? filter.slice(2);
  const ones = kernelShape.map(() => 1);
  const window: Window = {
    kernelShape,
    strides: intsAttribute(node, 'strides') ?? ones,
    dilations: intsAttribute(node, 'dilations') ?? ones,
    pads: intsAttribute(node, 'pads') ?? kernelShape.flatMap(() => [0, 0]),
  };
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (!autoPad.startsWith('SAME')) return autoPad === 'VALID' ? { ...window, pads: window.pads.map(() => 0) } : window;
  return { ...window, pads: samePads(spatial, window, autoPad === 'SAME_UPPER') };
}

const conv: Converter = (node, to) => {
  const [input, filter, bias] = node.inputs;
  const window = windowOf(node, to.type(input!).shape.slice(2), to.type(filter!).shape);
  to.finish(node, 'top.Conv', {
    inputs: [to.operand(input), to.operand(filter), to.operand(bias)],
    attributes: {
      ...window,
      group: intAttribute(node, 'group', 1),
      weightIsCoeff: to.constant(filter) === undefined ? 0 : 1,
    },
  });
};

/** (ic, oc / g, k…) → shape (oc / g, ic, k…) with memory order (g, oc / g, ic / g, k…) (ir.md 8.5). */
function deconvFilter(filter: Constant, group: number): { shape: number[]; data: () => Float32Array } {
  const [ic, ocPerGroup, ...kernel] = filter.shape as [number, number, ...number[]];
  const grouped = [group, ic / group, ocPerGroup, ...kernel];
  const strides = stridesOf(grouped);
  const order = [0, 2, 1, ...kernel.map((_, axis) => axis + 3)];
  const relaid = () => {
    const source = { ...filter, elementType: 'f32' as const, data: floatData(filter) };
    return gatherStrided(
      source,
      order.map((axis) => grouped[axis]!),
      order.map((axis) => strides[axis]!),
    ).data as Float32Array;
  };
  return { shape: [ocPerGroup, ic, ...kernel], data: relaid };
}

/** Pads of a transposed convolution, and what is added at the end where an output shape asks for more than no pads. */
function deconvPads(
  node: OnnxNode,
  spatial: readonly number[],
  window: Window,
  outputPadding: readonly number[],
): { readonly pads: number[]; readonly outputPadding: readonly number[] } {
  const outputShape = intsAttribute(node, 'output_shape');
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (outputShape === undefined && !autoPad.startsWith('SAME')) {
    return { pads: autoPad === 'VALID' ? window.pads.map(() => 0) : window.pads, outputPadding };
  }
  const wanted = outputShape?.slice(-spatial.length) ?? spatial.map((length, axis) => length * window.strides[axis]!);
  const totals = spatial.map((length, axis) => {
    const extent = window.dilations[axis]! * (window.kernelShape[axis]! - 1) + 1;
    return window.strides[axis]! * (length - 1) + (outputPadding[axis] ?? 0) + extent - wanted[axis]!;
  });
  const padded = totals.map((total) => Math.max(0, total));
  const begins = padded.map((total) =>
    autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2),
  );
  return {
    pads: [...begins, ...padded.map((total, axis) => total - begins[axis]!)],
    outputPadding: outputPadding.map((amount, axis) => amount + Math.max(0, -totals[axis]!)),
  };
}

/** The same re-laying as layers, for a filter that the graph computes. */
function computedDeconvFilter(node: OnnxNode, to: Conversion, group: number): string {
  const filter = node.inputs[1]!;
  const [ic, ocPerGroup, ...kernel] = to.type(filter).shape as [number, number, ...number[]];
  const base = `${layerName(node)}_filter`;
  const grouped = to.add('top.Reshape', {
    name: `${base}_grouped`,
    inputs: [to.operand(filter), null],
    attributes: { shape: [group, ic / group, ocPerGroup, ...kernel] },
  });
  const order = [0, 2, 1, ...kernel.map((_, axis) => axis + 3)];
  const turned = to.add('top.Permute', { name: `${base}_turned`, inputs: [grouped], attributes: { order } });
  return to.add('top.Reshape', {
    name: base,
    inputs: [turned, null],
    attributes: { shape: [ocPerGroup, ic, ...kernel] },
  });
}

const convTranspose: Converter = (node, to) => {
  const [input, filter, bias] = node.inputs;
  const constant = to.constant(filter);
  const group = intAttribute(node, 'group', 1);
  const spatial = to.type(input!).shape.slice(2);
  const window = windowOf({ ...node, attributes: withoutAutoPad(node) }, spatial, to.type(filter!).shape);
  const outputPadding = intsAttribute(node, 'output_padding') ?? window.kernelShape.map(() => 0);
  const fixed = constant === undefined ? undefined : deconvFilter(constant, group);
  const weight =
    fixed === undefined
      ? computedDeconvFilter(node, to, group)
      : to.builder.addWeight(filter!, fixed.shape, fixed.data);
  to.finish(node, 'top.Deconv', {
    inputs: [to.operand(input), weight, to.operand(bias)],
    attributes: { ...window, ...deconvPads(node, spatial, window, outputPadding), group },
  });
};

/** Deformable convolution (opset 19, 22): operands X, W, offset, bias?, mask?. */
const deformConv: Converter = (node, to) => {
  const [input, filter, offset, bias, mask] = node.inputs;
  const window = windowOf(node, to.type(input!).shape.slice(2), to.type(filter!).shape);
  to.finish(node, 'top.DeformConv2D', {
    inputs: [input, filter, offset, mask, bias].map((tensor) => to.operand(tensor)),
    attributes: {
      ...window,
      group: intAttribute(node, 'group', 1),
      deformGroup: intAttribute(node, 'offset_group', 1),
      useMask: Boolean(mask),
    },
  });
};

function withoutAutoPad(node: OnnxNode): OnnxNode['attributes'] {
  return new Map([...node.attributes].filter(([name]) => name !== 'auto_pad'));
}

export const convolutionConverters = { Conv: conv, ConvTranspose: convTranspose, DeformConv: deformConv };
