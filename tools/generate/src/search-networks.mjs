import { join } from 'node:path';

/**
 * What search-table.mjs runs: searches whose plans are measured on labelled pictures, and every command on many networks.
 *
 * @typedef {{ config: string, processor: string, search: string, note?: string }} Recovery `config` below test-models; `search`:
 *   flags of `run_calibration --search search_qtable`
 * @typedef {{ model: string, transform: string, samples: string, processor: string, outputs?: string, count?: number,
 *   generated?: string }} SearchedNetwork `count`: samples; `outputs`: layers that fp_forward begins with
 */

const MANY = 'KL,MSE,MAX,Percentile9999';

/** Shares of a threshold clip what detectors do not need: a logit of 28 is as good as one of 7, and boxes are coded finer. */
const SHARES = 'KL,MSE,MAX,KL:0.5,KL:0.35,KL:0.25';
const detections = '--post_process $(root)/docs/post-process/detections.mjs';
const maps = '--post_process $(root)/docs/post-process/yolov3-maps.mjs';

/** Thresholds and float layers with which most of float's detections are found, of those that the limit allows. */
const agreeing = '--metric $(root)/docs/metrics/float-detections.mjs --expected_metric 1 --refine';

const gain = '--post_process $(root)/docs/post-process/gain.mjs';

/** Pictures of deep networks whose every layer is tried with many thresholds. */
const few = '--inference_num 10';

/** All pictures for calibration: what is refined for thirty fits others less. Bounded, since each network runs on all of them. */
const all = '--inference_num 100 --budget 420s';

/** At most so many layers in float, without growth beyond. */
const atMost = (count) => `--max_float_layers ${count} --float_layer_limit ${count}`;

/** Thresholds and float layers whose pictures are nearest to float's, of those that the limit allows. */
const nearest = '--expected_sqnr 99 --refine';
const FINE = 'KL,MAX,Percentile9999,KL:0.95,KL:0.9,KL:0.85';

/** Channels of very different size: the widest may be clipped, so that the others are coded finer. */
const UNEVEN = 'KL,MSE,MAX,KL:0.85,KL:0.7,KL:0.5';

/** @returns {Recovery[]} rows of one network on several processors */
const on = (processors, config, search) => processors.map((processor) => ({ config, processor, search }));

const ALL = ['bm1684x', 'bm1684', 'cv181x'];

/**
 * A tenth of the layers at most, and where that is none, one more row. Networks and processors that lose less than half a point, or
 * no more than the standard error of their figure, are left out: there is nothing to recover that could be told from chance.
 *
 * @type {readonly Recovery[]}
 */
export const recoveries = [
  ...on(['bm1684'], 'objects-vit/mlir.config.yaml', `--quantize_method_list KL,MSE ${atMost(12)}`),
  ...on(
    ['bm1684'],
    'objects-mobilenetv2/mlir.config.yaml',
    `--quantize_method_list ${UNEVEN} ${atMost(3)} ${nearest} ${all}`,
  ),
  ...on(['bm1684'], 'objects-mobilenetv2/mlir.config.yaml', `--quantize_method_list ${MANY} ${atMost(4)}`),
  ...on(ALL, 'scenes-yolov3-tiny/cut.mlir.config.yaml', `--quantize_method_list KL,MSE,MAX ${atMost(2)} ${maps}`),
  ...on(
    ['bm1684x', 'cv181x'],
    'scenes-yolov3-tiny/mlir.config.yaml',
    `--quantize_method_list ${SHARES} ${atMost(5)} ${detections} ${few}`,
  ),
  ...on(
    ['bm1684'],
    'scenes-yolov3-tiny/mlir.config.yaml',
    `--quantize_method_list KL,MAX,KL:0.5,KL:0.25 ${atMost(5)} ${detections} ${agreeing} ${few}`,
  ),
  ...on(ALL, 'scenes-yolov8/mlir.config.yaml', `--quantize_method_list ${SHARES} ${atMost(12)} ${detections} ${few}`),
  ...on(ALL, 'patches-espcn/mlir.config.yaml', `--quantize_method_list ${FINE} ${atMost(0)} ${gain} ${nearest} ${few}`),
  ...on(ALL, 'patches-espcn/mlir.config.yaml', `--quantize_method_list ${FINE} ${atMost(1)} ${gain} ${nearest} ${few}`),
];

