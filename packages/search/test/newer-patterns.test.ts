import type { Graph, Op } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { newerPatternLayers, patternLine, patternLines } from '../src/index.ts';

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

/** Layers one behind the other: `a0:Conv<in a1:SiLU<a0`. */
const chain = (name: string, types: string): string =>
  types
    .split(' ')
    .map((type, at) => `${name}${at}:${type}<${at === 0 ? 'in' : `${name}${at - 1}`}`)
    .join(' ');

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

  it('YOLO26: the branches of boxes and confidences are float with their own group, what follows the heads with the shape layers', () => {
    const attention = chain(
      'z',
      'SiLU Slice Slice Conv Reshape Conv Reshape Conv Reshape Permute MatMul Conv MulConst Softmax Permute MatMul Reshape Add Conv Add Conv SiLU Conv Add',
    );
    const typical = chain(
      'y',
      'Slice Slice Conv Conv SiLU SiLU Conv SiLU Conv SiLU Add Conv SiLU Conv SiLU Add Concat Conv SiLU Concat',
    );
    const heads = `b1:Conv<fork b2:SiLU<b1 b3:Conv<b2 b4:Reshape<b3 c1:Conv<fork c2:SiLU<c1 c3:Conv<c2 c4:Reshape<c3
      box:Concat<b4 conf:Concat<c4 l:Slice<box r:Slice<box lo:Sub<l hi:Add<r corners:Concat<lo,hi
      scaled:Mul<corners sig:Sigmoid<conf out:Concat<scaled,sig`;
    const found = newerPatternLayers(
      networkOf(`in:Input x:Conv<in ${pyramid} ${attention} ${typical} fork:SiLU<cat ${heads}`),
    )!;
    expect(found.layers).toEqual(['b1', 'b2', 'b3', 'b4', 'c1', 'c2', 'c3', 'c4']);
    expect(found.shape).toEqual([
      'b3',
      'b4',
      'c3',
      'c4',
      'box',
      'conf',
      'l',
      'r',
      'lo',
      'hi',
      'corners',
      'scaled',
      'sig',
      'out',
    ]);
    const astray = networkOf(
      `in:Input x:Conv<in ${pyramid} ${attention} ${typical} n:Conv<cat s:SiLU<n h:Conv<s q:Reshape<h`,
    );
    expect(newerPatternLayers(astray)!.layers).toEqual([]);
  });

  it('OpenCLIP: three blocks, two norms; its rules name layers by type and neighbours', () => {
    const vision = chain(
      'v',
      'LayerNorm MatMul MatMul Reshape Permute MatMul Reshape Permute Reshape Permute Reshape Reshape Reshape Permute MatMul Softmax MatMul Reshape Permute Reshape MatMul Add LayerNorm MatMul MulConst Sigmoid Mul MatMul Add',
    );
    const text = chain(
      't',
      'LayerNorm MatMul MatMul Reshape Permute MatMul Reshape Permute Reshape Permute Reshape Reshape Reshape Permute MatMul Reshape Add Add Reshape Softmax MatMul Reshape Permute Reshape MatMul Add LayerNorm MatMul MulConst Sigmoid Mul MatMul Add',
    );
    const norm = (name: string, from: string): string =>
      `${name}1:Abs<${from} ${name}2:Mul<${name}1,${name}1 ${name}3:Reduce<${name}2 ${name}4:Sqrt<${name}3 ${name}5:Div<${from},${name}4`;
    const network = `in:Input ${vision} ${text} ${norm('n', 'v28')} ${norm('m', 't32')} p:Permute<m5 q:Permute<t0 last:MatMul<n5,p end:MulConst<last`;
    const found = newerPatternLayers(networkOf(network))!;
    expect(found.block.name).toBe('openclip_vision_block');
    expect(patternLines(found)).toHaveLength(3);
    const norms = ['n', 'm'].flatMap((name) => [`${name}1`, `${name}2`, `${name}3`, `${name}4`, `${name}5_inv`]);
    expect(found.layers).toEqual([
      'v15',
      't16',
      't17',
      't19',
      't27',
      't28',
      't29',
      't30',
      't31',
      ...norms,
      'p',
      'last',
      'end',
    ]);
    expect(newerPatternLayers(networkOf(network.replace('m4:Sqrt', 'm4:Exp')))).toBeUndefined();
  });

  it('nothing known, nothing said', () => {
    expect(newerPatternLayers(networkOf('in:Input a:Conv<in b:Relu<a'))).toBeUndefined();
  });
});
