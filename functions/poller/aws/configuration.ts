import * as z from 'zod';
import { readDeployedConfiguration } from '../../../shared/aws/deployed-configuration.ts';
import { ABSENT_GROUPS_RULES, ORDERING_RULES } from '../../../shared/drain-rules.ts';
import { LOG_LEVELS } from '../../../shared/logging.ts';

const hostAndPort = z.strictObject({
  host: z.string().min(1),
  /** A text where CloudFormation puts it in. */
  port: z.coerce.number().int().min(1).max(65_535),
});

/** One Redis pool as it is deployed: its address without a password, which stands in the secret. */
const redisPoolSchema = z.strictObject({
  target: z.discriminatedUnion('kind', [
    hostAndPort.extend({ kind: z.literal('tcp') }),
    z.strictObject({ kind: z.literal('sentinel'), master: z.string(), sentinels: z.array(hostAndPort) }),
  ]),
  database: z.int().nonnegative(),
  namespace: z.string(),
  tls: z.boolean(),
  username: z.string().exactOptional(),
  /** Name or ARN of the secret with the password, and perhaps user and address. */
  secret: z.string().exactOptional(),
  /** The address here stands, whatever the secret says: RDS's names the server behind a proxy. */
  isAddressGiven: z.boolean().default(false),
});
export type DeployedRedisPool = z.infer<typeof redisPoolSchema>;

export const pollerConfigurationSchema = z.strictObject({
  serviceName: z.string().min(1),
  logLevel: z.enum(LOG_LEVELS),
  /** Codes alone: the poller has no way to MySQL. */
  mysqlPools: z.array(z.string()),
  /** By the code in the registry. */
  redisPools: z.record(z.string(), redisPoolSchema),
  /** Groups by stream, by Redis pool. */
  streams: z.record(z.string(), z.record(z.string(), z.array(z.string()))),
  /** Name or ARN of the SQL executor's function. */
  executor: z.string().min(1),
  ordering: z.enum(ORDERING_RULES),
  lazyConcurrency: z.int().positive(),
  batchItems: z.int().positive(),
  /** Verbs that are let through besides INSERT, UPDATE, DELETE and REPLACE. */
  allowedStatements: z.array(z.string()),
  /** Own streams that are bound to functions, as docs/own-streams.md describes each. */
  bindings: z.array(z.unknown()).default([]),
  /** What search indexes consist of, as docs/search.md describes it. */
  search: z.unknown().optional(),
  /** What collecting garbage does about groups that don't exist on their stream. */
  absentGroups: z.enum(ABSENT_GROUPS_RULES).default('hold'),
  isTail: z.boolean(),
  budgetMs: z.int().positive(),
  secretMaxAgeSeconds: z.int().min(0).max(3600),
});
export type PollerConfiguration = z.infer<typeof pollerConfigurationSchema>;

/** @throws ConfigurationError that names the path of what is wrong */
export function readPollerConfiguration(environment: NodeJS.ProcessEnv): PollerConfiguration {
  return readDeployedConfiguration(pollerConfigurationSchema, environment);
}
