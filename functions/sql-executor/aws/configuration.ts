import * as z from 'zod';
import { readDeployedConfiguration } from '../../../shared/aws/deployed-configuration.ts';
import { LOG_LEVELS } from '../../../shared/logging.ts';

/** One MySQL pool as it is deployed: its address without the password, which is in the secret. */
const mysqlPoolSchema = z.strictObject({
  host: z.string().min(1),
  /** A string if CloudFormation inserts it. */
  port: z.coerce.number().int().min(1).max(65_535),
  database: z.string().min(1),
  user: z.string().default(''),
  tls: z.enum(['verify', 'skip-verify', 'preferred']).exactOptional(),
  /** The parameters of the DSN, percent-decoded. */
  parameters: z.record(z.string(), z.string()).default({}),
  encoding: z.string().exactOptional(),
  collate: z.string().exactOptional(),
  /** Name or ARN of the secret with user and password, and optionally the address. */
  secret: z.string().exactOptional(),
  /** The address here takes precedence over the secret's: RDS's own secret contains the server behind a proxy. */
  isAddressGiven: z.boolean().default(false),
});
export type DeployedMysqlPool = z.infer<typeof mysqlPoolSchema>;

export const executorConfigurationSchema = z.strictObject({
  serviceName: z.string().min(1),
  logLevel: z.enum(LOG_LEVELS),
  /** By pool code in the registry. */
  mysqlPools: z.record(z.string(), mysqlPoolSchema),
  /** Database on each MySQL server that holds the ledger. */
  ledgerDatabase: z.string().regex(/^\w{1,64}$/),
  secretMaxAgeSeconds: z.int().min(0).max(3600),
});
export type ExecutorConfiguration = z.infer<typeof executorConfigurationSchema>;

/** @throws ConfigurationError with the path of each wrong value */
export function readExecutorConfiguration(environment: NodeJS.ProcessEnv): ExecutorConfiguration {
  return readDeployedConfiguration(executorConfigurationSchema, environment);
}
