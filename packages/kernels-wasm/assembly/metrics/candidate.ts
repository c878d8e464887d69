import { affineStep, symmetricStep } from '../fakequant/steps';

/** What a reference vector is compared with. `p`, `q`, `lo` and `hi` are the parameters of a fake quantization. */
export abstract class Candidate {
  abstract of(reference: v128, stored: v128, p: v128, q: v128, lo: v128, hi: v128): v128;
  /** Whether there is a second tensor in memory. */
  abstract isStored(): bool;
}

@final
export class Stored extends Candidate {
  @inline of(reference: v128, stored: v128, p: v128, q: v128, lo: v128, hi: v128): v128 { return stored; }
  @inline isStored(): bool { return true; }
}

/** p: factor. */
@final
export class Symmetric extends Candidate {
  @inline of(reference: v128, stored: v128, p: v128, q: v128, lo: v128, hi: v128): v128 {
    return symmetricStep(reference, p, lo, hi);
  }
  @inline isStored(): bool { return false; }
}

/** p: scale, q: zero point; ties to even. */
@final
export class AffineEven extends Candidate {
  @inline of(reference: v128, stored: v128, p: v128, q: v128, lo: v128, hi: v128): v128 {
    return affineStep(reference, p, q, lo, hi, false);
  }
  @inline isStored(): bool { return false; }
}

/** The same with ties away from zero. */
@final
export class AffineAway extends Candidate {
  @inline of(reference: v128, stored: v128, p: v128, q: v128, lo: v128, hi: v128): v128 {
    return affineStep(reference, p, q, lo, hi, true);
  }
  @inline isStored(): bool { return false; }
}
