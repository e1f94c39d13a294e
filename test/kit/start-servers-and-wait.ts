import { startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { startRedis } from '../../infra/local/servers/redis-server.ts';

/** A program that a test kills. It prints the process ids and directories of its servers as one line of JSON. */
const servers = await Promise.all([startRedis(), startMariaDb()]);
console.log(JSON.stringify(servers.map(({ pid, directory }) => ({ pid, directory }))));
setInterval(() => {}, 60_000);
