import type { Graph, Op } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { newerPatternLayers, patternLine } from '../src/index.ts';

/** `name:Type<input,input` per layer, in program order. */
function networkOf(text: string): Graph {
  const ops = text
    .trim()
    .split(/\s+/)
    .map((word) => {
      const [, name, type, inputs = ''] = /^([^:]+):(\w+)(?:<(.*))?$/.exec(word)!;
      return {
        name,
        type: `top.${type}`,
        inputs: inputs.split(',').filter((input) => input !== ''),
        outputs: [name],
        attributes: {},
      };
    });
  // Only names, types and edges matter here.
  return {
    name: 'n',
    ops: ops as unknown as readonly Op[],
    outputs: [ops.at(-1)!.name],
    values: new Map(),
  } as unknown as Graph;
}

const pyramid = 'p1:MaxPool<x p2:MaxPool<p1 p3:MaxPool<p2 cat:Concat<x,p1,p2,p3';

describe('patterns of 2026', () => {
  it('YOLO: the last Conv of each head and what follows are float, Convs before them are not', () => {
    const found = newerPatternLayers(
      networkOf(`in:Input x:Conv<in ${pyramid} n:Conv<cat s:SiLU<n h:Conv<s r:Reshape<h k:Conv<cat t:SiLU<k g:Conv<t
        all:Concat<r,g sig:Sigmoid<all`),
    )!;
    expect(found.layers).toEqual(['h', 'r', 'g', 'all', 'sig']);
    expect(patternLine(found.block)).toBe(
      "['top.MaxPool', 'top.MaxPool', 'top.MaxPool', 'top.Concat'] (Name: yolo_block) is a subset of the main list. Count: 1",
    );
  });

  it('a Concat that a Conv reads ends no head', () => {
    const found = newerPatternLayers(
      networkOf(`in:Input x:Conv<in ${pyramid} n:Conv<cat s:SiLU<n h:Conv<s r:Concat<h,s z:Conv<r`),
    )!;
    expect(found.layers).toEqual([]);
  });

  it('ViT: Adds in front of LayerNorm are float, GELU is not', () => {
    const block = `a:Add<in,in ln:LayerNorm<a q:MatMul<ln r:Reshape<q s1:Slice<r s2:Slice<r s3:Slice<r e1:Squeeze<s1 e2:Squeeze<s2
      e3:Squeeze<s3 t:Permute<e1 mc:MulConst<t t2:Permute<e2 t3:Permute<e3 m2:MatMul<mc,t2 sm:Softmax<m2 t4:Permute<t3 m3:MatMul<sm,t4
      t5:Permute<m3 r2:Reshape<t5 o:MatMul<r2 a2:Add<a,o ln2:LayerNorm<a2 f:MatMul<ln2 g:GELU<f f2:MatMul<g`;
    const found = newerPatternLayers(networkOf(`in:Input ${block}`));
    expect(found?.block.name).toBe('vit_block');
    expect(found?.layers).toEqual(['a', 'a2']);
  });

  it('nothing known, nothing said', () => {
    expect(newerPatternLayers(networkOf('in:Input a:Conv<in b:Relu<a'))).toBeUndefined();
  });
});
