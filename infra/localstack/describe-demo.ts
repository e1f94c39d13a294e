import type { Stage } from './deployed-demo.ts';

/** Commands to look around with. */
export function describeUse({ localStack, servers, deployment, functions }: Stage): string {
  const { mysql, redis } = servers;
  const variables = Object.entries(localStack.environment).map(([name, value]) => `${name}=${value}`);
  return `LocalStack answers at ${localStack.endpoint}. The functions are
  poller    ${functions.poller}
  executor  ${functions.executor}

For the commands below, and for AWS's own, in another terminal:

  unset AWS_PROFILE AWS_SESSION_TOKEN
  export ${variables.join(' ')}

  npm run --silent consumer -- status --function ${functions.operations}
  npm run --silent consumer -- dead-letters list --function ${functions.operations}
  npm run --silent consumer -- dead-letters redrive --all --function ${functions.operations}
  npm run deploy -- -c config=${deployment.file} -c lazyConcurrency=20
  redis-cli -p ${redis.port}
  mariadb --host=${mysql.host} --port=${mysql.port} --user=${mysql.user} --password=${mysql.password} bee
`;
}

/** The command that removes everything. */
export function describeEnd({ localStack, servers }: Stage): string {
  const { mysql, redis } = servers;
  const ends = [localStack, redis, mysql].map(({ endCommand }) => endCommand).join('; ');
  const directories = [localStack, redis, mysql].map(({ directory }) => directory).join(' ');
  return `Everything keeps running. To end it and remove its files:

  ${ends}; sleep 1; rm -r ${directories}
`;
}
