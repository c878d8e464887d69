const FLOATS = new Set(['f32', 'f64', 'f16', 'bf16']);

/** Relative and absolute tolerance per element type; ONNX's backend test compares with 1e-3 and 1e-7. */
const TOLERANCES = {
  // One step of a half float is 1/1024 of its value, one of a bfloat16 1/128.
  f16: { relative: 2e-3, absolute: 1e-3 },
  bf16: { relative: 1.6e-2, absolute: 1e-2 },
  f32: { relative: 1e-3, absolute: 1e-7 },
  f64: { relative: 1e-3, absolute: 1e-7 },
};

/**
 * What differs between a result (float32 storage) and the expected tensor; undefined when they agree. Integers and booleans
 * must be equal, floats within the tolerance of their type; NaN equals NaN, infinities themselves.
 */
export function difference(name, result, shape, expected) {
  if (!sameShape(shape, expected.shape)) return `${name}: shape [${shape}], expected [${expected.shape}]`;
  const values = Array.from(expected.data, Number);
  if (result.length !== values.length) return `${name}: ${result.length} elements, expected ${values.length}`;
  const isFloat = FLOATS.has(expected.elementType);
  const tolerance = TOLERANCES[expected.elementType];
  let wrong = 0;
  let first;
  for (let i = 0; i < values.length; i++) {
    const agrees = isFloat ? isClose(result[i], values[i], tolerance) : result[i] === values[i];
    if (agrees) continue;
    first ??= `[${i}] is ${result[i]}, expected ${values[i]}`;
    wrong++;
  }
  return wrong === 0
    ? undefined
    : `${name}: ${wrong} of ${values.length} ${expected.elementType} elements differ, ${first}`;
}

/** Top has no rank 0: a scalar is a tensor of one element. */
function sameShape(shape, expected) {
  const wanted = expected.length === 0 ? [1] : expected;
  return shape.length === wanted.length && shape.every((dim, axis) => dim === wanted[axis]);
}

function isClose(a, b, { relative, absolute }) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return true;
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Math.fround(b) === a;
  return Math.abs(a - b) <= absolute + relative * Math.abs(b);
}
