import type { LayerConverter } from '../conversion.ts';
import { convolutionLayers } from './convolution.ts';
import { detectionLayers } from './detection.ts';
import { elementwiseLayers } from './elementwise.ts';
import { innerProductLayers } from './inner-product.ts';
import { layoutLayers } from './layout.ts';
import { normalizationLayers } from './normalization.ts';
import { poolingLayers } from './pooling.ts';
import { priorBoxLayers } from './prior-box.ts';

/** One converter per Caffe layer type. */
export const layerConverters: ReadonlyMap<string, LayerConverter> = new Map(
  Object.entries<LayerConverter>({
    ...convolutionLayers,
    ...detectionLayers,
    ...elementwiseLayers,
    ...innerProductLayers,
    ...layoutLayers,
    ...normalizationLayers,
    ...poolingLayers,
    ...priorBoxLayers,
  }),
);
