import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/**
 * The networks that xquant-table.mjs measures, with what it takes to calibrate and to measure each.
 *
 * `calibration` and `evaluation` count samples; of a set that serves both, those for calibration come behind the others in the
 * order that TPU-MLIR shuffles to. `finetune` is XQuant's level. `cut` names the tensors behind which a network stays float.
 *
 * @typedef {{ model: string, calibration: number, evaluation: number, finetune: 0 | 1, cut?: string[], harness?: string,
 *   set?: string, rows?: string, flags?: string[], preprocess?: object, inputShapes?: number[][] }} XquantNetwork
 */

const thirds = (value) => [value, value, value];
const camel = { keepAspectRatio: 'keep_aspect_ratio', pixelFormat: 'pixel_format', channelFormat: 'channel_format' };
const names = { ...camel, padValue: 'pad_value', padType: 'pad_type', mean: 'mean', scale: 'scale' };

const scenes = { calibration: 20, evaluation: 50, finetune: 1 };
const objects = { calibration: 20, evaluation: 200, finetune: 1 };
const coarse = '/network/coarse_head/coarse_head.1/Conv_output_0';
const fine = '/network/fine_head/fine_head.1/Conv_output_0';
/** Where the warning about the output proposes to cut. */
const beforeConcat = ['/Div_output_0', '/Sub_1_output_0', '/Sigmoid_output_0'];

/** Trained here, measured as their harness files say. */
const shipped = {
  'objects-mobilenetv3': objects,
  'patches-espcn': { calibration: 20, evaluation: 60, finetune: 1 },
  'scenes-yolov8': scenes,
  'scenes-yolov3-tiny': scenes,
  'scenes-yolov3-tiny, heads cut': { ...scenes, model: 'scenes-yolov3-tiny', cut: [coarse, fine] },
  'scenes-yolov8, heads cut': { ...scenes, model: 'scenes-yolov8', cut: beforeConcat },
  'glyphs-crnn': { calibration: 20, evaluation: 150, finetune: 1 },
};

const few = { calibration: 4, evaluation: 6, finetune: 0 };
const coco = (head) => ['--annotations', 'data/coco/instances_100_boxes.json', '--head', head];

/** Trained by others, in the folder that is not part of the repository. */
const others = {
  kwt1: { rows: 'data/speech/kwt_mfcc', calibration: 10, evaluation: 60, finetune: 0 },
  yunet_n_320_320: { ...few, set: 'wider', preprocess: { pixelFormat: 'bgr' } },
  yolox_nano: {
    ...few,
    set: 'coco',
    flags: coco('yolox'),
    preprocess: { pixelFormat: 'bgr', keepAspectRatio: true, padValue: 114, padType: 'normal' },
  },
  mnist: {
    ...few,
    calibration: 5,
    evaluation: 5,
    set: 'mnist',
    preprocess: { pixelFormat: 'gray', scale: [0.00392156862745098] },
  },
  blazeface: { ...few, set: 'wider', preprocess: { pixelFormat: 'rgb', mean: thirds(1), scale: thirds(0.0078) } },
  'version-slim-320': {
    ...few,
    set: 'wider',
    preprocess: { pixelFormat: 'rgb', mean: thirds(127), scale: thirds(1 / 128) },
  },
  FastestDet: {
    ...few,
    set: 'coco',
    flags: coco('fastestdet'),
    preprocess: { pixelFormat: 'bgr', scale: thirds(1 / 255) },
  },
  nanodet_m_320: {
    ...few,
    set: 'coco',
    flags: coco('nanodet'),
    preprocess: {
      pixelFormat: 'bgr',
      keepAspectRatio: true,
      mean: [103.53, 116.28, 123.675],
      scale: [1 / 57.375, 1 / 57.12, 1 / 58.395],
    },
  },
  super_resolution_x3: {
    ...few,
    evaluation: 3,
    set: 'coco',
    preprocess: { pixelFormat: 'gray', scale: [1 / 255] },
  },
  deeplab_v3_257: {
    ...few,
    evaluation: 3,
    set: 'coco',
    preprocess: { pixelFormat: 'rgb', channelFormat: 'nhwc', mean: thirds(127.5), scale: thirds(1 / 127.5) },
  },
};

/** @returns {Record<string, XquantNetwork>} `models`: test-models, `shared`: the folder of the others */
export function xquantNetworks(models, shared) {
  const own = Object.entries(shipped).map(([name, network]) => [
    name,
    ownNetwork(models, network.model ?? name, network),
  ]);
  const foreign = Object.entries(others).map(([name, network]) => [
    name,
    { ...network, model: join(shared, 'models', `${name}.onnx`), flags: flagsOf(network, shared) },
  ]);
  return Object.fromEntries([...own, ...foreign]);
}

/** Preprocessing and pictures as the harness file of the model says. */
function ownNetwork(models, name, network) {
  const harness = join(models, name, 'mlir.config.yaml');
  const { mlir_transform: transform, mlir_calibration: calibration, shapes } = parse(readFileSync(harness, 'utf8'));
  const word = (flag) => transform.match(new RegExp(`--${flag} (\\S+)`))?.[1];
  const numbers = (flag) => word(flag)?.split(',').map(Number);
  const pixelFormat = word('pixel_format');
  const perChannel = (values) => (pixelFormat === 'gray' ? values?.slice(0, 1) : values);
  const [mean, scale] = [perChannel(numbers('mean')), perChannel(numbers('scale'))];
  return {
    ...network,
    model: join(models, name, `${name}.onnx`),
    harness,
    pictures: calibration.match(/--dataset (\S+)/)[1].replace('$(home)', join(models, name)),
    preprocess: { pixelFormat, ...(mean && { mean }), ...(scale && { scale }) },
    inputShapes: [shapes[0]],
  };
}

/** The flags of `q evaluate` that say the same as `preprocess`, and those of the labels. */
function flagsOf({ preprocess, flags = [] }, shared) {
  const settings = Object.entries(preprocess ?? { channelFormat: 'none' }).map(([key, value]) =>
    value === true ? `--${names[key]}` : `--${names[key]}=${value}`,
  );
  return [...settings, ...flags.map((word) => (word.startsWith('data/') ? join(shared, word) : word))];
}
