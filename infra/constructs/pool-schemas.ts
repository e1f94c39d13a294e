import { Token } from 'aws-cdk-lib';
import * as z from 'zod';
import { AURORA_CAPACITY } from './created-mysql.ts';

/** A port that CloudFormation puts in, such as that of a cluster, is a token: nothing can be said of it at synth. */
const port = z
  .number()
  .refine(
    (value) => Token.isUnresolved(value) || (Number.isInteger(value) && value >= 1 && value <= 65_535),
    'expected a port from 1 to 65535',
  );

const existing = {
  kind: z.literal('existing'),
  host: z.string().min(1).optional(),
  port: port.optional(),
};

const createdRedis = {
  kind: z.literal('created'),
  engine: z.enum(['valkey', 'redis']).optional(),
  nodeType: z
    .string()
    .regex(/^cache\.\w+\.\w+$/, 'expected a type of node such as cache.t4g.micro')
    .optional(),
  replicas: z.int().min(0).max(5).optional(),
};

const capacity = (least: number) => z.number().min(least).max(256).multipleOf(0.5).optional();

const createdMysql = {
  kind: z.literal('created'),
  engine: z.enum(['mysql', 'aurora']).optional(),
  instanceType: z
    .string()
    .regex(/^(?!db\.)\w+\.\w+$/, 'expected a type such as t4g.micro, without db.')
    .optional(),
  storageGb: z.int().min(20).max(65_536).optional(),
  minCapacity: capacity(0),
  maxCapacity: capacity(1),
  maxConnections: z.int().positive().optional(),
};

interface CreatedMysqlSettings {
  readonly engine?: string;
  readonly instanceType?: string;
  readonly storageGb?: number;
  readonly minCapacity?: number;
  readonly maxCapacity?: number;
}

function checkEngine(pool: CreatedMysqlSettings, context: z.core.$RefinementCtx): void {
  const isAurora = pool.engine === 'aurora';
  const others = isAurora
    ? (['instanceType', 'storageGb'] as const)
    : (['minCapacity', 'maxCapacity'] as const);
  const [own, other] = isAurora ? ['aurora', 'mysql'] : ['mysql', 'aurora'];
  for (const name of others) {
    if (pool[name] === undefined) continue;
    context.addIssue({
      code: 'custom',
      path: [name],
      message: `is of engine ${other}, but this is ${own}`,
    });
  }
  const { minCapacity = AURORA_CAPACITY.min, maxCapacity = AURORA_CAPACITY.max } = pool;
  if (!isAurora || minCapacity <= maxCapacity) return;
  const message = `must not be above maxCapacity, which is ${maxCapacity}`;
  context.addIssue({ code: 'custom', path: ['minCapacity'], message });
}

/** How a caller gives what only CDK's constructs stand for: those themselves, or their ids. */
export interface AccessShapes<Access extends z.ZodRawShape, Client extends z.ZodType> {
  /** Secret and security group of an existing server. */
  readonly access: Access;
  /** A security group that may reach a created one. */
  readonly client: Client;
}

export function redisPoolSchema<Access extends z.ZodRawShape, Client extends z.ZodType>({
  access,
  client,
}: AccessShapes<Access, Client>) {
  const tls = z.boolean().optional();
  const isNoeviction = z.boolean().optional();
  return z.discriminatedUnion('kind', [
    z.strictObject({ ...existing, ...access, tls, isNoeviction }),
    z.strictObject({ ...createdRedis, clients: z.array(client).optional() }),
  ]);
}

export function mysqlPoolSchema<Access extends z.ZodRawShape, Client extends z.ZodType>({
  access,
  client,
}: AccessShapes<Access, Client>) {
  const tls = z.enum(['verify', 'skip-verify', 'preferred']).optional();
  const maxConnections = z.int().positive().optional();
  return z.discriminatedUnion('kind', [
    z.strictObject({ ...existing, ...access, tls, maxConnections }),
    z.strictObject({ ...createdMysql, clients: z.array(client).optional() }).superRefine(checkEngine),
  ]);
}
