import type { Redis } from 'ioredis';
import { WriteScript } from './refusable-writes.ts';

/** Begins with DEL of the absent key, which needs no memory, so that Redis accepts the rest even if it is full. */
const SET_IF_ABSENT = new WriteScript(`
local key, value, ttl = ARGV[1], ARGV[2], ARGV[3]
if attempt(key, 'GET', key) then return 0 end
attempt(key, 'DEL', key)
if ttl then attempt(key, 'SET', key, value, 'PX', ttl) else attempt(key, 'SET', key, value) end
return 1
`);

/** Sets a key unless it exists, also in a Redis that is full. Returns whether it was set. */
export async function setIfAbsent(
  redis: Redis,
  key: string,
  value: string,
  ttlMs?: number,
): Promise<boolean> {
  return (await SET_IF_ABSENT.run(redis, [key, value, ...(ttlMs === undefined ? [] : [ttlMs])])) === 1;
}
