import type { OpOf } from '@q/ir';
import { gradientOf, type Node, type Tape } from './tape.ts';

/** One tap of the kernel: where its rows and columns start and how many there are. */
interface Tap {
  readonly weight: number;
  /** Offsets of the channel planes. */
  readonly x: number;
  readonly y: number;
}

interface Geometry {
  readonly size: { readonly H: number; readonly W: number; readonly OH: number; readonly OW: number };
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly pads: readonly [number, number];
  readonly dilations: readonly [number, number];
}

const flat = (values: readonly number[], other: number): [number, number] =>
  values.length === 1 ? [other, values[0]!] : [values[0]!, values[1]!];

function geometry(op: OpOf<'top.Conv'>, x: Node, y: readonly number[]): Geometry {
  const { kernelShape, strides, pads, dilations } = op.attributes;
  const [H, W] = flat(x.shape.slice(2), 1);
  const [OH, OW] = flat(y.slice(2), 1);
  return {
    size: { H, W, OH, OW },
    kernel: flat(kernelShape, 1),
    strides: flat(strides, 1),
    pads: flat(pads.slice(0, kernelShape.length), 0),
    dilations: flat(dilations ?? kernelShape.map(() => 1), 1),
  };
}

/** Visits every run of neighbouring outputs that one weight contributes to. */
function eachRow(
  { size, strides, pads, dilations }: Geometry,
  kh: number,
  kw: number,
  visit: (x: number, y: number, count: number) => void,
): void {
  const left = pads[1] - kw * dilations[1];
  const first = Math.max(0, Math.ceil(left / strides[1]));
  const last = Math.min(size.OW - 1, Math.floor((size.W - 1 + left) / strides[1]));
  if (last < first) return;
  for (let oh = 0; oh < size.OH; oh++) {
    const ih = oh * strides[0] - pads[0] + kh * dilations[0];
    if (ih < 0 || ih >= size.H) continue;
    visit(ih * size.W + first * strides[1] - left, oh * size.OW + first, last - first + 1);
  }
}

function eachTap(
  op: OpOf<'top.Conv'>,
  x: Node,
  w: Node,
  y: Node,
  at: Geometry,
  visit: (tap: Tap, k: readonly [number, number]) => void,
) {
  const [N, IC] = x.shape as [number, number];
  const OC = y.shape[1]!;
  const [perGroup, outPerGroup] = [w.shape[1]!, OC / op.attributes.group];
  const [plane, outPlane] = [at.size.H * at.size.W, at.size.OH * at.size.OW];
  const [KH, KW] = at.kernel;
  for (let n = 0; n < N; n++) {
    for (let oc = 0; oc < OC; oc++) {
      const firstIn = Math.floor(oc / outPerGroup) * perGroup;
      for (let ic = 0; ic < perGroup; ic++) {
        const offsets = { x: (n * IC + firstIn + ic) * plane, y: (n * OC + oc) * outPlane };
        for (let kh = 0; kh < KH; kh++) {
          for (let kw = 0; kw < KW; kw++)
            visit({ ...offsets, weight: ((oc * perGroup + ic) * KH + kh) * KW + kw }, [kh, kw]);
        }
      }
    }
  }
}

/** Convolution over one or two dimensions, tap by tap. */
export function convolution(
  tape: Tape,
  op: OpOf<'top.Conv'>,
  { x, w, bias, shape }: { x: Node; w: Node; bias: Node | undefined; shape: readonly number[] },
): Node {
  const y = tape.node(shape);
  const at = geometry(op, x, shape);
  const stride = at.strides[1];
  if (bias !== undefined) {
    const plane = at.size.OH * at.size.OW;
    for (let i = 0; i < y.data.length; i++) y.data[i] = bias.data[Math.floor(i / plane) % bias.data.length]!;
  }
  eachTap(op, x, w, y, at, (tap, [kh, kw]) => {
    const weight = w.data[tap.weight]!;
    eachRow(at, kh, kw, (from, to, count) => {
      for (let i = 0, a = tap.x + from, b = tap.y + to; i < count; i++, a += stride, b++)
        y.data[b]! += weight * x.data[a]!;
    });
  });
  return tape.record(y, (gradient) => {
    const [toX, toW] = [gradientOf(x), gradientOf(w)];
    eachTap(op, x, w, y, at, (tap, [kh, kw]) => {
      const weight = w.data[tap.weight]!;
      let sum = 0;
      eachRow(at, kh, kw, (from, to, count) => {
        for (let i = 0, a = tap.x + from, b = tap.y + to; i < count; i++, a += stride, b++) {
          sum += gradient[b]! * x.data[a]!;
          toX[a]! += gradient[b]! * weight;
        }
      });
      toW[tap.weight]! += sum;
    });
  });
}
