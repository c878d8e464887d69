import { choice, flag, hasField, number } from './fields.ts';
import type { CaffeLayer } from './net.ts';

/**
 * What a prototxt says about quantizing one layer: fields of the BM1684 tools inside `layer {}` (bm1684-tools.md 6).
 */
export interface LayerSettings {
  /** `th_strategy`: the tool's rule, the KL family, or the observed maximum. */
  readonly strategy: 'default' | 'kl' | 'max';
  /** `th_scale`: multiplies a computed threshold. */
  readonly scale: number;
  /** `threshold` of the layer's output: taken as it is. */
  readonly threshold?: number;
  /** `forward_with_float`: the layer runs in float. */
  readonly float: boolean;
}

const FIELDS = ['th_strategy', 'th_scale', 'threshold', 'forward_with_float'] as const;
const STRATEGIES = { USE_DEFAULT: 0, USE_KL: 1, USE_MAX: 2 } as const;
const MEANING = { USE_DEFAULT: 'default', USE_KL: 'kl', USE_MAX: 'max' } as const;

/** Settings of the layers that have any, by layer name of the prototxt. @throws QError `caffe.field` */
export function readLayerSettings(layers: readonly CaffeLayer[]): ReadonlyMap<string, LayerSettings> {
  const chosen = layers.filter(({ fields }) => FIELDS.some((field) => hasField(fields, field)));
  return new Map(
    chosen.map(({ name, fields }) => {
      const threshold = number(fields, 'threshold');
      const settings: LayerSettings = {
        strategy: MEANING[choice(fields, 'th_strategy', STRATEGIES, 'USE_DEFAULT')],
        scale: number(fields, 'th_scale', 1),
        float: flag(fields, 'forward_with_float', false),
        ...(threshold === undefined ? {} : { threshold }),
      };
      return [name, settings];
    }),
  );
}
