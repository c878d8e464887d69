/**
 * Networks of the table, how their inputs are made (models/README.md of the shared folder), and where samples are.
 * Paths below `shared/` are left out, loudly, where that folder is absent.
 */
const R = 1 / 255;

const three = (value) => [value, value, value];
const image = (pixelFormat, mean, scale, more = {}) => ({
  pixelFormat,
  mean: Array.isArray(mean) ? mean : three(mean),
  scale: Array.isArray(scale) ? scale : three(scale),
  ...more,
});

/** A network of test-models/, calibrated on the pictures of `samples` there (its own, unless it shares another's). */
const own = (name, preprocess, samples = name, more = {}) => ({
  name,
  model: `test-models/${name}/${name}.onnx`,
  samples: `test-models/${samples}/calibration.zip`,
  preprocess,
  ...more,
});
const objects = image('rgb', 127.5, 0.0078431);
const scenes = image('rgb', 0, 0.0039216);
const gray = (mean, scale) => ({ pixelFormat: 'gray', mean: [mean], scale: [scale] });

export const networks = [
  own('objects-cnn', objects),
  own('objects-mobilenetv2', objects, 'objects-cnn'),
  own('objects-mobilenetv3', objects, 'objects-cnn'),
  own('objects-resnet', objects, 'objects-cnn'),
  own('objects-vit', objects, 'objects-cnn'),
  own('scenes-yolov3-tiny', scenes),
  own('scenes-yolov8', scenes, 'scenes-yolov3-tiny'),
  own('patches-espcn', gray(0, 0.0039216)),
  own('glyphs-crnn', gray(127.5, 0.0078431), 'glyphs-crnn', { inputShapes: [[1, 1, 32, 96]] }),
  {
    name: 'mnist',
    model: 'shared/models/mnist.onnx',
    samples: 'shared/data/mnist',
    preprocess: { pixelFormat: 'gray', mean: [0], scale: [R] },
  },
  { name: 'vww_96', model: 'shared/models/vww_96.onnx', samples: 'shared/data/coco', preprocess: image('rgb', 0, R) },
  {
    name: 'mobilenet_v1_0.25_224',
    model: 'shared/models/mobilenet_v1_0.25_224.onnx',
    samples: 'shared/data/imagenet',
    preprocess: image('rgb', 127.5, 1 / 127.5, {
      resizeDims: [256, 256],
      keepAspectRatio: true,
      keepRatioMode: 'short_side_scale',
    }),
  },
  {
    name: 'blazeface',
    model: 'shared/models/blazeface.onnx',
    samples: 'shared/data/wider',
    preprocess: image('rgb', 1, 0.0078),
  },
  {
    name: 'version-slim-320',
    model: 'shared/models/version-slim-320.onnx',
    samples: 'shared/data/wider',
    preprocess: image('rgb', 127, 1 / 128),
  },
  {
    name: 'yunet_n_320_320',
    model: 'shared/models/yunet_n_320_320.onnx',
    samples: 'shared/data/wider',
    preprocess: image('bgr', 0, 1),
  },
  {
    name: 'nanodet_m_320',
    model: 'shared/models/nanodet_m_320.onnx',
    samples: 'shared/data/coco',
    preprocess: image('bgr', [103.53, 116.28, 123.675], [1 / 57.375, 1 / 57.12, 1 / 58.395], { keepAspectRatio: true }),
  },
  {
    name: 'yolox_nano',
    model: 'shared/models/yolox_nano.onnx',
    samples: 'shared/data/coco',
    preprocess: image('bgr', 0, 1, { keepAspectRatio: true, padValue: 114, padType: 'normal' }),
  },
  {
    name: 'FastestDet',
    model: 'shared/models/FastestDet.onnx',
    samples: 'shared/data/coco',
    preprocess: image('bgr', 0, R),
  },
  {
    name: 'super_resolution_x3',
    model: 'shared/models/super_resolution_x3.onnx',
    samples: 'shared/data/coco',
    preprocess: { pixelFormat: 'gray', mean: [0], scale: [R] },
  },
  {
    name: 'deeplab_v3_257',
    model: 'shared/models/deeplab_v3_257.onnx',
    samples: 'shared/data/coco',
    preprocess: image('rgb', 127.5, 1 / 127.5, { channelFormat: 'nhwc' }),
  },
  {
    name: 'ch_PP-OCRv3_det',
    model: 'shared/models/ch_PP-OCRv3_det_infer.onnx',
    samples: 'shared/data/ocr/raw',
    inputShapes: [[1, 3, 640, 640]],
    preprocess: image('bgr', [123.675, 116.28, 103.53], [0.017, 0.0175, 0.0174]),
  },
  { name: 'kwt1', model: 'shared/models/kwt1.onnx', rows: 'shared/data/speech/kwt_mfcc_calib.npz', arrays: ['mfcc'] },
  {
    name: 'silero_vad_16k',
    model: 'shared/models/silero_vad_16k.onnx',
    rows: 'shared/data/audio/silero_vad_frames.npz',
    arrays: ['input', 'state'],
  },
  {
    name: 'basic_pitch',
    model: 'shared/models/basic_pitch.onnx',
    rows: 'shared/data/audio/basic_pitch_windows.npz',
    arrays: ['audio'],
    inputShapes: [[1, 43844, 1]],
  },
];
