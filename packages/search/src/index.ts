export { type FloatBlock, type FloatForward, type FloatForwardRequest, floatForward } from './float-forward.ts';