const objects = '--pixel_format rgb --mean 127.5,127.5,127.5 --scale 0.0078431,0.0078431,0.0078431';
const scenes = '--input_shapes [[1,3,128,128]] --pixel_format rgb --scale 0.0039216,0.0039216,0.0039216';
const imagenet = '--pixel_format rgb --mean 123.675,116.28,103.53 --scale 0.0171,0.0175,0.0174';
const raw = '/network/coarse_head/coarse_head.1/Conv_output_0,/network/fine_head/fine_head.1/Conv_output_0';
const tens = '--scale 0.0039216,0.0039216,0.0039216';

/** A network of test-models/. */
const own = (name, transform, pictures, more = {}) => ({
  model: `test-models/${name}/${name}.onnx`,
  transform,
  samples: `--dataset $(root)/test-models/${pictures}/calibration.zip`,
  processor: 'bm1684x',
  ...more,
});

/** One of the folder of others, with pictures of a set there. */
const other = (name, transform, set, more = {}) => ({
  model: `$(shared)/models/${name}.onnx`,
  transform,
  samples: `--dataset $(shared)/data/${set}`,
  processor: 'bm1684x',
  ...more,
});

/** One that tools/generate makes. */
const made = (name, transform, pictures, more = {}) => ({
  generated: name,
  model: `$(generated)/${name}.onnx`,
  transform,
  samples: `--dataset ${pictures}`,
  processor: 'bm1684',
  count: 2,
  ...more,
});

/** @type {Readonly<Record<string, SearchedNetwork>>} */
export const searchedNetworks = {
  'objects-cnn': own('objects-cnn', objects, 'objects-cnn', { processor: 'bm1684' }),
  'objects-mobilenetv2': own('objects-mobilenetv2', objects, 'objects-cnn', { processor: 'bm1684' }),
  'objects-mobilenetv3': own('objects-mobilenetv3', objects, 'objects-cnn'),
  'objects-resnet': own('objects-resnet', objects, 'objects-cnn', { processor: 'cv181x' }),
  'objects-vit': own('objects-vit', objects, 'objects-cnn', { processor: 'bm1684' }),
  'scenes-yolov3-tiny': own('scenes-yolov3-tiny', scenes, 'scenes-yolov3-tiny'),
  'scenes-yolov3-tiny, cut': own('scenes-yolov3-tiny', `${scenes} --output_names ${raw}`, 'scenes-yolov3-tiny'),
  'scenes-yolov8': own('scenes-yolov8', scenes, 'scenes-yolov3-tiny'),
  'patches-espcn': own(
    'patches-espcn',
    '--input_shapes [[1,1,48,48]] --pixel_format gray --scale 0.0039216',
    'patches-espcn',
    {
      processor: 'cv181x',
    },
  ),
  'glyphs-crnn': own(
    'glyphs-crnn',
    '--input_shapes [[1,1,32,96]] --pixel_format gray --mean 127.5 --scale 0.0078431',
    'glyphs-crnn',
  ),
  'mobilenet_v1_0.25_224': other(
    'mobilenet_v1_0.25_224',
    '--pixel_format rgb --mean 127.5,127.5,127.5 --scale 0.0078431,0.0078431,0.0078431 --resize_dims 256,256 --keep_aspect_ratio',
    'imagenet',
    { count: 2 },
  ),
  kwt1: other('kwt1', '', 'speech/kwt_mfcc_calib.npz', { samples: '--data_list $(rows)', count: 2 }),
  FastestDet: other('FastestDet', `--pixel_format bgr ${tens}`, 'coco', { count: 2 }),
  nanodet_m_320: other(
    'nanodet_m_320',
    '--pixel_format bgr --mean 103.53,116.28,123.675 --scale 0.0174292,0.0175070,0.0171233 --keep_aspect_ratio',
    'coco',
    { count: 2 },
  ),
  'version-slim-320': other(
    'version-slim-320',
    '--pixel_format rgb --mean 127,127,127 --scale 0.0078125,0.0078125,0.0078125',
    'wider',
    {
      count: 2,
      processor: 'cv181x',
    },
  ),
  'MobileNetV2, generated': made('mobilenetv2', imagenet, '$(root)/test-models/objects-cnn/calibration.zip'),
  'YOLOv3-tiny, generated': made('yolov3-tiny', tens, '$(root)/test-models/scenes-yolov3-tiny/calibration.zip', {
    processor: 'bm1684x',
  }),
};

/** The places that commands name. */
export function places(root, shared, generated) {
  return { root: root.replace(/\/$/, ''), shared, generated: generated ?? join(root, 'generated') };
}
