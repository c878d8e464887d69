import { decodeImage, memorySource, openDataset } from '@q/dataset';
import { writeNpy } from '@q/ir';
import { same } from './expect.mjs';
import { sample, tinyNetwork } from './tiny-network.mjs';

// 8x8 pixels of one colour, R 200 G 100 B 50.
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGM8kWLEgA0wYRUdtBIAFmEBbiBAe9oAAAAASUVORK5CYII=';
const jpeg =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAAIAAgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAH/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFAEBAAAAAAAAAAAAAAAAAAAABP/EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AIAGe//Z';

/** @param {string} base64 */
const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

export default async function probe() {
  const npy = writeNpy({ shape: [1, 1, 2, 2], dtype: 'f32', data: sample });
  const source = memorySource(new Map([['a.npy', npy]]));
  const dataset = await openDataset({ source, graph: tinyNetwork() });
  same('samples', dataset.length, 1);
  same('the sample', [...((await dataset.sample(0)).get('x') ?? [])], [...sample]);

  const { width, height, data } = await decodeImage(bytes(png), 'bgr', 'a.png');
  same('the PNG', [width, height, ...data.subarray(0, 3)], [8, 8, 50, 100, 200]);
  const photo = await decodeImage(bytes(jpeg), 'bgr', 'a.jpg');
  if (Math.abs((photo.data[2] ?? 0) - 200) > 12) throw new Error(`the JPEG's red is ${photo.data[2]}`);
}
