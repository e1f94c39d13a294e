import type { Redis } from 'ioredis';
import type { Settlement, SettlementResult } from '../../functions/poller/redis/settle-script.ts';

/** Settles in several steps instead of atomically, and ignores whether XACK acknowledged anything. */
export async function brokenSettle(
  redis: Redis,
  settlements: readonly Settlement[],
): Promise<SettlementResult[]> {
  for (const settlement of settlements) await settleStepByStep(redis, settlement);
  return settlements.map(() => ({ kind: 'settled' }));
}

async function settleStepByStep(redis: Redis, settlement: Settlement): Promise<void> {
  const { stream, group, id, cacheKeys, publications, deadLetter } = settlement;
  for (const publication of publications) await redis.xadd(publication.stream, '*', 's', publication.body);
  if (deadLetter !== undefined) {
    const [entry] = await redis.xrangeBuffer(stream, id, id);
    const original = (entry?.[1] ?? []).map((text, index) =>
      index % 2 === 0 ? `original.${text.toString()}` : text,
    );
    await redis.xadd(deadLetter.stream, '*', ...deadLetter.fields.flat(), ...original);
  }
  for (const key of cacheKeys) await redis.unlink(key);
  await redis.xack(stream, group, id);
}
