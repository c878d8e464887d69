import { defaulted, optional } from '../attribute-schema.ts';
import { row } from './row.ts';

/** The preprocessing settings travel inside the input op (calibration.md 3.4, cli.md 4). */
const inputAttributes = {
  doPreprocess: defaulted('bool', 'do_preprocess', false),
  pixelFormat: optional('string', 'pixel_format'),
  channelFormat: optional('string', 'channel_format'),
  resizeDims: optional('i64[]', 'resize_dims'),
  keepAspectRatio: optional('bool', 'keep_aspect_ratio'),
  keepRatioMode: optional('string', 'keep_ratio_mode'),
  padValue: optional('i64', 'pad_value'),
  padType: optional('string', 'pad_type'),
  scale: optional('f64[]', 'scale'),
  mean: optional('f64[]', 'mean'),
  customizationFormat: optional('string', 'customization_format'),
  aligned: optional('bool', 'aligned'),
  yuvType: optional('string', 'yuv_type'),
  shapeTensor: optional('i64[]', 'shape_tensor'),
} as const;

export const structureRows = {
  /** A network input. Its one result has the type of the function argument; it has no operands in `Op.inputs`. */
  'top.Input': row({
    attributes: inputAttributes,
    // Never called by inference: the importer sets the type of an input.
    inferShapes: ({ inputs }) => ({ outputs: [inputs[0] ?? null] }),
  }),
} as const;
