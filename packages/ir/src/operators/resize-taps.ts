/** What ONNX's Resize is told (opset 10 to today), per axis. */
export interface ResizeAxis {
  /** Length before and after. */
  readonly input: number;
  readonly output: number;
  readonly scale: number;
  /** Part of the input for `tf_crop_and_resize`, in units of the whole. */
  readonly roi: readonly [start: number, end: number];
}

export interface ResizeForm {
  /** nearest, linear or cubic. */
  readonly mode: string;
  readonly coordMode: string;
  readonly nearestMode: string;
  readonly cubicCoeffA: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

/** The input elements that one output element is the weighted sum of; none: it is the extrapolation value. */
export interface ResizeTap {
  readonly indices: readonly number[];
  readonly weights: readonly number[];
}

/** Where an output position lies in the input (ONNX Resize, `coordinate_transformation_mode`). */
export function resizeCoordinate(x: number, axis: ResizeAxis, coordMode: string): number {
  const { input, output, scale } = axis;
  // The length before it is rounded down: what the formulas of ONNX's reference use.
  const length = scale * input;
  switch (coordMode) {
    case 'align_corners':
      return length === 1 ? 0 : (x * (input - 1)) / (length - 1);
    case 'asymmetric':
      return x / scale;
    case 'pytorch_half_pixel':
      return output === 1 ? 0 : (x + 0.5) / scale - 0.5;
    case 'tf_half_pixel_for_nn':
      return (x + 0.5) / scale;
    case 'half_pixel_symmetric': {
      const offset = (input / 2) * (1 - output / length);
      return offset + (x + 0.5) / scale - 0.5;
    }
    case 'tf_crop_and_resize': {
      const [start, end] = axis.roi;
      if (output === 1) return ((start + end) * (input - 1)) / 2;
      return start * (input - 1) + (x * (end - start) * (input - 1)) / (output - 1);
    }
    default:
      return (x + 0.5) / scale - 0.5;
  }
}

/** The input position that a nearest-neighbour resize reads, not yet clamped. */
export function nearestPosition(coordinate: number, nearestMode: string): number {
  switch (nearestMode) {
    case 'floor':
      return Math.floor(coordinate);
    case 'ceil':
      return Math.ceil(coordinate);
    case 'round_prefer_ceil':
      return Math.floor(coordinate + 0.5);
    default:
      return Math.ceil(coordinate - 0.5);
  }
}

function cubicWeight(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
}

/** Taps of every output position of one axis. */
export function resizeTaps(axis: ResizeAxis, form: ResizeForm): ResizeTap[] {
  return Array.from({ length: axis.output }, (_, position) => {
    const coordinate = resizeCoordinate(position, axis, form.coordMode);
    const isOutside = form.coordMode === 'tf_crop_and_resize' && (coordinate < 0 || coordinate > axis.input - 1);
    if (isOutside) return { indices: [], weights: [] };
    if (form.mode === 'nearest') {
      const index = nearestPosition(coordinate, form.nearestMode);
      return { indices: [Math.min(Math.max(index, 0), axis.input - 1)], weights: [1] };
    }
    return filterTap(coordinate, axis, form);
  });
}

/** The taps of a linear or cubic filter, stretched by 1 / scale when it is to prevent aliasing. */
function filterTap(coordinate: number, { input, scale }: ResizeAxis, form: ResizeForm): ResizeTap {
  const stretch = form.antialias ? Math.min(scale, 1) : 1;
  const reach = form.mode === 'cubic' ? 2 : 1;
  const weightOf = (distance: number) =>
    form.mode === 'cubic' ? cubicWeight(distance, form.cubicCoeffA) : Math.max(0, 1 - Math.abs(distance));
  const indices: number[] = [];
  const weights: number[] = [];
  const last = Math.ceil(coordinate + reach / stretch) - 1;
  for (let index = Math.floor(coordinate - reach / stretch) + 1; index <= last; index++) {
    const isInside = index >= 0 && index < input;
    indices.push(Math.min(Math.max(index, 0), input - 1));
    weights.push(form.excludeOutside && !isInside ? 0 : weightOf((index - coordinate) * stretch));
  }
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const normalise = form.antialias || form.excludeOutside;
  return { indices, weights: normalise ? weights.map((weight) => weight / sum) : weights };
}
