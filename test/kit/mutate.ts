import type { Random } from './generate/random.ts';

/** Corrupts the bytes: changes, removes, inserts, truncates or repeats some, or replaces all of them. */
export function mutate(random: Random, bytes: Buffer): Buffer {
  const at = random.integer(0, Math.max(0, bytes.length - 1));
  switch (random.integer(0, 6)) {
    case 0:
      return flip(random, bytes, 1);
    case 1:
      return flip(random, bytes, random.integer(2, 8));
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), garbage(random, 4), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(1, 4))]);
    case 5:
      return garbage(random, 64);
    default:
      return Buffer.concat([bytes, bytes.subarray(at)]);
  }
}

function flip(random: Random, bytes: Buffer, times: number): Buffer {
  const flipped = Buffer.from(bytes);
  for (let time = 0; time < times && flipped.length > 0; time++)
    flipped[random.integer(0, flipped.length - 1)] = random.integer(0, 255);
  return flipped;
}

function garbage(random: Random, maxLength: number): Buffer {
  return Buffer.from(Array.from({ length: random.integer(0, maxLength) }, () => random.integer(0, 255)));
}
