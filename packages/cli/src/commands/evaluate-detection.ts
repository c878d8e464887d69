import { type Interpolation, imagePlacement, type PreprocessSettings, preprocessSettings } from '@q/dataset';
import {
  type AnnotatedImage,
  type Annotations,
  averagePrecision,
  type DetectedImage,
  type Detection,
  type Head,
  type HeadName,
  type HeadOptions,
  heads,
  type NetworkOutput,
  type SelectionOptions,
  selectDetections,
} from '@q/evaluate';
import { type Graph, inputsOf, nearest, QError, typeOf } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import type { EvaluationTask, Figure } from './evaluate-task.ts';

/** How detections are made of a network's outputs. */
export interface DetectorSettings {
  readonly head: Head;
  readonly anchors?: HeadOptions['anchors'];
  readonly selection: SelectionOptions;
  /** Whether boxes are cut at the borders of the picture. */
  readonly isClipped: boolean;
}

/** The flags of the head's layout, the same in `evaluate` and `detect`; the thresholds differ. */
export function declareHeadFlags(parser: ArgumentParser, scoreThreshold: number, iouThreshold: number): void {
  const group = parser.add_argument_group('detector', 'how boxes are read from the outputs');
  group.add_argument('--head', {
    default: 'yolov5',
    help: `layout of the outputs: ${Object.keys(heads).join(', ')} (default: yolov5: decoded rows, or raw maps)`,
  });
  group.add_argument('--anchors', {
    default: '',
    help: 'widths and heights in pixels by rising size: 10,14,23,27,… (default: the published ones)',
  });
  group.add_argument('--score_thres', {
    type: 'float',
    default: scoreThreshold,
    help: `least score (default: ${scoreThreshold})`,
  });
  group.add_argument('--iou_thres', {
    type: 'float',
    default: iouThreshold,
    help: `overlap above which the weaker box of a class goes (default: ${iouThreshold})`,
  });
  group.add_argument('--best_class', {
    action: 'store_true',
    help: 'a box is of its best class only, not of every class above --score_thres',
  });
  group.add_argument('--unclipped', {
    action: 'store_true',
    help: 'boxes may reach beyond the picture (some published figures leave them so)',
  });
  group.add_argument('--max_detections', { type: 'int', default: 100, help: 'boxes kept per image (default: 100)' });
}

const isFraction = (value: number): boolean => value >= 0 && value <= 1;

/** @throws QError `cli.bad-flag-value` */
export function readDetectorSettings(args: Arguments): DetectorSettings {
  const anchors = args.numbers('anchors');
  if (anchors !== undefined && (anchors.length % 2 !== 0 || anchors.some((size) => size <= 0))) {
    throw new QError(`--anchors has ${anchors.length} numbers; pairs of width and height are expected`, {
      code: 'cli.bad-flag-value',
      where: '--anchors',
      found: anchors.join(','),
      expected: 'an even number of positive sizes',
    });
  }
  const pairs = anchors?.flatMap((width, i) => (i % 2 === 0 ? [[width, anchors[i + 1]!] as const] : []));
  return {
    head: headNamed(args.string('head')),
    anchors: pairs,
    isClipped: !args.flag('unclipped'),
    selection: {
      scoreThreshold: args.real('score_thres', isFraction, 'a number from 0 to 1'),
      iouThreshold: args.real('iou_thres', isFraction, 'a number from 0 to 1'),
      maxDetections: args.integer('max_detections', 1),
      isMultiLabel: !args.flag('best_class'),
    },
  };
}

function headNamed(word: string): Head {
  if (Object.hasOwn(heads, word)) return heads[word as HeadName];
  const suggestion = nearest(word, Object.keys(heads));
  throw new QError(`--head ${word} is not known`, {
    code: 'cli.bad-flag-value',
    where: '--head',
    found: word,
    expected: Object.keys(heads).join(', '),
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}

/** How the network's only image input is prepared. */
export function imageSettingsOf(network: Graph, interpolation?: Interpolation): PreprocessSettings {
  const [input] = inputsOf(network);
  return preprocessSettings(input!, typeOf(network, input!.name)!, interpolation);
}

/** Detections of one image, in its own pixels. */
export function detect(
  outputs: readonly NetworkOutput[],
  { head, anchors, selection, isClipped }: DetectorSettings,
  { settings, width, height }: { settings: PreprocessSettings; width: number; height: number },
): Detection[] {
  const candidates = head(outputs, { height: settings.height, width: settings.width, anchors });
  const { scaleX, scaleY, offsetX, offsetY } = imagePlacement(settings, width, height);
  const within = (value: number, limit: number): number => (isClipped ? Math.min(Math.max(value, 0), limit) : value);
  return selectDetections(candidates, selection).map((box) => ({
    ...box,
    x0: within((box.x0 - offsetX) / scaleX, width),
    y0: within((box.y0 - offsetY) / scaleY, height),
    x1: within((box.x1 - offsetX) / scaleX, width),
    y1: within((box.y1 - offsetY) / scaleY, height),
  }));
}

export interface DetectionRequest {
  readonly annotations: Annotations;
  /** Annotations of each sample. */
  readonly images: readonly AnnotatedImage[];
  readonly detector: DetectorSettings;
  readonly preprocess: PreprocessSettings;
  readonly where: string;
}

/** COCO's average precisions. */
export function detectionTask({ annotations, images, detector, preprocess, where }: DetectionRequest): EvaluationTask {
  return {
    harness: 'yolo',
    counter() {
      const found: DetectedImage[] = [];
      return {
        add(sample, outputs) {
          const image = images[sample]!;
          if (found.length === 0) checkCategories(outputs, { annotations, detector, preprocess, where });
          const detections = detect(outputs, detector, {
            settings: preprocess,
            width: image.width,
            height: image.height,
          });
          found.push({ detections, truths: image.truths });
        },
        result: () => figuresOf(found),
      };
    },
  };
}

function figuresOf(found: readonly DetectedImage[]): Figure[] {
  const { ap, ap50, ap75, apSmall, apMedium, apLarge } = averagePrecision(found);
  const figures = { AP: ap, AP50: ap50, AP75: ap75, APs: apSmall, APm: apMedium, APl: apLarge };
  return Object.entries(figures).map(([name, value]) => ({ name, value, unit: 'fraction' as const }));
}

function checkCategories(
  outputs: readonly NetworkOutput[],
  { annotations, detector, preprocess, where }: Omit<DetectionRequest, 'images'>,
): void {
  const { classes } = detector.head(outputs, { ...preprocess, anchors: detector.anchors });
  if (classes === annotations.categories.length) return;
  throw new QError(`The detector has ${classes} classes, ${where} has ${annotations.categories.length}`, {
    code: 'cli.class-count',
    where,
    found: `${annotations.categories.length} categories`,
    expected: `${classes}, as many as the outputs have`,
    hint: 'annotations of another network, or another --head or --anchors',
  });
}
