import { largestScores } from '@q/evaluate';
import { createSession } from '@q/runtime';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { Canvas, labelSize, textScale } from '../pictures/canvas.ts';
import { encodePicture } from '../pictures/encode-picture.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { declarePictureFlags, picturesOf, runOnPicture, withInputDims } from './detect.ts';
import { readCategories } from './evaluate-labels.ts';
import { readModel } from './evaluate-networks.ts';
import { declareInterpolationFlag, readInterpolation } from './interpolation-flag.ts';
import { declarePreprocessFlags } from './preprocess-flags.ts';

const SHOWN = 5;

function declare(parser: ArgumentParser): void {
  declarePictureFlags(parser, '--model', '--model_def');
  parser.add_argument('--output_names', {
    default: '',
    help: 'cut the network here: ONNX tensor names, separated by commas',
  });
  declarePreprocessFlags(parser);
  declareInterpolationFlag(parser);
  parser.set_defaults({ silent: false });
}

async function run(given: Arguments, terminal: Terminal): Promise<number> {
  const args = withInputDims(given);
  const pictures = await picturesOf(args);
  const graph = readModel(args, args.string('model'), terminal);
  const categories = readCategories(args);
  const interpolation = readInterpolation(args);
  const session = await createSession(graph);
  try {
    for (const picture of pictures) {
      const { image, outputs } = await runOnPicture(session, graph, { picture, interpolation });
      // The last output, as the vendor's sample takes it.
      const top = largestScores(probabilities(outputs.at(-1)!.data), SHOWN);
      const names = top.map(({ index }) => categories?.[index] ?? `class ${index}`);
      const lines = top.map(({ score }, rank) => `${names[rank]}:${(100 * score).toFixed(1)}%`);
      if (!args.flag('silent')) for (const line of lines) terminal.print(line);
      const canvas = new Canvas(image);
      drawList(canvas, args.flag('silent') ? names : lines);
      writeFileWhole(picture.output, await encodePicture(canvas, picture.output));
    }
  } finally {
    session.dispose();
  }
  return exitStatus.ok;
}

/** Scores that are no probabilities yet go through a softmax. */
function probabilities(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores);
  const sum = values.reduce((total, value) => total + value, 0);
  if (values.every((value) => value >= 0 && value <= 1) && Math.abs(sum - 1) < 0.02) return values;
  const largest = values.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
  const powers = values.map((value) => Math.exp(value - largest));
  const total = powers.reduce((all, value) => all + value, 0);
  return powers.map((value) => value / total);
}

function drawList(canvas: Canvas, lines: readonly string[]): void {
  const scale = textScale(canvas);
  const all = [`Top-${SHOWN}`, ...lines];
  const width = Math.max(...all.map((line) => [...line].length));
  for (const [index, line] of all.entries()) {
    canvas.label(line.padEnd(width), scale, scale + index * labelSize(line, scale).height, scale, [255, 255, 255]);
  }
}

export const classify: CommandBody = { declare, run };

/** The vendor's sample: no crop, mean and scale in the order of B, G, R, nothing printed. */
export const classifyMobilenetV2: CommandBody = {
  declare(parser) {
    declare(parser);
    parser.set_defaults({
      net_input_dims: '224,224',
      mean: '123.675,116.28,103.53',
      scale: '0.0171,0.0175,0.0174',
      silent: true,
    });
  },
  run,
};
