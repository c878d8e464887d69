import { type LayerConverter, refuse } from '../conversion.ts';
import { choice, flag, integer, message, number } from '../fields.ts';

const CODE_TYPES = { CORNER: 1, CENTER_SIZE: 2, CORNER_SIZE: 3 } as const;

/** SSD's head (caffe.proto of the SSD branch: DetectionOutputParameter). */
const detectionOutput: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'detection_output_param');
  const suppression = message(parameters, 'nms_param');
  const numClasses = integer(parameters, 'num_classes');
  const keepTopK = integer(parameters, 'keep_top_k', -1);
  if (numClasses === undefined || numClasses < 1) refuse(layer, `num_classes ${numClasses}`, 'a number of classes');
  if (keepTopK < 1) refuse(layer, `keep_top_k ${keepTopK}`, 'a number of boxes to keep: shapes are static');
  if (flag(parameters, 'variance_encoded_in_target', false))
    refuse(layer, 'variance_encoded_in_target', 'variances in the priors');
  if (number(suppression, 'eta', 1) !== 1) refuse(layer, 'an adaptive threshold (eta)', 'a fixed threshold');
  to.finish(layer, 'top.DetectionOutput', {
    inputs: [to.operand(layer), to.operand(layer, 1), to.operand(layer, 2)],
    attributes: {
      numClasses,
      backgroundLabelId: integer(parameters, 'background_label_id', 0),
      nmsThreshold: Math.fround(number(suppression, 'nms_threshold', 0.3)),
      topK: integer(suppression, 'top_k', -1),
      codeType: choice(parameters, 'code_type', CODE_TYPES, 'CORNER'),
      keepTopK,
      confidenceThreshold: Math.fround(number(parameters, 'confidence_threshold', -Number.MAX_VALUE)),
      shareLocation: flag(parameters, 'share_location', true),
    },
  });
};

export const detectionLayers = { DetectionOutput: detectionOutput };
