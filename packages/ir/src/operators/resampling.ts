import { defaulted, own, required } from '../attribute-schema.ts';
import { reluAttributes } from './convolution.ts';
import { row } from './row.ts';
import { f32 } from './shape-rules.ts';

export const resamplingRows = {
  /** Repeats every pixel `scale_h` × `scale_w` times. */
  'top.Upsample': row({
    attributes: { scaleH: required('i64', 'scale_h'), scaleW: required('i64', 'scale_w'), ...reluAttributes } as const,
    fusesRelu: true,
    operands: ['input'],
    inferShapes({ attributes, inputs }) {
      const [N, C, H, W] = inputs[0]!.shape as [number, number, number, number];
      return { outputs: [f32([N, C, H * attributes.scaleH, W * attributes.scaleW])] };
    },
  }),
  /**
   * Modes and coordinate rules: ir.md 6.3. out = floor(in · scale) unless a constant target shape is given; shape
   * inference folds the target into the scales (out / in), the importer then drops the operand.
   */
  'top.Interp': row({
    attributes: {
      mode: required('string', 'mode'),
      coordMode: required('string', 'coord_mode'),
      scaleH: defaulted('f64', 'scale_h', -1),
      scaleW: defaulted('f64', 'scale_w', -1),
      // What follows is not TPU-MLIR's: set where an ONNX Resize asks for more, then `sizes` and `scales` (one per
      // dimension) decide, and `coord_mode` and `mode` (also cubic) are spelled as in ONNX.
      sizes: own('i64[]', 'sizes'),
      scales: own('f64[]', 'scales'),
      nearestMode: own('string', 'nearest_mode'),
      cubicCoeffA: own('f64', 'cubic_coeff_a'),
      excludeOutside: own('bool', 'exclude_outside'),
      antialias: own('bool', 'antialias'),
      /** Start and end of every dimension, in units of the whole. */
      roi: own('f64[]', 'roi'),
      extrapolationValue: own('f64', 'extrapolation_value'),
    } as const,
    operands: ['input', 'target_shape?'],
    inferShapes({ attributes, inputs, weight }) {
      const { shape } = inputs[0]!;
      if (attributes.sizes !== undefined) return { outputs: [f32(attributes.sizes)] };
      const target = weight(1);
      const lead = shape.slice(0, 2);
      if (target !== undefined) {
        const sizes = Array.from(target.data, Number).slice(-(shape.length - 2));
        const scaleW = sizes.at(-1)! / shape.at(-1)!;
        const scaleH = shape.length > 3 ? sizes.at(-2)! / shape.at(-2)! : 1;
        return { outputs: [f32([...lead, ...sizes])], attributes: { ...attributes, scaleH, scaleW } };
      }
      const scales = shape.length > 3 ? [attributes.scaleH, attributes.scaleW] : [attributes.scaleW];
      return { outputs: [f32([...lead, ...shape.slice(2).map((dim, axis) => Math.floor(dim * scales[axis]!))])] };
    },
  }),
  /** input [N, C, H, W] (or more dimensions), grid [N, H', W', 2] in −1..1; mode 0 linear, 1 nearest, 2 cubic (ours). */
  'top.GridSampler': row({
    attributes: {
      mode: required('i64', 'mode'),
      paddingMode: required('i64', 'padding_mode'),
      alignCorners: required('bool', 'align_corners'),
    } as const,
    operands: ['input', 'grid'],
    inferShapes({ inputs }) {
      return { outputs: [f32([...inputs[0]!.shape.slice(0, 2), ...inputs[1]!.shape.slice(1, -1)])] };
    },
  }),
  /** rois [R, 5]: batch index, then x1 y1 x2 y2. */
  'top.RoiAlign': row({
    attributes: {
      mode: required('string', 'mode'),
      outputHeight: required('i64', 'output_height'),
      outputWidth: required('i64', 'output_width'),
      samplingRatio: required('i64', 'sampling_ratio'),
      spatialScale: required('f64', 'spatial_scale'),
      alignCorners: required('bool', 'align_corners'),
    } as const,
    operands: ['input', 'rois'],
    inferShapes({ attributes, inputs }) {
      const [rois, channels] = [inputs[1]!.shape[0]!, inputs[0]!.shape[1]!];
      return { outputs: [f32([rois, channels, attributes.outputHeight, attributes.outputWidth])] };
    },
  }),
} as const;
