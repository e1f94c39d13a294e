import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { SPARE_REQUESTS } from '../../shared/protocol.ts';
import type { ConsumerContext } from './consumer-context.ts';
import { ConsumerFunction } from './consumer-function.ts';
import { checkConnections, provideMysqlPool } from './mysql-pools.ts';
import type { MysqlPoolProps } from './props.ts';
import { grantSecrets } from './secret-grants.ts';

/** Creates the SQL executor and, where the props ask for it, the MySQL servers. */
export function createExecutor(
  scope: Construct,
  context: ConsumerContext,
  poolProps: Readonly<Record<string, MysqlPoolProps>>,
): IFunction {
  const { settings, registry, serviceName, network, removal } = context;
  const { lazyConcurrency, reserveExecutor } = settings;
  checkConnections(registry.mysqlPools, poolProps, lazyConcurrency);
  const pools = [...registry.mysqlPools.values()].map((pool) => {
    const props = poolProps[pool.code] ?? { kind: 'existing' };
    const { address, secret } = provideMysqlPool(scope, network, pool, props, removal);
    return { code: pool.code, address, secret };
  });
  const executor = new ConsumerFunction(scope, 'Executor', {
    entry: 'functions/sql-executor/handler.ts',
    description: 'Runs batches of SQL for the poller, each in one transaction',
    configuration: {
      serviceName: `${serviceName}-executor`,
      logLevel: settings.logLevel,
      mysqlPools: Object.fromEntries(pools.map(({ code, address }) => [code, address])),
      ledgerDatabase: settings.ledgerDatabase,
      secretMaxAgeSeconds: settings.secretMaxAgeSeconds,
    },
    network,
    securityGroup: network.executorSecurityGroup,
    architecture: settings.architecture,
    memoryMb: settings.executorMemoryMb,
    timeout: Duration.seconds(settings.executorTimeoutSeconds),
    reservedConcurrency: reserveExecutor ? lazyConcurrency + SPARE_REQUESTS : undefined,
    logRetentionDays: settings.logRetentionDays,
    removal,
  });
  grantSecrets(executor, pools);
  return executor;
}
