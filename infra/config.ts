import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { ConfigurationError } from '../shared/errors.ts';
import { ALARM_NAMES } from './constructs/alarm-names.ts';
import { namingPaths } from './constructs/problems.ts';
import { SETTING_NAMES, type SettingsInput } from './constructs/settings.ts';

const arn = z.string().regex(/^arn:[\w-]+:[\w-]+:/, 'an ARN');
const id = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}-\\w+$`), `an id such as ${prefix}-0123456789`);
const port = z.int().min(1).max(65_535);

const existing = {
  kind: z.literal('existing'),
  host: z.string().min(1).exactOptional(),
  port: port.exactOptional(),
  /** Complete, with its six last characters. */
  secretArn: arn.exactOptional(),
  /** Key that the secret is encrypted with, where it is not AWS's own. */
  secretKeyArn: arn.exactOptional(),
  securityGroupId: id('sg').exactOptional(),
};

const redisPool = z.discriminatedUnion('kind', [
  z.strictObject({
    ...existing,
    tls: z.boolean().exactOptional(),
    isNoeviction: z.boolean().exactOptional(),
  }),
  z.strictObject({
    kind: z.literal('created'),
    engine: z.enum(['valkey', 'redis']).exactOptional(),
    nodeType: z.string().startsWith('cache.').exactOptional(),
    replicas: z.int().min(0).max(5).exactOptional(),
  }),
]);

const mysqlPool = z.discriminatedUnion('kind', [
  z.strictObject({
    ...existing,
    tls: z.enum(['verify', 'skip-verify', 'preferred']).exactOptional(),
    maxConnections: z.int().positive().exactOptional(),
  }),
  z.strictObject({
    kind: z.literal('created'),
    engine: z.enum(['mysql', 'aurora']).exactOptional(),
    instanceType: z.string().exactOptional(),
    storageGb: z.int().min(20).exactOptional(),
    minCapacity: z.number().min(0).max(256).exactOptional(),
    maxCapacity: z.number().min(1).max(256).exactOptional(),
    maxConnections: z.int().positive().exactOptional(),
  }),
]);

/** A VPC that is there. By ids alone: nothing is looked up at synth. */
const importedVpc = z.strictObject({
  vpcId: id('vpc'),
  availabilityZones: z.array(z.string().min(1)).min(1),
  /** One for each zone, in the same order; isolated ones suffice. */
  subnetIds: z.array(id('subnet')).min(1),
});

const deploymentSchema = z
  .strictObject({
    stackName: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/)
      .default('BackgroundConsumer'),
    /** From the directory of this file. */
    registry: z.string().min(1),
    /** Files beside this one, as docs/own-streams.md and docs/search.md describe them. */
    bindings: z.string().min(1).exactOptional(),
    searchMapping: z.string().min(1).exactOptional(),
    redisPools: z.record(z.string(), redisPool).default({}),
    mysqlPools: z.record(z.string(), mysqlPool).default({}),
    vpc: importedVpc.exactOptional(),
    endpoints: z.boolean().exactOptional(),
    alarmTopicArn: arn.exactOptional(),
    declinedAlarms: z.partialRecord(z.enum(ALARM_NAMES), z.string()).default({}),
  })
  .refine(({ vpc }) => vpc === undefined || vpc.subnetIds.length === vpc.availabilityZones.length, {
    path: ['vpc', 'subnetIds'],
    message: 'as many as availabilityZones',
  });

export type Deployment = z.output<typeof deploymentSchema> & { readonly settings: SettingsInput };

/** Value of a context key of the CDK: a text where it comes from the command line. */
export type ReadContext = (key: string) => unknown;

/**
 * Reads what is to be deployed: the file that the context key `config` names, with the settings that stand in the
 * context, as in `-c lazyConcurrency=20`, put over it.
 * @throws ConfigurationError that names the path of each wrong value
 */
export function readDeployment(readContext: ReadContext): Deployment {
  const path = z.string().catch('').parse(readContext('config'));
  const file = readFile(path);
  const settings: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(file)) (SETTING_NAMES.has(key) ? settings : rest)[key] = value;
  for (const key of SETTING_NAMES) {
    const value = readContext(key);
    if (value !== undefined) settings[key] = fromCommandLine(value);
  }
  for (const key of ['stackName', 'registry']) rest[key] = readContext(key) ?? rest[key];
  const deployment = namingPaths(path, () => deploymentSchema.parse(withoutUndefined(rest)));
  const isFromContext = readContext('registry') !== undefined;
  const registry = resolve(isFromContext ? '.' : dirname(path), deployment.registry);
  for (const key of ['bindings', 'searchMapping'] as const) {
    const named = deployment[key];
    if (named !== undefined) deployment[key] = resolve(dirname(path), named);
  }
  return { ...deployment, registry, settings };
}

function readFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigurationError('unreadable-config', `config: there is no readable file "${path}"`, {
      nextStep: 'Give the file with -c config=FILE; infra/example/deployment.yaml is one.',
      cause,
    });
  }
  const value: unknown = parse(text);
  return namingPaths(path, () => z.record(z.string(), z.unknown()).parse(value));
}

/** On the command line everything is a text: 20 means the number, true the boolean, [] the list. */
function fromCommandLine(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function withoutUndefined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
