import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { decodeLazyEvent } from '../../oracle/wire.ts';
import { GROUP, LAZY, LOCK_KEY, type Scene } from './scene.ts';

const LOCK_TTL_SECONDS = 90;

/** Sends the Redis commands of BeeORM's own consumer, one method per step, so that a test can stop after any step. */
export class BeeOrmConsumer {
  readonly #scene: Scene;
  readonly #redis: Redis;
  readonly #lockValue = randomBytes(16).toString('base64');

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#redis = scene.redis;
  }

  /** Creates the group if it is missing, as BeeORM does before it reads. */
  async createGroup(stream = LAZY): Promise<void> {
    await this.#redis.xgroup('CREATE', stream, GROUP, '0', 'MKSTREAM').catch((error: unknown) => {
      if (!String(error).includes('BUSYGROUP')) throw error;
    });
  }

  /** Returns false if another consumer holds the lock. */
  async takeLock(): Promise<boolean> {
    const reply = await this.#redis.set(LOCK_KEY, this.#lockValue, 'EX', LOCK_TTL_SECONDS, 'NX');
    return reply === 'OK';
  }

  /** Reads pending (`0`) or new (`>`) entries: their ids and bodies. */
  async read(from: '0' | '>', count = 500, stream = LAZY): Promise<{ id: string; body: Buffer }[]> {
    const reply: unknown = await this.#redis.xreadgroupBuffer(
      ...(['GROUP', GROUP, 'consumer-1', 'COUNT', count, 'STREAMS', stream, from] as const),
    );
    const [[, entries] = []] = listOf(reply).map(listOf);
    return listOf(entries).map((entry) => {
      const [id, fields] = listOf(entry);
      const [, body] = listOf(fields);
      return { id: String(id), body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) };
    });
  }

  /** Executes an entry without a ledger, so a second execution repeats its effects. */
  async execute(body: Buffer): Promise<void> {
    for (const { sql } of decodeLazyEvent(body).statements) await this.#scene.query(sql);
  }

  async acknowledge(id: string, stream = LAZY): Promise<void> {
    await this.#redis.xack(stream, GROUP, id);
  }

  /** Releases only its own lock, as the script of BeeORM's lock library does. */
  async releaseLock(): Promise<void> {
    if ((await this.#redis.get(LOCK_KEY)) === this.#lockValue) await this.#redis.del(LOCK_KEY);
  }

  /** A complete run: pending entries first, then new ones. Returns false if another consumer holds the lock. */
  async run(): Promise<boolean> {
    if (!(await this.takeLock())) return false;
    await this.createGroup();
    for (const from of ['0', '>'] as const) {
      for (let entries = await this.read(from); entries.length > 0; entries = await this.read(from)) {
        for (const { id, body } of entries) {
          await this.execute(body);
          await this.acknowledge(id);
        }
      }
    }
    await this.releaseLock();
    return true;
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
