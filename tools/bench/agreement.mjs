/** Throws unless two outputs agree: max |a-b| <= tolerance * max |b|. A speed of wrong results is worth nothing. */
export function requireAgreement(ours, theirs, tolerance, what) {
  let error = 0;
  let scale = 0;
  for (let i = 0; i < theirs.length; i++) {
    error = Math.max(error, Math.abs(ours[i] - theirs[i]));
    scale = Math.max(scale, Math.abs(theirs[i]));
  }
  if (ours.length !== theirs.length || !(error <= tolerance * scale)) {
    throw new Error(`${what}: outputs differ by ${error} where ${tolerance * scale} is allowed`);
  }
  return error / scale;
}
