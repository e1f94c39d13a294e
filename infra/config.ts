import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { ConfigurationError } from '../shared/errors.ts';
import { readYamlFile } from '../shared/read-yaml-file.ts';
import { declinedAlarmsSchema } from './constructs/alarm-names.ts';
import { mysqlPoolSchema, redisPoolSchema } from './constructs/pool-schemas.ts';
import { parseNamingPaths } from './constructs/problems.ts';
import { SETTING_NAMES, type SettingsInput } from './constructs/settings.ts';

const arn = (pattern: string, example: string) =>
  z.string().regex(new RegExp(`^arn:[\\w-]+:${pattern}$`), `expected an ARN such as arn:aws:${example}`);
const id = (prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}-[0-9a-f]{8,17}$`), `expected an ID such as ${prefix}-0123456789abcdef0`);

const existingServer = {
  /** The complete ARN, including its last six random characters. */
  secretArn: arn(
    'secretsmanager:[\\w-]+:\\d{12}:secret:.+-\\w{6}',
    'secretsmanager:eu-central-1:123456789012:secret:name-AbCdEf',
  ).optional(),
  /** The key that encrypts the secret. Needed only if it is not the AWS managed key. */
  secretKeyArn: arn('kms:[\\w-]+:\\d{12}:key/.+', 'kms:eu-central-1:123456789012:key/id').optional(),
  securityGroupId: id('sg').optional(),
};
const shapes = { access: existingServer, client: id('sg') };

/** An existing VPC, described by IDs alone, because nothing is looked up at synth. */
const importedVpc = z.strictObject({
  vpcId: id('vpc'),
  availabilityZones: z.array(z.string().min(1)).min(1),
  /** One subnet for each zone, in the same order. Isolated subnets are sufficient. */
  subnetIds: z.array(id('subnet')).min(1),
});

const deploymentSchema = z
  .strictObject({
    stackName: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/)
      .default('BackgroundConsumer'),
    /** Path of the BeeORM registry, relative to this file. */
    registry: z.string().min(1),
    /** Paths relative to this file. docs/own-streams.md and docs/search.md describe these files. */
    bindings: z.string().min(1).optional(),
    searchMapping: z.string().min(1).optional(),
    redisPools: z.record(z.string(), redisPoolSchema(shapes)).default({}),
    mysqlPools: z.record(z.string(), mysqlPoolSchema(shapes)).default({}),
    vpc: importedVpc.optional(),
    endpoints: z.boolean().optional(),
    alarmTopicArn: arn('sns:[\\w-]+:\\d{12}:[\\w-]+', 'sns:eu-central-1:123456789012:on-call').optional(),
    declinedAlarms: declinedAlarmsSchema,
  })
  .refine(({ vpc }) => vpc === undefined || vpc.subnetIds.length === vpc.availabilityZones.length, {
    path: ['vpc', 'subnetIds'],
    message: 'must have as many items as availabilityZones',
  });

export type Deployment = z.output<typeof deploymentSchema> & { readonly settings: SettingsInput };

/** The CDK context: values of cdk.json, and strings from `-c KEY=VALUE` on the command line. */
export type Context = Readonly<Record<string, unknown>>;

/** Context keys that are allowed in addition to the settings. */
const CONTEXT_NAMES: ReadonlySet<string> = new Set(['config', 'stackName', 'registry']);

const CONFIG_FILE = {
  name: 'config',
  code: 'config',
  nextStep: 'Pass a deployment file with -c config=FILE. infra/example/deployment.yaml is an example.',
};

/**
 * Reads the deployment file that the context key `config` names. Settings in the context, as in
 * `-c lazyConcurrency=20`, override those in the file.
 * @throws ConfigurationError that names the path of each invalid value
 */
export function readDeployment(context: Context): Deployment {
  checkContext(context);
  const path = z.string().catch('').parse(context['config']);
  const { settings, others } = readValues(path, context);
  const deployment = parseNamingPaths(path, () => deploymentSchema.parse(others));
  const fromFile = (file: string) => resolve(dirname(path), file);
  const { registry, bindings, searchMapping } = deployment;
  return {
    ...deployment,
    // A path on the command line is relative to the working directory.
    registry: context['registry'] === undefined ? fromFile(registry) : resolve(registry),
    bindings: bindings === undefined ? undefined : fromFile(bindings),
    searchMapping: searchMapping === undefined ? undefined : fromFile(searchMapping),
    settings,
  };
}

/** Settings and other values of the deployment file, overridden by the context. */
function readValues(path: string, context: Context) {
  const values = parseNamingPaths(path, () =>
    z.record(z.string(), z.unknown()).parse(readYamlFile(path, CONFIG_FILE) ?? {}),
  );
  const settings: Record<string, unknown> = {};
  const others: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values))
    (SETTING_NAMES.has(key) ? settings : others)[key] = value;
  for (const key of SETTING_NAMES)
    if (context[key] !== undefined) settings[key] = fromCommandLine(context[key]);
  for (const key of ['stackName', 'registry']) others[key] = context[key] ?? others[key];
  return { settings, others };
}

/**
 * Rejects unknown context keys, because a mistyped `-c` would otherwise be ignored silently. Only plain words are
 * checked: the CDK's own keys and its cached lookups contain other characters.
 */
function checkContext(context: Context): void {
  const isKnown = (key: string) => SETTING_NAMES.has(key) || CONTEXT_NAMES.has(key);
  const unknown = Object.keys(context).filter((key) => /^[A-Za-z]\w*$/.test(key) && !isKnown(key));
  if (unknown.length === 0) return;
  throw new ConfigurationError('unknown-context', `-c ${unknown.join(', -c ')}: unknown setting`, {
    nextStep: `Use one of ${[...CONTEXT_NAMES, ...SETTING_NAMES].join(', ')}. Set everything else in the deployment file.`,
  });
}

/** Values on the command line are strings: 20 is parsed as a number, true as a boolean and [] as a list. */
function fromCommandLine(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
