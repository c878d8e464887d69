import { type LayerConverter, refuse } from '../conversion.ts';
import { flag, hasField, integer, message, number, numbers } from '../fields.ts';
import type { TextMessage } from '../text-format.ts';

interface Priors {
  /** Width and height of every box around one point, in pixels. */
  readonly sizes: readonly (readonly [width: number, height: number])[];
  readonly variances: readonly number[];
  readonly clip: boolean;
  readonly offset: number;
}

/** The given ratios, each with its inverse when `flip`, without 1 and without repetitions. */
function aspectRatios(parameters: TextMessage): number[] {
  const ratios: number[] = [1];
  for (const ratio of numbers(parameters, 'aspect_ratio')) {
    if (ratios.some((known) => Math.abs(known - ratio) < 1e-6)) continue;
    ratios.push(ratio, ...(flag(parameters, 'flip', true) ? [1 / ratio] : []));
  }
  return ratios.slice(1);
}

/** Per minimal size: the square, the square of the geometric mean with the maximal size, then the ratios (SSD, section 2.2). */
function boxSizes(parameters: TextMessage): [number, number][] {
  const maximal = numbers(parameters, 'max_size');
  const ratios = aspectRatios(parameters);
  return numbers(parameters, 'min_size').flatMap((given, index): [number, number][] => {
    const size = Math.trunc(given);
    const mean = maximal.length === 0 ? [] : [Math.sqrt(size * Math.trunc(maximal[index]!))];
    const square = flag(parameters, 'use_default_aspect_ratio', true) ? [size] : [];
    return [
      ...[...square, ...mean].map((side): [number, number] => [side, side]),
      ...ratios.map((ratio): [number, number] => [size * Math.sqrt(ratio), size / Math.sqrt(ratio)]),
    ];
  });
}

/** The boxes depend on shapes only: they become a weight, `<top>loadweight`, as in TPU-MLIR's canonicalisation. */
const priorBox: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'prior_box_param');
  const [map, image] = [to.shape(to.operand(layer)), to.shape(to.operand(layer, 1))];
  if (map.length !== 4 || image.length !== 4) refuse(layer, 'bottoms without height and width', 'four dimensions');
  const variances = numbers(parameters, 'variance');
  const [minimal, maximal] = [numbers(parameters, 'min_size'), numbers(parameters, 'max_size')];
  if (variances.length !== 4) refuse(layer, `${variances.length} variances`, 'four variances');
  if (minimal.length === 0 || (maximal.length > 0 && maximal.length !== minimal.length))
    refuse(layer, `${minimal.length} min_size and ${maximal.length} max_size`, 'one max_size per min_size, or none');
  const priors: Priors = {
    sizes: boxSizes(parameters),
    variances,
    clip: flag(parameters, 'clip', false),
    offset: number(parameters, 'offset', 0.5),
  };
  const side = (axis: 2 | 3, name: string) => integer(parameters, name, integer(parameters, 'img_size', image[axis]!));
  const [height, width] = [side(2, 'img_h'), side(3, 'img_w')];
  const step = (axis: 2 | 3, name: string, whole: number) =>
    hasField(parameters, name) || hasField(parameters, 'step')
      ? Math.fround(number(parameters, name, number(parameters, 'step', 0)))
      : whole / map[axis]!;
  const grid = { rows: map[2]!, columns: map[3]!, height, width };
  const steps = { y: step(2, 'step_h', height), x: step(3, 'step_w', width) };
  const count = grid.rows * grid.columns * priors.sizes.length * 4;
  const top = to.top(layer);
  to.define(
    top,
    to.constant(`${to.nameOf(top)}loadweight`, [1, 2, count], () => boxes(grid, steps, priors)),
  );
};

/** [corners, variances]: x min, y min, x max, y max relative to the image, box by box, row by row. */
function boxes(
  grid: { rows: number; columns: number; height: number; width: number },
  step: { x: number; y: number },
  { sizes, variances, clip, offset }: Priors,
): Float32Array {
  const half = grid.rows * grid.columns * sizes.length * 4;
  const data = new Float32Array(2 * half);
  let at = 0;
  for (let row = 0; row < grid.rows; row++) {
    for (let column = 0; column < grid.columns; column++) {
      const [x, y] = [(column + offset) * step.x, (row + offset) * step.y];
      for (const [width, height] of sizes) {
        data.set([(x - width / 2) / grid.width, (y - height / 2) / grid.height], at);
        data.set([(x + width / 2) / grid.width, (y + height / 2) / grid.height], at + 2);
        data.set(variances, half + at);
        at += 4;
      }
    }
  }
  if (clip) for (let i = 0; i < half; i++) data[i] = Math.min(Math.max(data[i]!, 0), 1);
  return data;
}

export const priorBoxLayers = { PriorBox: priorBox };
