import { defaulted, required } from '../attribute-schema.ts';
import { elementCount } from '../dtype.ts';
import { row } from './row.ts';
import { f32, shapeMismatch } from './shape-rules.ts';

export const detectionRows = {
  /**
   * SSD's head: offsets [N, priors · 4] (per class unless `share_location`), confidences [N, priors · classes] and priors
   * [1, 2, priors · 4] (corners, variances) → rows [N, 1, keep_top_k, 7] of image, class, score, x min, y min, x max, y max; unused rows
   * at the end are zero.
   */
  'top.DetectionOutput': row({
    attributes: {
      numClasses: required('i64', 'num_classes'),
      backgroundLabelId: defaulted('i64', 'background_label_id', 0),
      nmsThreshold: required('f64', 'nms_threshold'),
      topK: required('i64', 'top_k'),
      codeType: required('string', 'code_type'),
      keepTopK: required('i64', 'keep_top_k'),
      confidenceThreshold: required('f64', 'confidence_threshold'),
      shareLocation: defaulted('bool', 'share_location', true),
    } as const,
    operands: ['location', 'confidence', 'prior'],
    inferShapes({ attributes, inputs }) {
      const [location, confidence, prior] = inputs.map((input) => input!.shape) as [number[], number[], number[]];
      const { numClasses, shareLocation, keepTopK } = attributes;
      const priors = prior.at(-1)! / 4;
      const fits =
        elementCount(location.slice(1)) === priors * 4 * (shareLocation ? 1 : numClasses) &&
        elementCount(confidence.slice(1)) === priors * numClasses;
      if (!fits)
        shapeMismatch([location, confidence, prior], 'four offsets and one confidence per class for every prior');
      return { outputs: [f32([location[0]!, 1, keepTopK, 7])] };
    },
  }),
} as const;
