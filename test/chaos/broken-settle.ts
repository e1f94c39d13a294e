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
  await applyEffects(redis, settlement);
  await redis.xack(settlement.stream, settlement.group, settlement.id);
}

/** Acknowledges before the effects, so that effects that Redis refuses are lost: a repetition finds the entry acknowledged. */
export async function settleAckFirst(
  redis: Redis,
  settlements: readonly Settlement[],
): Promise<SettlementResult[]> {
  const results: SettlementResult[] = [];
  for (const settlement of settlements) {
    const acknowledged = await redis.xack(settlement.stream, settlement.group, settlement.id);
    if (acknowledged === 1) await applyEffects(redis, settlement);
    results.push({ kind: acknowledged === 1 ? 'settled' : 'already' });
  }
  return results;
}

async function applyEffects(redis: Redis, settlement: Settlement): Promise<void> {
  const { stream, id, cacheKeys, publications, deadLetter } = settlement;
  for (const publication of publications) await redis.xadd(publication.stream, '*', 's', publication.body);
  if (deadLetter !== undefined) {
    const [entry] = await redis.xrangeBuffer(stream, id, id);
    const original = (entry?.[1] ?? []).map((text, index) =>
      index % 2 === 0 ? `original.${text.toString()}` : text,
    );
    await redis.xadd(deadLetter.stream, '*', ...deadLetter.fields.flat(), ...original);
  }
  for (const key of cacheKeys) await redis.unlink(key);
}
