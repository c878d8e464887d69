import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { testModel } from '../q-process.ts';

/** Pictures of detections that the manual looks at, and how many of the evaluation set lie beside them. */
const PICTURES = 8;

/** Puts the stand-ins of the manual beside its working folder. */
export function fillWorkspace(home: string): void {
  copyFileSync(testModel('objects-mobilenetv2/objects-mobilenetv2.onnx'), join(home, 'mobilenet_v2.onnx'));
  copyFileSync(testModel('scenes-yolov3-tiny/scenes-yolov3-tiny.onnx'), join(home, 'tiny-yolov3-11.onnx'));
  copyFileSync(testModel('scenes-yolov8/scenes-yolov8.onnx'), join(home, 'yolov5s.onnx'));
  unzipTo(testModel('objects-cnn/calibration.zip'), join(home, 'ILSVRC2012'));
  unzipTo(testModel('scenes-yolov3-tiny/calibration.zip'), join(home, 'COCO2017'));
  unzipTo(testModel('objects-cnn/evaluation.zip'), join(home, 'pictures'), PICTURES);
  unzipTo(testModel('scenes-yolov3-tiny/evaluation.zip'), join(home, 'scenes'), PICTURES);
  writeFileSync(join(home, 'synset_words.txt'), classNames().join('\n'));
  writeFileSync(join(home, 'categories.txt'), 'star\nmug\nfish\nhouse\ntree\nkey\nheart\narrow\n');
  writeFileSync(join(home, 'workspace', 'post_process_func.mjs'), POST_PROCESS);
}

const POST_PROCESS = 'export function PostProcess(data) {\n  return data;\n}\n';

function unzipTo(archive: string, folder: string, count = Number.POSITIVE_INFINITY): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(unzipSync(readFileSync(archive))).slice(0, count)) {
    writeFileSync(join(folder, name), bytes);
  }
}

/** By class, from the labels of the evaluation set. */
function classNames(): string[] {
  const names: string[] = [];
  for (const row of readFileSync(testModel('objects-cnn/labels.csv'), 'utf8').trim().split('\n').slice(1)) {
    const [, index, name] = row.trim().split(',');
    names[Number(index)] = name!;
  }
  return names;
}
