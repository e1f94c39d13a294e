import { Redis } from 'ioredis';
import type { LoadedFixture } from './load-fixture.ts';

/** Adds entries that are not BeeORM events to a stream of the Redis pool `default`. */
export async function addGarbage(fixture: LoadedFixture, stream: string, count: number): Promise<void> {
  const { host, port, database } = fixture.redis('default');
  const redis = new Redis({ host, port, db: database });
  const pipeline = redis.pipeline();
  for (let index = 0; index < count; index++) pipeline.xadd(stream, '*', 's', 'garbage');
  await pipeline.exec();
  redis.disconnect();
}
