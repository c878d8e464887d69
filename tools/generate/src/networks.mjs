import { buildDeitTiny } from './networks/deit-tiny.mjs';
import { buildMobileNetV2 } from './networks/mobilenet-v2.mjs';
import { buildResNet18, buildResNet50 } from './networks/resnet.mjs';
import { buildYolov3Tiny } from './networks/yolov3-tiny.mjs';
import { buildYolov5s } from './networks/yolov5s.mjs';

const imageNet = { mean: [123.675, 116.28, 103.53], scale: [0.0171, 0.0175, 0.0174] };
const unit = { mean: [0, 0, 0], scale: [0.0039216, 0.0039216, 0.0039216] };

/** What can be generated: how it is built, the size of its images and how they are fed (RGB). */
export const networks = {
  mobilenetv2: { build: buildMobileNetV2, size: [224, 224], preprocess: imageNet },
  resnet18: { build: buildResNet18, size: [224, 224], preprocess: imageNet },
  resnet50: { build: buildResNet50, size: [224, 224], preprocess: imageNet },
  'deit-tiny': { build: buildDeitTiny, size: [224, 224], preprocess: imageNet },
  'yolov3-tiny': { build: buildYolov3Tiny, size: [416, 416], preprocess: unit },
  yolov5s: { build: buildYolov5s, size: [640, 640], preprocess: unit },
};
