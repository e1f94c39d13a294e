import * as z from 'zod';
import { readDeployedConfiguration } from '../../../shared/aws/deployed-configuration.ts';
import { ABSENT_GROUPS_RULES, ORDERING_RULES } from '../../../shared/drain-rules.ts';
import { LOG_LEVELS } from '../../../shared/logging.ts';

const hostAndPort = z.strictObject({
  host: z.string().min(1),
  /** A string if CloudFormation inserts it. */
  port: z.coerce.number().int().min(1).max(65_535),
});

/** One deployed Redis pool: its address without the password, which is stored in the secret. */
const redisPoolSchema = z.strictObject({
  target: z.discriminatedUnion('kind', [
    hostAndPort.extend({ kind: z.literal('tcp') }),
    z.strictObject({ kind: z.literal('sentinel'), master: z.string(), sentinels: z.array(hostAndPort) }),
  ]),
  database: z.int().nonnegative(),
  namespace: z.string(),
  tls: z.boolean(),
  username: z.string().exactOptional(),
  /** Name or ARN of the secret with the password and optionally the user and address. */
  secret: z.string().exactOptional(),
  /** This address overrides the one in the secret. An RDS secret names the server behind a proxy, not the proxy. */
  isAddressGiven: z.boolean().default(false),
});
export type DeployedRedisPool = z.infer<typeof redisPoolSchema>;

export const pollerConfigurationSchema = z.strictObject({
  serviceName: z.string().min(1),
  logLevel: z.enum(LOG_LEVELS),
  /** Only codes, because the poller has no connection to MySQL. */
  mysqlPools: z.array(z.string()),
  /** By the code in the registry. */
  redisPools: z.record(z.string(), redisPoolSchema),
  /** By Redis pool, then by stream: the names of its groups. */
  streams: z.record(z.string(), z.record(z.string(), z.array(z.string()))),
  /** Name or ARN of the SQL executor's function. */
  executor: z.string().min(1),
  ordering: z.enum(ORDERING_RULES),
  lazyConcurrency: z.int().positive(),
  batchItems: z.int().positive(),
  /** Allowed statement verbs in addition to INSERT, UPDATE, DELETE and REPLACE. */
  allowedStatements: z.array(z.string()),
  /** Own streams that are bound to functions (docs/own-streams.md). */
  bindings: z.array(z.unknown()).default([]),
  /** Definition of the search indexes (docs/search.md). */
  search: z.unknown().optional(),
  /** How garbage collection treats groups that do not exist on their stream. */
  absentGroups: z.enum(ABSENT_GROUPS_RULES).default('hold'),
  isTail: z.boolean(),
  budgetMs: z.int().positive(),
  secretMaxAgeSeconds: z.int().min(0).max(3600),
});
export type PollerConfiguration = z.infer<typeof pollerConfigurationSchema>;

/** @throws ConfigurationError that names the path of the invalid value */
export function readPollerConfiguration(environment: NodeJS.ProcessEnv): PollerConfiguration {
  return readDeployedConfiguration(pollerConfigurationSchema, environment);
}
