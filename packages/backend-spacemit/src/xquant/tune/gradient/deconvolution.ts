import type { OpOf } from '@q/ir';
import { gradientOf, type Node, type Tape } from './tape.ts';

interface Operands {
  readonly x: Node;
  readonly w: Node;
  readonly bias: Node | undefined;
  readonly shape: readonly number[];
}

const flat = (values: readonly number[], other: number): [number, number] =>
  values.length === 1 ? [other, values[0]!] : [values[0]!, values[1]!];

/**
 * Transposed convolution over one or two dimensions: every input adds its kernel to the output. The filter lies as
 * (group, OC / group, IC / group, k…) under the shape [OC / group, IC, k…].
 */
export function deconvolution(tape: Tape, op: OpOf<'top.Deconv'>, operands: Operands): Node {
  const { x, w, bias, shape } = operands;
  const y = tape.node(shape);
  const plane = shape.slice(2).reduce((product, dim) => product * dim, 1);
  if (bias !== undefined) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = bias.data[Math.floor(i / plane) % bias.data.length]!;
  }
  eachProduct(op, operands, (from, weight, to) => {
    y.data[to]! += x.data[from]! * w.data[weight]!;
  });
  return tape.record(y, (gradient) => {
    const [toX, toW] = [gradientOf(x), gradientOf(w)];
    eachProduct(op, operands, (from, weight, to) => {
      toX[from]! += gradient[to]! * w.data[weight]!;
      toW[weight]! += gradient[to]! * x.data[from]!;
    });
  });
}

function eachProduct(
  op: OpOf<'top.Deconv'>,
  { x, shape }: Operands,
  visit: (from: number, weight: number, to: number) => void,
): void {
  const { kernelShape, strides, pads, dilations, group } = op.attributes;
  const [KH, KW] = flat(kernelShape, 1);
  const [SH, SW] = flat(strides, 1);
  const [PH, PW] = flat(pads.slice(0, kernelShape.length), 0);
  const [DH, DW] = flat(dilations ?? kernelShape.map(() => 1), 1);
  const [N, IC] = x.shape as [number, number];
  const [H, W] = flat(x.shape.slice(2), 1);
  const [OH, OW] = flat(shape.slice(2), 1);
  const OC = shape[1]!;
  const [inputs, outputs] = [IC / group, OC / group];
  for (let n = 0; n < N; n++) {
    for (let oc = 0; oc < OC; oc++) {
      const first = Math.floor(oc / outputs) * inputs;
      for (let i = 0; i < inputs; i++) {
        const plane = (n * IC + first + i) * H * W;
        for (let k = 0; k < KH * KW; k++) {
          const [kh, kw] = [Math.floor(k / KW), k % KW];
          const weight = (oc * inputs + i) * KH * KW + k;
          for (let h = 0; h < H; h++) {
            const oh = h * SH - PH + kh * DH;
            if (oh < 0 || oh >= OH) continue;
            for (let c = 0; c < W; c++) {
              const ow = c * SW - PW + kw * DW;
              if (ow >= 0 && ow < OW) visit(plane + h * W + c, weight, ((n * OC + oc) * OH + oh) * OW + ow);
            }
          }
        }
      }
    }
  }
}
