import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/**
 * The networks that xquant-table.mjs measures, with what it takes to calibrate and to measure each.
 *
 * `calibration` and `evaluation` count samples; of a set that serves both, those for calibration come behind the others in the
 * order that TPU-MLIR shuffles to. `finetune` is XQuant's level. `cut` names the tensors behind which a network stays float.
 * `rows` are .npz files with an array per input; without one for evaluation that takes the rows that calibration leaves.
 *
 * @typedef {{ model: string, calibration: number, evaluation: number, finetune: 0 | 1, cut?: string[], harness?: string,
 *   set?: string, rows?: { calibration: string, evaluation?: string, arrays?: string[] }, flags?: string[], preprocess?: object, inputShapes?: number[][] }} XquantNetwork
 */

const thirds = (value) => [value, value, value];
const camel = { keepAspectRatio: 'keep_aspect_ratio', pixelFormat: 'pixel_format', channelFormat: 'channel_format' };
const crop = { resizeDims: 'resize_dims', keepRatioMode: 'keep_ratio_mode' };
const names = { ...camel, ...crop, padValue: 'pad_value', padType: 'pad_type', mean: 'mean', scale: 'scale' };

const scenes = { calibration: 20, evaluation: 50, finetune: 1 };
const objects = { calibration: 20, evaluation: 200, finetune: 1 };
const coarse = '/network/coarse_head/coarse_head.1/Conv_output_0';
const fine = '/network/fine_head/fine_head.1/Conv_output_0';
/** Where the warning about the output proposes to cut. */
const beforeConcat = ['/Div_output_0', '/Sub_1_output_0', '/Sigmoid_output_0'];

/** Trained here, measured as their harness files say. */
const shipped = {
  'objects-cnn': objects,
  'objects-mobilenetv2': objects,
  'objects-mobilenetv3': objects,
  'objects-resnet': objects,
  'objects-vit': objects,
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
  'mobilenet_v1_0.25_224': {
    set: 'imagenet',
    calibration: 10,
    evaluation: 50,
    finetune: 1,
    flags: ['--labels', 'data/imagenet/labels.csv'],
    preprocess: {
      pixelFormat: 'rgb',
      mean: thirds(127.5),
      scale: thirds(1 / 127.5),
      resizeDims: [256, 256],
      keepAspectRatio: true,
      keepRatioMode: 'short_side_scale',
    },
  },
  vww_96: {
    set: 'coco',
    calibration: 10,
    evaluation: 40,
    finetune: 1,
    preprocess: { pixelFormat: 'rgb', scale: thirds(1 / 255) },
  },
  kwt1: {
    rows: { calibration: 'data/speech/kwt_mfcc_calib.npz', evaluation: 'data/speech/kwt_mfcc_eval.npz' },
    calibration: 10,
    evaluation: 60,
    finetune: 0,
  },
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
  'ch_PP-OCRv3_det_infer': {
    ...few,
    set: 'ocr_raw',
    inputShapes: [[1, 3, 640, 640]],
    preprocess: { pixelFormat: 'bgr', mean: [123.675, 116.28, 103.53], scale: [0.017, 0.0175, 0.0174] },
  },
  silero_vad_16k: {
    rows: { calibration: 'data/audio/silero_vad_frames.npz', arrays: ['input', 'state'] },
    calibration: 30,
    evaluation: 90,
    finetune: 0,
  },
  basic_pitch: {
    rows: { calibration: 'data/audio/basic_pitch_windows.npz', arrays: ['audio'] },
    inputShapes: [[1, 43844, 1]],
    calibration: 3,
    evaluation: 3,
    finetune: 0,
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

/** The flags of `q evaluate` that say the same as `preprocess` and `inputShapes`, and those of the labels. */
function flagsOf({ preprocess, inputShapes, flags = [] }, shared) {
  const shapes = inputShapes === undefined ? [] : [`--input_shapes=${JSON.stringify(inputShapes)}`];
  const settings = Object.entries(preprocess ?? { channelFormat: 'none' }).map(([key, value]) =>
    value === true ? `--${names[key]}` : `--${names[key]}=${value}`,
  );
  return [...settings, ...shapes, ...flags.map((word) => (word.startsWith('data/') ? join(shared, word) : word))];
}
