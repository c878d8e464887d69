import type { Emit } from '@q/ir';

/** Modules of the original that write a line; users find its lines by them. */
export type LogSource =
  | 'xslim_setting'
  | 'xslim_pipeline'
  | 'onnx_graph_helper'
  | 'quantizer.xslim'
  | 'optimizer.refine'
  | 'optimizer.training'
  | 'analyse.graphwise';

/** A line of the original's log, typos included (spacemit.md 3.4), without the time that stands in front of it. */
export function logLine(emit: Emit, source: LogSource, text: string, level: 'INFO' | 'WARNING' = 'INFO'): void {
  emit({ type: 'line', text: `${`xslim.${source}`.padEnd(24)} | ${level.padEnd(8)} | ${text}` });
}
