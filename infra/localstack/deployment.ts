import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { stringify } from 'yaml';
import { z } from 'zod';
import { parseRegistry } from '../../shared/registry/registry.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { type CdkOptions, runCdk } from './cdk.ts';
import { clientConfig } from './client-config.ts';
import type { LocalStackAddress } from './localstack.ts';

/** A stack to be deployed on LocalStack, and its deployment file. */
export interface LocalDeployment {
  readonly stackName: string;
  readonly directory: string;
  readonly file: string;
}

/** Names of what is deployed. */
export interface DeployedFunctions {
  /** Drains. */
  readonly poller: string;
  /** Answers operations: the poller itself, unless that is reserved. */
  readonly operations: string;
  readonly executor: string;
}

/** Values of the deployment file beside the registry and its pools. */
export type DeploymentValues = Readonly<Record<string, unknown>>;

/**
 * Writes the deployment file of a registry whose servers are there, with their passwords in Secrets Manager, as a team
 * would do it on AWS.
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
  const deployment = { stackName, directory, file: `${directory}/deployment.yaml` };
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
  await writeFile(deployment.file, stringify(content));
  return deployment;
}

/**
 * Deploys with the ordinary `cdk deploy`, for the first time or again with other settings.
 * @param context as in `cdk deploy -c lazyConcurrency=20`
 */
export async function deploy(
  localStack: LocalStackAddress,
  deployment: LocalDeployment,
  { context = {}, ...options }: CdkOptions & { readonly context?: Readonly<Record<string, string>> } = {},
): Promise<DeployedFunctions> {
  const outputsFile = `${deployment.directory}/outputs.json`;
  const settings = Object.entries(context).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const parameters = [...cdkParameters(deployment), ...settings, '--outputs-file', outputsFile];
  const shown = ['--progress', 'events', '--require-approval', 'never'];
  await runCdk(localStack, ['deploy', ...parameters, ...shown], options);
  return readOutputs(await readFile(outputsFile, 'utf8'), deployment.stackName);
}

/** Deletes all that was deployed, with the ordinary `cdk destroy`. */
export async function destroy(
  localStack: LocalStackAddress,
  deployment: LocalDeployment,
  options: CdkOptions = {},
): Promise<void> {
  await runCdk(localStack, ['destroy', ...cdkParameters(deployment), '--force'], options);
}

/** Each stack has an output directory of its own, so that several can be deployed at once. */
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

/** The CDK puts the construct's name before an output's, and a hash behind it. */
function readOutputs(json: string, stackName: string): DeployedFunctions {
  const outputs = Object.entries(outputsSchema.parse(JSON.parse(json))[stackName] ?? {});
  const output = (name: string): string => {
    const found = outputs.find(([key]) => new RegExp(`^Consumer${name}[0-9A-F]{8}$`).test(key));
    if (found === undefined) throw new Error(`The stack ${stackName} has no output ${name}.`);
    return found[1];
  };
  return {
    poller: output('PollerFunction'),
    operations: output('Function'),
    executor: output('ExecutorFunction'),
  };
}
