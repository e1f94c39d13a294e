import * as z from 'zod';
import { readDeployedConfiguration } from '../../../shared/aws/deployed-configuration.ts';
import { LOG_LEVELS } from '../../../shared/logging.ts';

/** One MySQL pool as it is deployed: its address without a password, which stands in the secret. */
const mysqlPoolSchema = z.strictObject({
  host: z.string().min(1),
  /** A text where CloudFormation puts it in. */
  port: z.coerce.number().int().min(1).max(65_535),
  database: z.string().min(1),
  user: z.string().default(''),
  tls: z.enum(['verify', 'skip-verify', 'preferred']).exactOptional(),
  /** Of the DSN, as they stand there. */
  parameters: z.record(z.string(), z.string()).default({}),
  encoding: z.string().exactOptional(),
  collate: z.string().exactOptional(),
  /** Name or ARN of the secret with user and password, and perhaps the address. */
  secret: z.string().exactOptional(),
  /** The address here stands, whatever the secret says: RDS's names the server behind a proxy. */
  isAddressGiven: z.boolean().default(false),
});
export type DeployedMysqlPool = z.infer<typeof mysqlPoolSchema>;

export const executorConfigurationSchema = z.strictObject({
  serviceName: z.string().min(1),
  logLevel: z.enum(LOG_LEVELS),
  /** By the code in the registry. */
  mysqlPools: z.record(z.string(), mysqlPoolSchema),
  /** Database on each MySQL server that keeps what was applied. */
  ledgerDatabase: z.string().regex(/^\w{1,64}$/),
  secretMaxAgeSeconds: z.int().min(0).max(3600),
});
export type ExecutorConfiguration = z.infer<typeof executorConfigurationSchema>;

/** @throws ConfigurationError that names the path of what is wrong */
export function readExecutorConfiguration(environment: NodeJS.ProcessEnv): ExecutorConfiguration {
  return readDeployedConfiguration(executorConfigurationSchema, environment);
}
