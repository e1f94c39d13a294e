import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import * as z from 'zod';
import { declinedAlarmsSchema } from './alarm-names.ts';
import { mysqlPoolSchema, redisPoolSchema } from './pool-schemas.ts';
import { parseNamingPaths, propsError } from './problems.ts';
import type { BackgroundConsumerProps } from './props.ts';
import { parseSettings, SETTING_NAMES, type Settings } from './settings.ts';

const requiredConstruct = <Type>() =>
  z.custom<Type>((value) => typeof value === 'object' && value !== null, 'expected a construct');
const construct = <Type>() => requiredConstruct<Type>().optional();

const shapes = {
  access: { secret: construct<ISecret>(), securityGroup: construct<ISecurityGroup>() },
  client: requiredConstruct<ISecurityGroup>(),
};

const otherProps = z.strictObject({
  registry: z.string().min(1),
  serviceName: z.string().min(1).optional(),
  redisPools: z.record(z.string(), redisPoolSchema(shapes)).default({}),
  mysqlPools: z.record(z.string(), mysqlPoolSchema(shapes)).default({}),
  bindings: z.string().min(1).optional(),
  searchMapping: z.string().min(1).optional(),
  vpc: construct<IVpc>(),
  vpcSubnets: construct<SubnetSelection>(),
  endpoints: z.boolean().optional(),
  alarmTopic: construct<ITopic>(),
  declinedAlarms: declinedAlarmsSchema,
});

export type CheckedProps = z.output<typeof otherProps> & { readonly settings: Settings };

/** @throws ConfigurationError that names the path of each invalid or unknown prop */
export function checkProps(id: string, props: BackgroundConsumerProps): CheckedProps {
  const [settings, others]: [object, object] = [{}, {}];
  for (const [name, value] of Object.entries(props))
    Object.assign(SETTING_NAMES.has(name) ? settings : others, { [name]: value });
  return parseNamingPaths(id, () => ({ ...otherProps.parse(others), settings: parseSettings(settings) }));
}

/** @throws ConfigurationError if the props name a pool that the registry does not have */
export function checkPoolCodes(
  prop: 'redisPools' | 'mysqlPools',
  poolProps: Readonly<Record<string, unknown>>,
  pools: ReadonlyMap<string, unknown>,
): void {
  const unknown = Object.keys(poolProps).find((code) => !pools.has(code));
  if (unknown === undefined) return;
  const problem = `the registry has no such pool, only ${[...pools.keys()].join(', ')}`;
  throw propsError(`${prop}.${unknown}`, problem);
}
