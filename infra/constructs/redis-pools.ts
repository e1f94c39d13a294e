import { Annotations, type RemovalPolicy } from 'aws-cdk-lib';
import { Peer, Port } from 'aws-cdk-lib/aws-ec2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { RedisPool } from '../../shared/registry/types.ts';
import { CreatedRedis } from './created-redis.ts';
import type { Network } from './network.ts';
import { propsError } from './problems.ts';
import type { ExistingRedisPool, RedisPoolProps } from './props.ts';
import { openForServer } from './server-access.ts';

const REDIS_PORT = 6379;

/** What the poller is told of a pool, before it has become JSON: ports may be tokens, as text. */
export interface BoundRedisPool {
  readonly address: object;
  readonly secret: ISecret | undefined;
}

/** Makes or opens the server of one Redis pool. */
export function bindRedisPool(
  scope: Construct,
  network: Network,
  pool: RedisPool,
  props: RedisPoolProps,
  removal: RemovalPolicy,
): BoundRedisPool {
  const { database, namespace } = pool;
  if (props.kind === 'existing') return bindExisting(scope, network, pool, props);
  checkReplicas(pool.code, props.replicas);
  const { host, port, secret } = new CreatedRedis(scope, `Redis-${pool.code}`, network, props, removal);
  const target = { kind: 'tcp', host, port };
  return { address: { target, database, namespace, tls: true, secret: secret.secretArn }, secret };
}

function bindExisting(
  scope: Construct,
  network: Network,
  pool: RedisPool,
  props: ExistingRedisPool,
): BoundRedisPool {
  const { secret, isNoeviction = false } = props;
  const path = `redisPools.${pool.code}`;
  if (pool.password !== undefined && secret === undefined) throw literalPassword(path);
  if (!isNoeviction) {
    Annotations.of(scope).addWarningV2(
      `background-consumer:eviction-${pool.code}`,
      `${path}: a Redis that evicts keys loses entries. Set its maxmemory-policy to noeviction, then isNoeviction: true.`,
    );
  }
  const address = {
    target: openTarget(network, pool, props, path),
    database: pool.database,
    namespace: pool.namespace,
    tls: props.tls ?? pool.tls,
    ...(pool.username === undefined ? {} : { username: pool.username }),
    ...(secret === undefined ? {} : { secret: secret.secretArn }),
  };
  return { address, secret };
}

function openTarget(network: Network, pool: RedisPool, props: ExistingRedisPool, path: string): object {
  const { target } = pool;
  const { pollerSecurityGroup } = network;
  switch (target.kind) {
    case 'tcp': {
      const server = { host: props.host ?? target.host, port: props.port ?? target.port };
      openForServer(pollerSecurityGroup, server, props.securityGroup, `Redis pool ${pool.code}`);
      return { kind: 'tcp', ...server };
    }
    case 'sentinel':
      for (const server of target.sentinels) {
        openForServer(pollerSecurityGroup, server, props.securityGroup, `sentinels of ${pool.code}`);
      }
      // Where the master is only the sentinels know.
      pollerSecurityGroup.addEgressRule(
        props.securityGroup ?? Peer.anyIpv4(),
        Port.tcp(props.port ?? REDIS_PORT),
        `master of ${pool.code}`,
      );
      return { kind: 'sentinel', master: target.master, sentinels: target.sentinels };
    case 'socket':
      throw propsError(path, `the registry names the socket ${target.path}, which no function can reach`);
  }
}

function checkReplicas(code: string, replicas = 0): void {
  if (Number.isInteger(replicas) && replicas >= 0 && replicas <= 5) return;
  throw propsError(`redisPools.${code}.replicas`, `is ${replicas}, expected 0 to 5`);
}

/** Passwords never reach a template; where one stands in the registry, a secret must stand for it. */
export function literalPassword(path: string): Error {
  return propsError(
    `${path}.secret`,
    'is missing, and the registry holds a password, which is not deployed',
    `Move it into a secret: aws secretsmanager create-secret --name NAME --secret-string '{"username":"…","password":"…"}', then give its ARN.`,
  );
}
