import { exp } from '@q/kernels-wasm/scalar';
import { gradientOf, type Node, type Tape } from './tape.ts';

/** Softmax over runs of `length` elements that lie `step` apart. */
export function softmax(tape: Tape, x: Node, length: number, step: number): Node {
  const y = tape.node(x.shape);
  const runs = x.data.length / length;
  const startOf = (run: number) => Math.floor(run / step) * length * step + (run % step);
  for (let run = 0; run < runs; run++) {
    const start = startOf(run);
    let [largest, sum] = [Number.NEGATIVE_INFINITY, 0];
    for (let k = 0; k < length; k++) largest = Math.max(largest, x.data[start + k * step]!);
    for (let k = 0; k < length; k++) sum += exp(x.data[start + k * step]! - largest);
    for (let k = 0; k < length; k++) y.data[start + k * step] = exp(x.data[start + k * step]! - largest) / sum;
  }
  return tape.record(y, (gradient) => {
    const toX = gradientOf(x);
    for (let run = 0; run < runs; run++) {
      const start = startOf(run);
      let product = 0;
      for (let k = 0; k < length; k++) product += gradient[start + k * step]! * y.data[start + k * step]!;
      for (let k = 0; k < length; k++) {
        const at = start + k * step;
        toX[at]! += y.data[at]! * (gradient[at]! - product);
      }
    }
  });
}

/** (x − mean) / √(variance + ε) over the last `size` elements, times a factor, plus an offset, element by element. */
export function layerNormalization(
  tape: Tape,
  x: Node,
  { size, eps, factor, offset }: { size: number; eps: number; factor?: Float32Array; offset?: Float32Array },
): Node {
  const y = tape.node(x.shape);
  const rows = x.data.length / size;
  const normal = new Float64Array(x.data.length);
  const inverse = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    let [mean, variance] = [0, 0];
    for (let k = 0; k < size; k++) mean += x.data[r * size + k]! / size;
    for (let k = 0; k < size; k++) variance += (x.data[r * size + k]! - mean) ** 2 / size;
    inverse[r] = 1 / Math.sqrt(variance + eps);
    for (let k = 0; k < size; k++) {
      const at = r * size + k;
      normal[at] = (x.data[at]! - mean) * inverse[r]!;
      y.data[at] = normal[at]! * (factor?.[k] ?? 1) + (offset?.[k] ?? 0);
    }
  }
  return tape.record(y, (gradient) => {
    const toX = gradientOf(x);
    for (let r = 0; r < rows; r++) {
      let [sum, product] = [0, 0];
      for (let k = 0; k < size; k++) {
        const g = gradient[r * size + k]! * (factor?.[k] ?? 1);
        sum += g / size;
        product += (g * normal[r * size + k]!) / size;
      }
      for (let k = 0; k < size; k++) {
        const at = r * size + k;
        toX[at]! += inverse[r]! * (gradient[at]! * (factor?.[k] ?? 1) - sum - normal[at]! * product);
      }
    }
  });
}
