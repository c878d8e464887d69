import { basename, join } from 'node:path';
import { decodeImage, type Interpolation, pixelModeOf, preprocessImage } from '@q/dataset';
import type { Detection } from '@q/evaluate';
import { type Graph, inputsOf, QError } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { folderSource } from '../files/folder-source.ts';
import { kindOfPath, readInputFile } from '../files/input-files.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { Canvas, colourOf, labelSize, textScale } from '../pictures/canvas.ts';
import { checkPictureName, encodePicture } from '../pictures/encode-picture.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { cocoCategories } from './detect-categories.ts';
import { declareHeadFlags, detect as detectIn, imageSettingsOf, readDetectorSettings } from './evaluate-detection.ts';
import { readCategories } from './evaluate-labels.ts';
import { readModel } from './evaluate-networks.ts';
import { runOnce } from './evaluate-run.ts';
import { declareInterpolationFlag, readInterpolation } from './interpolation-flag.ts';
import { declarePreprocessFlags } from './preprocess-flags.ts';

function declare(parser: ArgumentParser): void {
  declarePictureFlags(parser, '--model');
  parser.add_argument('--output_names', {
    default: '',
    help: 'cut the network here: ONNX tensor names, separated by commas',
  });
  declareHeadFlags(parser, 0.56, 0.5);
  declarePreprocessFlags(parser);
  declareInterpolationFlag(parser);
  parser.set_defaults({ head: 'yolov3' });
}

/** The flags that `detect` and `classify` share with the vendor's samples. */
export function declarePictureFlags(parser: ArgumentParser, ...modelFlags: [string, ...string[]]): void {
  const [first, ...more] = modelFlags;
  parser.add_argument(first, ...more, {
    required: true,
    dest: 'model',
    help: '.onnx, Top or lowered .mlir, Caffe .prototxt',
  });
  parser.add_argument('--model_data', { default: '', help: 'the .caffemodel of a .prototxt' });
  parser.add_argument('--input', { required: true, help: 'picture, or folder of pictures' });
  parser.add_argument('--output', { required: true, help: 'picture to write (.png, .jpg), or a folder for a folder' });
  parser.add_argument('--category_file', { default: '', help: 'class names, one per line' });
  parser.add_argument('--input_shapes', { default: '[]', help: 'one shape per input, e.g. [[1,3,416,416]]' });
  parser.add_argument('--net_input_dims', {
    default: '',
    help: 'h,w of the network input, where the model leaves them open',
  });
}

/** `--net_input_dims` is another way to say `--input_shapes`. */
export function withInputDims(args: Arguments): Arguments {
  const dims = args.numbers('net_input_dims');
  if (dims === undefined || args.shapes('input_shapes') !== undefined) return args;
  const channels = args.string('pixel_format') === 'gray' ? 1 : 3;
  return args.with('input_shapes', JSON.stringify([[1, channels, ...dims]]));
}

export interface Picture {
  readonly name: string;
  readonly output: string;
  read(): Promise<Uint8Array>;
}

/** One picture, or those of a folder in order of name; `<name>_res` of a folder, as the vendor's sample calls them. */
export async function picturesOf(args: Arguments): Promise<Picture[]> {
  const [input, output] = [args.string('input'), args.string('output')];
  if (kindOfPath(input, '--input') === 'file') {
    checkPictureName(output);
    return [{ name: basename(input), output, read: async () => readInputFile(input, '--input') }];
  }
  const source = folderSource(input);
  const names = (await source.list()).filter((name) => /\.(jpe?g|png|bmp)$/i.test(name)).sort();
  if (names.length === 0) {
    throw new QError(`${input} holds no pictures`, {
      code: 'dataset.empty',
      where: input,
      expected: '.jpg, .png or .bmp files',
    });
  }
  return names.map((name) => ({
    name,
    output: join(
      output,
      name.replace(/(\.[^.]*)?$/, (extension) => `_res${/bmp$/i.test(extension) ? '.png' : extension}`),
    ),
    read: () => source.read(name),
  }));
}

/** Decodes a picture and runs the network on it. */
export async function runOnPicture(
  session: Session,
  graph: Graph,
  { picture, interpolation }: { picture: Picture; interpolation: Interpolation },
) {
  const settings = imageSettingsOf(graph, interpolation);
  const bytes = await picture.read();
  const fed = await decodeImage(bytes, pixelModeOf(settings), picture.name);
  const feeds = new Map([[inputsOf(graph)[0]!.name, preprocessImage(fed, settings, picture.name)]]);
  const image = settings.channels === 3 ? fed : await decodeImage(bytes, 'bgr', picture.name);
  return { image, settings, outputs: runOnce(session, graph, feeds) };
}

async function run(given: Arguments, terminal: Terminal): Promise<number> {
  const args = withInputDims(given);
  const pictures = await picturesOf(args);
  const detector = readDetectorSettings(args);
  const interpolation = readInterpolation(args);
  const path = args.string('model');
  const graph = readModel(args, path, terminal);
  const categories = readCategories(args);
  const session = await createSession(graph);
  const lines: string[] = [];
  try {
    for (const picture of pictures) {
      const { image, settings, outputs } = await runOnPicture(session, graph, { picture, interpolation });
      const found = detectIn(outputs, detector, { settings, width: image.width, height: image.height });
      // By class, then by score: the order of the vendor's sample.
      const boxes = found.toSorted((a, b) => a.category - b.category || b.score - a.score);
      const texts = boxes.map((box) => `${nameOf(box.category, categories)}:${(100 * box.score).toFixed(1)}%`);
      for (const text of texts) terminal.print(text);
      lines.push(`${picture.name}: ${texts.join(', ')}`);
      if (boxes.length === 0) {
        terminal.print('No object was detected');
        continue;
      }
      const canvas = new Canvas(image);
      drawBoxes(canvas, boxes, texts);
      writeFileWhole(picture.output, await encodePicture(canvas, picture.output));
    }
  } finally {
    session.dispose();
  }
  if (args.flag('image_dir_result')) writeFileWhole(`${basename(path)}_image_dir_result`, `${lines.join('\n')}\n`);
  return exitStatus.ok;
}

function nameOf(category: number, categories: readonly string[] | undefined): string {
  return (categories ?? cocoCategories)[category] ?? `class ${category}`;
}

function drawBoxes(canvas: Canvas, boxes: readonly Detection[], texts: readonly string[]): void {
  const scale = textScale(canvas);
  for (const [index, box] of boxes.entries()) {
    const colour = colourOf(box.category);
    const [x0, y0, x1, y1] = [box.x0, box.y0, box.x1, box.y1].map((edge) => edge * canvas.zoom) as [
      number,
      number,
      number,
      number,
    ];
    canvas.frame({ x0, y0, x1, y1 }, 2 * scale, colour);
    canvas.label(texts[index]!, x0, y0 - labelSize(texts[index]!, scale).height, scale, colour);
  }
}

export const detect: CommandBody = { declare, run };

/** The vendor's sample: yolov3's head, RGB in 0..1, Pillow's bicubic letterbox on grey 128, and a text file of what was found. */
export const detectYolov3: CommandBody = {
  declare(parser) {
    declare(parser);
    parser.add_argument('--conf_thres', { type: 'float', default: 0.001, help: 'without effect, as in the original' });
    parser.set_defaults({
      net_input_dims: '416,416',
      pixel_format: 'rgb',
      scale: '0.0039215686,0.0039215686,0.0039215686',
      keep_aspect_ratio: true,
      pad_value: 128,
      interpolation: 'pil_bicubic',
      image_dir_result: true,
    });
  },
  run,
};
