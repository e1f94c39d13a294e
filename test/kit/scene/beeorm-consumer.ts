import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { decodeLazyEvent } from '../../oracle/wire.ts';
import { GROUP, LAZY, LOCK_KEY, type Scene } from './scene.ts';

const LOCK_TTL_SECONDS = 90;

/** What BeeORM's consumer does to Redis, command by command, with the moments at which it may be killed as methods. */
export class BeeOrmConsumer {
  readonly #scene: Scene;
  readonly #redis: Redis;
  readonly #lockValue = randomBytes(16).toString('base64');

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#redis = scene.redis;
  }

  /** Makes the group where it is missing, as BeeORM does before it reads. */
  async createGroup(stream = LAZY): Promise<void> {
    await this.#redis.xgroup('CREATE', stream, GROUP, '0', 'MKSTREAM').catch((error: unknown) => {
      if (!String(error).includes('BUSYGROUP')) throw error;
    });
  }

  /** `false` where somebody holds the lock. */
  async takeLock(): Promise<boolean> {
    const reply = await this.#redis.set(LOCK_KEY, this.#lockValue, 'EX', LOCK_TTL_SECONDS, 'NX');
    return reply === 'OK';
  }

  /** What is pending for it (`0`), or what is new (`>`): ids and bodies. */
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

  /** Executes an entry without a ledger: a second time does it twice. */
  async execute(body: Buffer): Promise<void> {
    for (const { sql } of decodeLazyEvent(body).statements) await this.#scene.query(sql);
  }

  async acknowledge(id: string, stream = LAZY): Promise<void> {
    await this.#redis.xack(stream, GROUP, id);
  }

  /** Only its own lock, as the script of its library does. */
  async releaseLock(): Promise<void> {
    if ((await this.#redis.get(LOCK_KEY)) === this.#lockValue) await this.#redis.del(LOCK_KEY);
  }

  /** A whole run: `false` where the lock is held. What is pending first, then what is new. */
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
