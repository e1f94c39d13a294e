import { Token } from 'aws-cdk-lib';
import * as z from 'zod';
import { AURORA_CAPACITY } from './created-mysql.ts';

/** A port that CloudFormation fills in, such as a cluster's, is a token at synth and cannot be checked. */
const port = z
  .number()
  .refine(
    (value) => Token.isUnresolved(value) || (Number.isInteger(value) && value >= 1 && value <= 65_535),
    'expected a port from 1 to 65535',
  );

const existingServer = {
  kind: z.literal('existing'),
  host: z.string().min(1).optional(),
  port: port.optional(),
};

const createdRedis = {
  kind: z.literal('created'),
  engine: z.enum(['valkey', 'redis']).optional(),
  nodeType: z
    .string()
    .regex(/^cache\.\w+\.\w+$/, 'expected a node type such as cache.t4g.micro')
    .optional(),
  replicas: z.int().min(0).max(5).optional(),
};

const capacity = (min: number) => z.number().min(min).max(256).multipleOf(0.5).optional();

const createdMysql = {
  kind: z.literal('created'),
  engine: z.enum(['mysql', 'aurora']).optional(),
  instanceType: z
    .string()
    .regex(/^(?!db\.)\w+\.\w+$/, 'expected an instance type such as t4g.micro, without the prefix db.')
    .optional(),
  storageGb: z.int().min(20).max(65_536).optional(),
  minCapacity: capacity(0),
  maxCapacity: capacity(1),
  maxConnections: z.int().positive().optional(),
};

interface CreatedMysqlSettings {
  readonly engine?: 'mysql' | 'aurora';
  readonly instanceType?: string;
  readonly storageGb?: number;
  readonly minCapacity?: number;
  readonly maxCapacity?: number;
}

/** The settings that apply to one engine only. */
const ENGINE_SETTINGS = {
  mysql: ['instanceType', 'storageGb'],
  aurora: ['minCapacity', 'maxCapacity'],
} as const;

function checkEngine(pool: CreatedMysqlSettings, context: z.core.$RefinementCtx): void {
  const { engine = 'mysql' } = pool;
  const otherEngine = engine === 'aurora' ? 'mysql' : 'aurora';
  for (const name of ENGINE_SETTINGS[otherEngine]) {
    if (pool[name] === undefined) continue;
    const message = `applies to engine ${otherEngine} only, but the engine is ${engine}`;
    context.addIssue({ code: 'custom', path: [name], message });
  }
  const { minCapacity = AURORA_CAPACITY.min, maxCapacity = AURORA_CAPACITY.max } = pool;
  if (engine !== 'aurora' || minCapacity <= maxCapacity) return;
  const message = `must not exceed maxCapacity, which is ${maxCapacity}`;
  context.addIssue({ code: 'custom', path: ['minCapacity'], message });
}

/** How the caller refers to resources: as CDK constructs in props, or by ID in a deployment file. */
export interface AccessShapes<Access extends z.ZodRawShape, Client extends z.ZodType> {
  /** The secret and the security group of an existing server. */
  readonly access: Access;
  /** A security group that may connect to a created server. */
  readonly client: Client;
}

export function redisPoolSchema<Access extends z.ZodRawShape, Client extends z.ZodType>({
  access,
  client,
}: AccessShapes<Access, Client>) {
  const tls = z.boolean().optional();
  const isNoeviction = z.boolean().optional();
  return z.discriminatedUnion('kind', [
    z.strictObject({ ...existingServer, ...access, tls, isNoeviction }),
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
    z.strictObject({ ...existingServer, ...access, tls, maxConnections }),
    z.strictObject({ ...createdMysql, clients: z.array(client).optional() }).superRefine(checkEngine),
  ]);
}
