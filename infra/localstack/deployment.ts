import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { stringify } from 'yaml';
import { z } from 'zod';
import { parseRegistry } from '../../shared/registry/registry.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { type CdkOptions, runCdk } from './cdk.ts';
import { clientConfig } from './client-config.ts';
import type { LocalStackAddress } from './localstack.ts';

/** A stack to deploy on LocalStack, with its deployment file. */
export interface LocalDeployment {
  readonly stackName: string;
  readonly directory: string;
  /** The deployment file. */
  readonly file: string;
}

/** Names of the deployed functions. */
export interface DeployedFunctions {
  /** The function that drains the streams. */
  readonly poller: string;
  /** The function that answers operations: the poller itself, unless `reservePoller` is set. */
  readonly operations: string;
  readonly executor: string;
}

/** Values of the deployment file in addition to the registry and its pools. */
export type DeploymentValues = Readonly<Record<string, unknown>>;

/**
 * Writes the deployment file for a registry whose servers already exist, and stores the MySQL passwords in Secrets
 * Manager, as a team would do on AWS.
 */
export async function prepareDeployment(
  localStack: LocalStackAddress,
  stackName: string,
  registryYaml: string,
  values: DeploymentValues = {},
): Promise<LocalDeployment> {
  const directory = `${localStack.directory}/stacks/${stackName}`;
  await mkdir(directory, { recursive: true });
  await writeFile(`${directory}/registry.yaml`, registryYaml);
  const { redisPools, mysqlPools } = parseRegistry(registryYaml, 'registry.yaml');
  const file = `${directory}/deployment.yaml`;
  const content = {
    stackName,
    registry: 'registry.yaml',
    redisPools: await mapPools(redisPools, () => ({ kind: 'existing', isNoeviction: true })),
    mysqlPools: await mapPools(mysqlPools, async (pool) => ({
      kind: 'existing',
      secretArn: await createSecret(localStack, `${stackName}/mysql-${pool.code}`, pool),
    })),
    removal: 'destroy',
    ...values,
  };
  await writeFile(file, stringify(content));
  return { stackName, directory, file };
}

/** Options of a deployment. */
export interface DeployOptions extends CdkOptions {
  /** Settings that override the deployment file, as in `cdk deploy -c lazyConcurrency=20`. */
  readonly context?: Readonly<Record<string, string>>;
}

/** Deploys with the regular `cdk deploy`, for the first time or again with other settings. */
export async function deploy(
  localStack: LocalStackAddress,
  deployment: LocalDeployment,
  { context = {}, onLine, signal }: DeployOptions = {},
): Promise<DeployedFunctions> {
  const outputsFile = `${deployment.directory}/outputs.json`;
  const settings = Object.entries(context).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const parameters = [...cdkParameters(deployment), ...settings, '--outputs-file', outputsFile];
  const unattended = ['--progress', 'events', '--require-approval', 'never'];
  await runCdk(localStack, ['deploy', ...parameters, ...unattended], { onLine, signal });
  return readOutputs(await readFile(outputsFile, 'utf8'), deployment.stackName);
}

/** Deletes the stack with the regular `cdk destroy`. */
export async function destroy(
  localStack: LocalStackAddress,
  deployment: LocalDeployment,
  options: CdkOptions = {},
): Promise<void> {
  await runCdk(localStack, ['destroy', ...cdkParameters(deployment), '--force'], options);
}

/** Gives each stack its own output directory, because several can be deployed concurrently. */
function cdkParameters({ file, directory }: LocalDeployment): string[] {
  return ['--all', '-c', `config=${file}`, '--output', `${directory}/cdk.out`];
}

async function createSecret(
  localStack: LocalStackAddress,
  name: string,
  { user, password }: MysqlPool,
): Promise<string | undefined> {
  const client = new SecretsManager(clientConfig(localStack));
  try {
    const SecretString = JSON.stringify({ username: user, password });
    return (await client.createSecret({ Name: name, SecretString })).ARN;
  } finally {
    client.destroy();
  }
}

async function mapPools<Pool>(
  pools: ReadonlyMap<string, Pool>,
  map: (pool: Pool) => object | Promise<object>,
): Promise<Record<string, object>> {
  const entries = [...pools].map(async ([code, pool]) => [code, await map(pool)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

const outputsSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** The CDK prefixes the name of an output with the name of its construct, and appends a hash. */
function readOutputs(json: string, stackName: string): DeployedFunctions {
  const outputs = Object.entries(outputsSchema.parse(JSON.parse(json))[stackName] ?? {});
  const output = (name: string): string => {
    const pattern = new RegExp(`^Consumer${name}[0-9A-F]{8}$`);
    const [, value] = outputs.find(([key]) => pattern.test(key)) ?? [];
    if (value === undefined) throw new Error(`The stack ${stackName} has no output ${name}.`);
    return value;
  };
  return {
    poller: output('PollerFunction'),
    operations: output('Function'),
    executor: output('ExecutorFunction'),
  };
}
