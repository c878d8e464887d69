import type { OpBench, Session } from '@q/runtime';
import { candidateOf, type Scan } from './scan.ts';

const SUMS = 6;
const SQUARED_DIFFERENCE = 3;
const MAGNITUDE = 4;

/**
 * Distance of every candidate of every scan on the sample that `session` (which retains all values) has just run: the L2
 * norm of the difference of the op's result, over the L1 norm of the float result (calibration.md 7.4).
 */
export function measureScans(session: Session, scans: readonly Scan[], onOp: (opName: string) => void): Float64Array[] {
  const sums = session.allocate(SUMS * 8);
  let bench: OpBench | undefined;
  try {
    return scans.map((scan) => {
      if (bench?.op.name !== scan.evaluated) {
        bench?.dispose();
        bench = session.openOp(scan.evaluated);
        onOp(scan.evaluated);
      }
      const used = bench;
      return Float64Array.from({ length: scan.steps + 1 }, (_, i) =>
        distance(session, used, scan, candidateOf(scan, i), sums),
      );
    });
  } finally {
    bench?.dispose();
    session.release(sums);
  }
}

function distance(session: Session, bench: OpBench, scan: Scan, threshold: number, sums: number): number {
  const { exports, memory } = session.kernels;
  const factor = Math.fround(127 / threshold);
  for (const input of scan.inputs) {
    const slot = session.slot(input);
    exports.fakequant_symmetric(slot.ptr, bench.slot(input).ptr, slot.length, factor);
  }
  bench.run();
  const reference = session.slot(scan.result);
  new Float64Array(memory.buffer, sums, SUMS).fill(0);
  exports.metrics_pair(reference.ptr, bench.slot(scan.result).ptr, reference.length, sums);
  const result = new Float64Array(memory.buffer, sums, SUMS);
  return Math.sqrt(result[SQUARED_DIFFERENCE]!) / result[MAGNITUDE]!;
}
