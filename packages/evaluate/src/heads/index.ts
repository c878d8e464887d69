import { fastestdet, nanodet, yolov8, yolox } from './anchor-free.ts';
import { yolov3, yolov5 } from './anchor-maps.ts';
import type { Head } from './head.ts';

/** Layouts of detector outputs that can be read, by name. */
export const heads = { yolov3, yolov5, yolov8, yolox, nanodet, fastestdet } as const satisfies Record<string, Head>;

export type HeadName = keyof typeof heads;
